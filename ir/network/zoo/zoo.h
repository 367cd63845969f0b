// Well-known networks with seeded weights, for benchmarks and tests that need nobody's weights.
#pragma once

#include <span>

#include "ir/network/network.h"

namespace espalier {

struct ZooOptions {
  double width = 1;       ///< multiplies every count of channels, rounded to 8 as the papers do
  double sparsity = 0.9;  ///< share of zeros in pruned layers, in [0, 1)
  uint32_t block = 1;     ///< so many neighbouring output channels share their zeros
  uint32_t size = 0;      ///< height and width of the image; 0: the model's own
  uint64_t seed = 1;
};

struct ZooModel {
  std::string_view name, description;
  uint32_t size;  ///< of its image
  Result<TensorId> (*build)(class ZooBuilder& builder, TensorId image);
};

/// mobilenet_v1, mobilenet_v2, mobilenet_v2_cache_aware, mobilenet_v3_large, mobilenet_v3_small, efficientnet_b0,
/// efficientnet_b1, efficientnet_lite0, resnet50.
std::span<const ZooModel> zoo_models();

/// The network, with softmax over 1000 classes. Pruned are 1x1 convolutions (of ResNet-50 all but the first, of
/// EfficientNet the last matrix, too); first convolution, depthwise ones, squeeze-excite and the other last matrices
/// are dense, as in "Fast Sparse ConvNets". Weights are uniform and scaled by what is left of their row, so that values
/// neither vanish nor explode; batch norms are folded. The same arguments give the same network on every machine.
/// Errors (kBadInput): an unknown model, an option out of range.
Result<Network> zoo_network(std::string_view model, const ZooOptions& options = {});

}  // namespace espalier
