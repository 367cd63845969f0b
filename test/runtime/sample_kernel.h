// A kernel written by hand, of several row groups and chunks, that notes who called it.
#pragma once

#include "espalier/runtime.h"

namespace espalier::test {

inline constexpr uint32_t kSampleRows = 3, kSampleColumns = 2, kSampleStride = 23, kSampleBlock = 6, kSampleTile = 2;

/// Any pixel count up to 23, blocks of 5; row groups of 2 and 1 rows with 2 and 1 chunks. Row m of Y becomes
/// (m + 1) * (x row 0) + (m + 4) * (x row 1), added up over the chunks.
const espalier_kernel& sample_kernel();

/// What it computes, in plain sight.
float sample_value(const float* x, uint32_t row, size_t pixel);

}  // namespace espalier::test
