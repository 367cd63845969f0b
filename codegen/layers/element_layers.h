// Layers that compute each element on its own: Unary, Binary, Prelu, BatchNorm.
#pragma once

#include "codegen/layers/step_builder.h"

namespace espalier {

/// Y = activation(X0 op X1); sizes of 1 repeat; either operand may be a constant. Programs are in_place where x0 and Y
/// have one layout and one shape; x0 is then the second input if the first has another.
LayerSteps binary_steps(const LayerRequest& request);
/// Y = activation(X), in_place where the layouts agree.
LayerSteps unary_steps(const LayerRequest& request);
LayerSteps prelu_steps(const LayerRequest& request);
/// As a scale and an offset per channel.
LayerSteps batch_norm_steps(const LayerRequest& request);

}  // namespace espalier
