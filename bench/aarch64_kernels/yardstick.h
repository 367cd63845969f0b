/* The loop that speeds are ratios to: one output row at a time over 32 pixels, one non-zero per turn.
 *
 * Formula  Y[m, p] = min(max(bias[m] + sum over k of W[m, k] * X[k, p], low), high)
 * Shapes   X and Y are CHW images with rows `stride` elements apart
 * Source   the scheme of XNNPACK's f32-spmm 32x1 kernels for NEON with fused multiply-add, as published; written anew
 */
#ifndef ESPALIER_BENCH_AARCH64_YARDSTICK_H
#define ESPALIER_BENCH_AARCH64_YARDSTICK_H

#include <stddef.h>
#include <stdint.h>

struct yardstick_weights {
  size_t rows, nonzeros;
  const float* values;    /* per row its bias, then its non-zeros */
  const int32_t* steps;   /* bytes from one non-zero's input row to the next one's; the last leads back to the first */
  const uint32_t* counts; /* non-zeros per row */
  size_t first_input;     /* input row of the first non-zero */
  float low, high;
};

/* Single-threaded; reads and writes exactly the pixels of each row. */
void yardstick_spmm(const struct yardstick_weights* weights, size_t stride, size_t pixels, const float* x, float* y);

#endif
