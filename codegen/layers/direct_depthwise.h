// Depthwise convolutions that read the image where it lies.
#pragma once

#include <vector>

#include "codegen/layers/step_builder.h"

namespace espalier {

/// Whether direct_depthwise_steps can write this layer: stride 1 or, without dilation, 2, a window of moderate size (at
/// stride 2 in WebAssembly of at most three rows), both tensors in channel rows, whole images, and less padding on the
/// left than a vector has lanes.
bool is_direct_depthwise(const LayerRequest& request, const Convolution& layer);

/// A register holds the sums of one vector of columns of one row; a tile has several rows below each other, which share
/// what they load. Vectors at the left edge are loaded from the row's start and slid up, zeros behind them; at the
/// right edge only what is in the row is loaded; window rows above and below the image are left out. Sums as
/// convolution_steps says.
///
/// With stride 2 nothing is sorted before it is multiplied: the window's columns go in pairs (w0, w1), (w2, w3 or 0),
/// .., two vectors of the image are multiplied by (w0, w1, w0, w1, ..), and at the end even and odd lanes are added.
///
/// An activation of the input is applied to a channel first, on its way into scratch, from one row to the next without
/// a gap; a long one of the output (a swish) likewise last, where rows are not whole vectors.
LayerSteps direct_depthwise_steps(const LayerRequest& request, const Convolution& layer);

/// Per output channel the bias, then the weights of its window, rows first.
std::vector<float> depthwise_weights(const Convolution& layer);

/// Vector registers that a tile may count on: engines of WebAssembly have 16 on x86-64.
uint32_t window_registers(const Target& target);

/// Whether the weights of a window stay in registers beside at least four sums and a short activation. Not in
/// WebAssembly, for which LLVM makes long chains of what is written out.
bool holds_window(const Target& target, const Window& window);

/// Whether an activation needs no registers to speak of: none, or a clamp.
bool is_short(const Activation& activation);

}  // namespace espalier
