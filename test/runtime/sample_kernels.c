/* A shared object with descriptors written by hand: y = 2 * x over one channel. */
#include "espalier/runtime.h"

static void twice(const float* x, float* y, const float* weights, size_t pixels, const void* indices) {
  (void)indices;
  for (size_t i = 0; i < pixels; ++i) y[i] = weights[0] * x[i];
}

static const float kWeights[] = {2};
static const espalier_chunk kChunks[] = {{twice, 0, 0}};
static const espalier_row_group kGroups[] = {{0, 1, 0, 1}};

#define KERNEL(version, features)     \
  {version,  sizeof(espalier_kernel), \
   "sample", features,                \
   1,        1,                       \
   1,        8,                       \
   8,        0,                       \
   0,        0,                       \
   8,        4,                       \
   1,        1,                       \
   1,        4,                       \
   0,        kGroups,                 \
   kChunks,  kWeights,                \
   1,        kWeights,                \
   0,        0}

ESPALIER_API const espalier_kernel sample_twice = KERNEL(ESPALIER_ABI_VERSION, 0);
ESPALIER_API const espalier_kernel sample_of_tomorrow = KERNEL(ESPALIER_ABI_VERSION + 1, 0);
ESPALIER_API const espalier_kernel sample_for_another_machine =
    KERNEL(ESPALIER_ABI_VERSION, ESPALIER_CPU_NEON | ESPALIER_CPU_AVX512F | ESPALIER_CPU_SIMD128);
