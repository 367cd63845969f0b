// Layers that slide a window over an image.
#pragma once

#include "codegen/layers/step_builder.h"

namespace espalier {

/// Depthwise, grouped and plain convolutions of any window, stride, dilation and padding; dense, or sparse where more
/// than half of the weights are zero. The input lies in channel rows, or, for up to four channels of a convolution that
/// is not depthwise, interleaved; the output in any layout. Sums: depthwise ascending columns, then rows of
/// the window, from the bias on; with stride 2 those of its odd columns apart, added at the end; where the image is
/// copied first (dilation with stride 2, stride 3 and more) in one chain, in WebAssembly rows, then columns. Others
/// ascending input channels, then rows and columns, in one chain. An infinity or NaN may reach outputs whose windows it
/// is next to.
LayerSteps convolution_steps(const LayerRequest& request);
/// Places in the padding take no part. The input lies in channel rows.
LayerSteps pool_steps(const LayerRequest& request);

}  // namespace espalier
