// The generators behind layer_steps, one file per family.
#pragma once

#include <functional>

#include "codegen/layers/activation_code.h"
#include "codegen/layers/layer_code.h"
#include "codegen/layers/loop_builder.h"

namespace espalier {

/// What a generator works on.
struct LayerJob {
  const Layer& layer;
  std::span<const LayerTensor> inputs;
  const LayerTensor& output;
  const Target& target;
  const std::string& name;
  /// Applied to the first input's elements before all else; only where takes_input_activation.
  Activation input_activation = {};

  const LayerTensor& input(size_t i = 0) const { return inputs[i]; }
};
using LayerSteps = Result<std::vector<LayerStep>>;

LayerSteps unary_steps(const LayerJob& job);
LayerSteps binary_steps(const LayerJob& job);
LayerSteps prelu_steps(const LayerJob& job);
LayerSteps batch_norm_steps(const LayerJob& job);
LayerSteps mean_steps(const LayerJob& job);
LayerSteps softmax_steps(const LayerJob& job);
LayerSteps fully_connected_steps(const LayerJob& job);
LayerSteps convolution_steps(const LayerJob& job);
LayerSteps pool_steps(const LayerJob& job);
LayerSteps resize_steps(const LayerJob& job);
LayerSteps depth_to_space_steps(const LayerJob& job);
LayerSteps concat_steps(const LayerJob& job);
LayerSteps pad_steps(const LayerJob& job);
LayerSteps reshape_steps(const LayerJob& job);

/// Finishes a program as the only step of a layer.
LayerSteps single_step(LoopBuilder& b, std::vector<float> weights = {}, uint32_t x0 = 0, uint32_t x1 = 0);

/// Sets a buffer's size to a tensor's.
void set_tensor(LoopBuilder& b, LoopBuffer buffer, const LayerTensor& tensor);

/// Where channel `channel` of pixel `pixel` stands.
Affine element_at(LoopBuilder& b, const LayerTensor& tensor, const Affine& channel, const Affine& pixel);

/// body(first element, lanes) over `count` elements: whole vectors in a loop, then what is left.
void for_vectors(LoopBuilder& b, uint64_t count, const std::function<void(const Affine&, uint32_t)>& body);

/// A tensor as runs of adjacent elements: rows are one run per channel (with its padding), panels one per panel and
/// channel, an interleaved image one per pixel, a vector (one pixel) one in all.
struct Runs {
  uint32_t count = 0;
  uint64_t length = 0;
};
Runs runs_of(const LayerTensor& tensor);

}  // namespace espalier
