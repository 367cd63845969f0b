// How wide pixel panels should be.
#pragma once

#include <cstdint>

#include "ir/error.h"
#include "ir/kernel_spec.h"
#include "ir/target.h"

namespace espalier {

/// The panel width (pixels) to store a layer's input and output with, where the caller may choose it: the whole number
/// of vectors, up to eight, for which the cost model predicts the fastest kernel. Wide panels spare starts, ends,
/// weights and indices of rows; narrow ones fit L1D with more input channels and leave less padding (512x512 at 196
/// pixels and 90 % zeros on Zen 3: 40 pixels 64.6 GFLOP/s, 56 pixels 57, 24 pixels 50). The spec's own strides and
/// panels do not matter. Errors: those of validated().
Result<uint32_t> recommended_panel(KernelSpec spec, const Target& target);

}  // namespace espalier
