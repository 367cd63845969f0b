#include "sample_kernel.h"

namespace espalier::test {
namespace {

/// Column 0 of rows 0 and 1: sets.
void first_column(const float* x, float* y, const float* w, size_t pixels, const void*) {
  for (size_t row = 0; row < 2; ++row)
    for (size_t i = 0; i < pixels; ++i) y[row * kSampleStride + i] = w[row] * x[i];
}
/// Column 1 of rows 0 and 1: adds to what the chunk before left.
void second_column(const float* x, float* y, const float* w, size_t pixels, const void*) {
  for (size_t row = 0; row < 2; ++row)
    for (size_t i = 0; i < pixels; ++i) y[row * kSampleStride + i] += w[row] * x[kSampleStride + i];
}
/// Row 2.
void last_row(const float* x, float* y, const float* w, size_t pixels, const void*) {
  for (size_t i = 0; i < pixels; ++i) y[2 * kSampleStride + i] = w[0] * x[i] + w[1] * x[kSampleStride + i];
}

const float kWeights[] = {1, 2, 4, 5, 3, 6};
const espalier_chunk kChunks[] = {{first_column, 0, 0}, {second_column, 2, 0}, {last_row, 4, 0}};
const espalier_row_group kGroups[] = {{0, 2, 0, 2}, {2, 1, 2, 1}};
const espalier_kernel kKernel = {ESPALIER_ABI_VERSION,
                                 sizeof(espalier_kernel),
                                 "sample",
                                 0,
                                 6,
                                 kSampleRows,
                                 kSampleColumns,
                                 kSampleStride,
                                 kSampleStride,
                                 0,
                                 0,
                                 0,
                                 kSampleStride,
                                 kSampleBlock,
                                 1,
                                 2,
                                 3,
                                 kSampleTile,
                                 0,
                                 kGroups,
                                 kChunks,
                                 kWeights,
                                 6,
                                 kWeights,
                                 0,
                                 nullptr};

}  // namespace

const espalier_kernel& sample_kernel() { return kKernel; }

float sample_value(const float* x, uint32_t row, size_t pixel) {
  const auto m = static_cast<float>(row);
  return (m + 1) * x[pixel] + (m + 4) * x[kSampleStride + pixel];
}

}  // namespace espalier::test
