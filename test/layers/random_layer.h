// Seeded layers of every kind that layer_steps takes, in any layout.
#pragma once

#include <vector>

#include "codegen/layers/layer_steps.h"

namespace espalier::test {

/// A layer on its own, as a network, with layouts for its tensors.
struct RandomLayer {
  Network network;  ///< one layer
  std::vector<LayerTensor> inputs;
  LayerTensor output;
  std::vector<std::vector<float>> values;  ///< of the inputs, NHWC

  const Layer& layer() const { return network.layers[0]; }
};
RandomLayer random_layer(uint64_t seed, uint32_t lanes);

/// NHWC values laid out as the tensor says; padding becomes `fill`.
std::vector<float> laid_out(const LayerTensor& tensor, const std::vector<float>& values, float fill);

}  // namespace espalier::test
