// Layers that only move elements: Concat, Pad, Reshape, DepthToSpace, and conversions between layouts.
#pragma once

#include "codegen/layers/step_builder.h"

namespace espalier {

/// A step per input.
LayerSteps concat_steps(const LayerRequest& request);
LayerSteps pad_steps(const LayerRequest& request);
LayerSteps reshape_steps(const LayerRequest& request);
LayerSteps depth_to_space_steps(const LayerRequest& request);

/// Y = X in another layout; both have one shape. x0 is input 0.
Result<LayerStep> conversion_step(const LayerTensor& from, const LayerTensor& to, const Target& target,
                                  std::string name);

}  // namespace espalier
