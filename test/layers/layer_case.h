// A layer in certain layouts, run by the interpreter and held against the reference executor.
#pragma once

#include "codegen/layers/layer_steps.h"
#include "codegen/layers/step_builder.h"
#include "ir/network/network.h"

namespace espalier::test {

/// A layer with its tensors. Inputs that are constants have values.
struct LayerCase {
  Network network;  ///< of this one layer
  std::vector<LayerTensor> inputs;
  LayerTensor output;

  LayerCase(Operation operation, std::span<const Shape> shapes, const Activation& activation = {});
  const Layer& layer() const { return network.layers[0]; }
  /// Input i becomes a constant, before anything else.
  void make_constant(size_t i, uint64_t seed);
  void set_layouts(const ActivationLayout& of_inputs, const ActivationLayout& of_output);
  std::string text() const;
};

/// A layout of a kind that fits the shape. Rows have padding, panels of the target's lanes a last one that is not full.
ActivationLayout layout_of(LayoutKind kind, const Shape& shape, uint32_t panel);

using Steps = Result<std::vector<LayerStep>>;

/// Runs the steps on seeded inputs whose padding is NaN. Expects the reference's result within `tolerance`, relative to
/// 1 or to the result where that is larger; nothing written beyond the output; the same bits when items run alone, last
/// first, and in place where the program allows it.
void expect_agrees(const LayerCase& c, const Steps& steps, uint64_t seed, double tolerance = 1e-5);

/// Compiles the steps to an object; where this machine can run it, expects the interpreter's bits.
void expect_compiles(const LayerCase& c, const Steps& steps, const Target& target, uint64_t seed);

}  // namespace espalier::test
