// A LayerStep in the making, and what its generators are given.
#pragma once

#include "codegen/layers/layer_code.h"
#include "codegen/layers/loop_builder.h"

namespace espalier {

using LayerSteps = Result<std::vector<LayerStep>>;

/// A layer to write code for. `inputs` in the order of the layer's; every batch is 1.
struct LayerRequest {
  const Layer& layer;
  std::span<const LayerTensor> inputs;
  const LayerTensor& output;
  const Target& target;
  std::string name;                  ///< of its function, a C identifier
  Activation input_activation = {};  ///< applied to the first input's elements before all else
  uint32_t strip_rows = 0;           ///< layer_steps'
};

class StepBuilder {
 public:
  StepBuilder(std::string name, const Target& target, const LayerTensor& output) : loops_(std::move(name), target) {
    loops_.set_elements(LoopBuffer::kY, output.elements());
  }

  LoopBuilder& loops() { return loops_; }
  /// Input `which` of the layer becomes the buffer kX0 or kX1.
  void set_input(LoopBuffer buffer, size_t which, const LayerTensor& tensor) {
    (buffer == LoopBuffer::kX0 ? x0_ : x1_) = static_cast<uint32_t>(which);
    loops_.set_elements(buffer, tensor.elements());
  }
  /// Appends to the weights; where the first value now stands.
  int64_t add_weights(std::span<const float> values) {
    const auto first = static_cast<int64_t>(weights_.size());
    weights_.insert(weights_.end(), values.begin(), values.end());
    loops_.set_elements(LoopBuffer::kWeights, weights_.size());
    return first;
  }

  Result<LayerStep> finish() {
    auto program = loops_.finish();
    if (!program) return std::move(program).error();
    return LayerStep{*std::move(program), std::move(weights_), x0_, x1_};
  }
  /// A layer of this step alone.
  LayerSteps finish_layer() {
    auto step = finish();
    if (!step) return std::move(step).error();
    std::vector<LayerStep> steps;
    steps.push_back(*std::move(step));
    return steps;
  }

 private:
  LoopBuilder loops_;
  std::vector<float> weights_;
  uint32_t x0_ = 0, x1_ = 0;
};

}  // namespace espalier
