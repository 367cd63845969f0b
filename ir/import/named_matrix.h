// What the readers hand out: a matrix with what its file knew about it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ir/kernel_spec.h"

namespace espalier {

/// A weight matrix W[output channels, input channels] from a file.
struct NamedMatrix {
  /// The layer's or array's name, or the file's stem where it has none. Raw bytes of the file: show it through
  /// printable().
  std::string name;
  SparseMatrix matrix;
  std::vector<float> bias;  ///< empty (the file has none) or one value per row
  Clamp clamp;              ///< the fused activation
  uint32_t pixels = 0;  ///< height x width (conv) or batch (fully connected) of the output; 0: the file does not say
  std::string kind;     ///< "matrix", "conv1x1", "conv1x1_strided" or "fully_connected"
};

struct ImportOptions {
  std::string select;  ///< empty: all; otherwise a name or, where no name matches, an index of the listing
  uint64_t seed = 1;   ///< for the values of files that hold only a pattern: SeededRandom(seed).weight() in file order
  /// Arrays of .npy and .npz: empty decides by rule (see array_matrix.h); true: [input, output]; false:
  /// [output, input].
  std::optional<bool> transpose;
};

/// One line about a weight array that is in a file, whether it is a matrix or not.
struct WeightListing {
  size_t index = 0;
  std::string name;
  std::string kind;  ///< NamedMatrix's, or one that read_matrices leaves out: "conv", "grouped_conv", "depthwise"
  std::vector<uint64_t> shape;  ///< in the file's own order of dimensions
  uint64_t nonzeros = 0;
  bool is_matrix = true;  ///< read_matrices can return it
};

/// A weight array that can be decoded on demand. Refers to the file's bytes, which must outlive it.
struct WeightSource {
  WeightListing listing;
  std::function<Result<NamedMatrix>()> decode;
};

}  // namespace espalier
