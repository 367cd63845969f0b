// Mean and Resize: layers over the pixels of every channel.
#pragma once

#include "codegen/layers/step_builder.h"

namespace espalier {

/// Sums in fp32, in several accumulators (of a line each where the input is interleaved).
LayerSteps mean_steps(const LayerRequest& request);
/// Nearest moves elements; bilinear computes top + (bottom - top) * part of lines that it interpolates before.
LayerSteps resize_steps(const LayerRequest& request);

}  // namespace espalier
