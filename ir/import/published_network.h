// The networks of "Fast Sparse ConvNets" as their weights were published: an .npz of arrays under the layers' names.
#pragma once

#include <string>
#include <vector>

#include "ir/import/bytes.h"
#include "ir/network/zoo/zoo.h"

namespace espalier {

struct PublishedNetwork {
  Network network;
  std::vector<std::string> stand_ins;  ///< 1x1 layers that the file lacks and a seeded matrix stands in for
};

/// MobileNetV1 with the weights of an .npz, whatever its width. Arrays, fp32, batch norms folded:
///
///     initial_conv            [c][3][3][3]     output, input, row, column
///     depthwise_nxn_0..12     [c][1][3][3]
///     contraction_1x1_0..12   [out][in]
///     final_dense_kernel      [classes][in]
///     LAYER_bias              [out]            of each layer; final_dense_bias of the last
///
/// The network is that of the published model, as far as its tensors and the paper's kernels show it: ReLU, one line of
/// padding on every side of every 3x3 window (also where its stride is 2, unlike SAME), a mean, the matrix, no softmax.
/// Its image is normalised already: the model's first two layers (minus mean, times scale) are not in the file.
///
/// A contraction whose bias is there but whose matrix is not gets a seeded one: `sparsity` zeros in blocks of 4 output
/// channels, as the paper's last layer is pruned. Of `options`, sparsity, size and seed count.
///
/// Errors: parse_npz's, zoo_network's for options, kBadInput for any other missing array and for shapes that do not
/// fit together, kLimit for a stand-in of more than 2^24 weights.
Result<PublishedNetwork> parse_published_mobilenet_v1(std::string_view file_name, Bytes bytes,
                                                      const ZooOptions& options = {});

}  // namespace espalier
