// Fully connected layers on one pixel: a matrix times a vector.
#pragma once

#include "codegen/layers/step_builder.h"

namespace espalier {

/// Dense: every work item computes a panel of outputs from weights laid out [panel][input][output in the panel], which
/// it streams once. Sparse: a row at a time, its non-zeros as a stream of values beside their columns in the table.
/// The form is chosen by estimated cost. Zeros are multiplied like other weights in the dense form, and a few in the
/// sparse one, so that an input that is not finite may reach outputs which the definition keeps it from.
/// Errors: kUnsupported for more than one pixel (those are matrix products for SpMM).
LayerSteps fully_connected_steps(const LayerRequest& request);

/// Either form, for tests and measurements. Dense code needs the outputs side by side.
LayerSteps dense_fully_connected_steps(const LayerRequest& request);
LayerSteps sparse_fully_connected_steps(const LayerRequest& request);

}  // namespace espalier
