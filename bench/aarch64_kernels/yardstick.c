#include "yardstick.h"

#include <arm_neon.h>

/* The fetches that hide memory behind arithmetic: two lines ahead in the input row, 32 weights ahead. */
static inline void prefetch_ahead(const float* x, const float* values) {
  __builtin_prefetch(x + 16);
  __builtin_prefetch(x + 32);
  __builtin_prefetch(values + 32);
}

/* vld1q_dup_f32, of which GCC would make a load of one lane and multiplications by it. */
static inline float32x4_t next_weight(const float** values) {
  float32x4_t weight;
  __asm__("ld1r {%0.4s}, [%1], #4" : "=w"(weight), "+r"(*values) : "m"(**values));
  return weight;
}

static inline const float* step_by(const float* x, int32_t bytes) {
  return (const float*)((uintptr_t)x + (uintptr_t)(intptr_t)bytes);
}

/* All rows for `vectors` x 4 pixels. `vectors` is a constant at each call, so that the loops over it disappear. */
static inline __attribute__((always_inline)) void rows_of_vectors(const struct yardstick_weights* w, size_t stride,
                                                                  const float* x, float* y, int vectors) {
  const float* values = w->values;
  const int32_t* steps = w->steps;
  const float32x4_t low = vdupq_n_f32(w->low), high = vdupq_n_f32(w->high);
  for (size_t row = 0; row < w->rows; ++row, y += stride) {
    float32x4_t sum[8];
    sum[0] = vld1q_dup_f32(values++);
#pragma GCC unroll 8
    for (int v = 1; v < vectors; ++v) sum[v] = sum[0];
    for (uint32_t n = w->counts[row]; n != 0; --n) {
      float32x4_t in[8];
#pragma GCC unroll 8
      for (int v = 0; v < vectors; ++v) in[v] = vld1q_f32(x + 4 * v);
      const float32x4_t weight = next_weight(&values);
      if (vectors == 8) prefetch_ahead(x, values);
      x = step_by(x, *steps++);
#pragma GCC unroll 8
      for (int v = 0; v < vectors; ++v) sum[v] = vfmaq_f32(sum[v], in[v], weight);
    }
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) vst1q_f32(y + 4 * v, vmaxq_f32(vminq_f32(sum[v], high), low));
  }
}

/* The same for one or two pixels. */
static inline __attribute__((always_inline)) void rows_of_pixels(const struct yardstick_weights* w, size_t stride,
                                                                 const float* x, float* y, int pixels) {
  const float* values = w->values;
  const int32_t* steps = w->steps;
  const float32x2_t low = vdup_n_f32(w->low), high = vdup_n_f32(w->high);
  for (size_t row = 0; row < w->rows; ++row, y += stride) {
    float32x2_t sum = vld1_dup_f32(values++);
    for (uint32_t n = w->counts[row]; n != 0; --n) {
      const float32x2_t in = pixels == 2 ? vld1_f32(x) : vld1_dup_f32(x);
      x = step_by(x, *steps++);
      sum = vfma_f32(sum, in, vld1_dup_f32(values++));
    }
    sum = vmax_f32(vmin_f32(sum, high), low);
    if (pixels == 2)
      vst1_f32(y, sum);
    else
      vst1_lane_f32(y, sum, 0);
  }
}

void yardstick_spmm(const struct yardstick_weights* w, size_t stride, size_t pixels, const float* x, float* y) {
  x += w->first_input * stride;
  for (; pixels >= 32; pixels -= 32, x += 32, y += 32) rows_of_vectors(w, stride, x, y, 8);
  if (pixels & 16) rows_of_vectors(w, stride, x, y, 4), x += 16, y += 16;
  if (pixels & 8) rows_of_vectors(w, stride, x, y, 2), x += 8, y += 8;
  if (pixels & 4) rows_of_vectors(w, stride, x, y, 1), x += 4, y += 4;
  if (pixels & 2) rows_of_pixels(w, stride, x, y, 2), x += 2, y += 2;
  if (pixels & 1) rows_of_pixels(w, stride, x, y, 1);
}
