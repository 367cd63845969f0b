// Every kind of layer that is no SpMM, as loop programs.
#pragma once

#include "codegen/layers/layer_code.h"

namespace espalier {

/// The steps that compute a layer from `inputs` (one tensor per input of the layer, in its order; constants too) into
/// `output`. `name` is a C identifier; programs are called `name`, `name_1`, ... Which layouts a kind takes is in
/// takes_rows_only. Errors: kUnsupported for what no generator takes; kInternal from verify.
/// `input_activation` is applied to the elements of the first input before all else, where takes_input_activation.
Result<std::vector<LayerStep>> layer_steps(const Layer& layer, std::span<const LayerTensor> inputs,
                                           const LayerTensor& output, const Target& target, const std::string& name,
                                           const Activation& input_activation = {});

/// Whether the layer can take over the activation of what it reads: depthwise convolutions copy every element once
/// anyway, so that a pass over memory is spared.
bool takes_input_activation(const Layer& layer, const Shape& input);

/// Whether the layer wants input `i` in channel rows: windows over an image do, but for a first convolution, which
/// takes the few channels of an interleaved image as they are.
bool wants_rows(const Layer& layer, const LayerTensor& input);

/// A copy from one layout to another, of one shape.
Result<LayerStep> conversion_step(const LayerTensor& from, const LayerTensor& to, const Target& target,
                                  const std::string& name);

}  // namespace espalier
