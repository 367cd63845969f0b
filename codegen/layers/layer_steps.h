// One entry for all layers that become loop programs.
#pragma once

#include "codegen/layers/layer_code.h"

namespace espalier {

/// The steps that compute `layer`: programs named `name` (with a number where there are several). `inputs` in the order
/// of the layer's, constants with their values. With `strip_rows`, which is for depthwise convolutions, the items are
/// strips of so many output rows, all channels of one before those of the next.
/// A Resize may have a second input, of its output's shape, which is added before its activation.
/// Programs are for `target` or, where rows are short, for its half vectors (ir/half_vectors.h).
/// Errors: kUnsupported for a kind without loops (fully connected layers for SpMM), for a batch above
/// 1, for a layout that takes_layout refuses; kInternal.
Result<std::vector<LayerStep>> layer_steps(const Layer& layer, std::span<const LayerTensor> inputs,
                                           const LayerTensor& output, const Target& target, std::string name,
                                           const Activation& input_activation = {}, uint32_t strip_rows = 0);

/// Whether the layer can take over the activation of what it reads, as layer_steps' `input_activation`: depthwise
/// convolutions do so channel by channel, in a core's first cache, so that a pass over memory is spared.
bool takes_input_activation(const Layer& layer, const Shape& input);

/// Whether layer_steps has code for a layer of this shape.
bool has_loops(const Layer& layer, std::span<const Shape> inputs);

/// Whether it takes this layout of an input, or makes it of the output.
bool takes_layout(const Layer& layer, const Shape& input, LayoutKind kind);
bool makes_layout(const Layer& layer, const Shape& output, LayoutKind kind);

}  // namespace espalier
