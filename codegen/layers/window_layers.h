// Layers that slide a window over an image.
#pragma once

#include "codegen/layers/step_builder.h"

namespace espalier {

/// Depthwise, grouped and plain convolutions of any window, stride, dilation and padding; dense, or sparse where more
/// than half of the weights are zero. The input lies in channel rows, or, for up to four channels of a convolution that
/// is not depthwise, interleaved; the output in any layout. Sums: depthwise ascending columns, then rows of
/// the window (WebAssembly with strides: rows, then columns), from the bias on; others ascending input channels, then
/// rows and columns, in one chain.
LayerSteps convolution_steps(const LayerRequest& request);
/// Places in the padding take no part. The input lies in channel rows.
LayerSteps pool_steps(const LayerRequest& request);

}  // namespace espalier
