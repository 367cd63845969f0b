// Softmax over channels.
#pragma once

#include "codegen/layers/step_builder.h"

namespace espalier {

/// exp(beta * x - largest) into Y, then divided by the sum: in vectors of channels where they lie side by side, else of
/// pixels. In place where the layouts agree.
LayerSteps softmax_steps(const LayerRequest& request);

}  // namespace espalier
