/* The loop that speeds are ratios to: one output channel at a time over 32 pixels, one non-zero per turn, what the next
 * turn needs loaded in this one.
 *
 * Formula  Y[m, p] = min(max(bias[m] + sum over k of W[m, k] * X[k, p], low), high)
 * Shapes   X and Y are CHW images with rows `stride` elements apart
 * Weights  `values`: per output channel its bias, then its non-zeros; `steps`: bytes from one non-zero's input row to the
 *          next one's, the last leads back to the first; `counts`: non-zeros per output channel
 * Over-read  one element behind `values`, one behind `steps`, and the first input row of matrices without non-zeros
 * Source   the scheme of XNNPACK's f32-spmm 32x1 pipelined kernels for WebAssembly SIMD, as published; written anew
 */
#include <stddef.h>
#include <stdint.h>
#include <wasm_simd128.h>

#ifdef __wasm_relaxed_simd__
#define MULTIPLY_ADD(sum, in, weight) wasm_f32x4_relaxed_madd(in, weight, sum)
#else
#define MULTIPLY_ADD(sum, in, weight) wasm_f32x4_add(sum, wasm_f32x4_mul(in, weight))
#endif

struct layer {
  const float* values;
  const int32_t* steps;
  const uint32_t* counts;
  uint32_t rows;
  uint32_t stride; /* elements */
  float low, high;
};

static inline v128_t clamp(v128_t sum, v128_t low, v128_t high) {
  return wasm_f32x4_pmin(high, wasm_f32x4_pmax(low, sum));
}
static inline const float* step_by(const float* x, int32_t bytes) {
  return (const float*)((uintptr_t)x + (uintptr_t)(intptr_t)bytes);
}

/* All rows for `vectors` x 4 pixels. `vectors` is a constant at each call, so that the loops over it disappear. */
static inline __attribute__((always_inline)) void rows_of_vectors(const struct layer* layer, const float* x, float* y,
                                                                  int vectors) {
  const float* values = layer->values;
  const int32_t* steps = layer->steps;
  const uint32_t* counts = layer->counts;
  const v128_t low = wasm_f32x4_splat(layer->low), high = wasm_f32x4_splat(layer->high);
  const size_t stride = layer->stride;
  v128_t weight = wasm_v128_load32_splat(values++);
  int32_t step = *steps++;
  v128_t in[8], sum[8];
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; ++v) in[v] = wasm_v128_load(x + 4 * v);
  for (uint32_t rows = layer->rows; rows != 0; --rows, y += stride) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; ++v) sum[v] = weight;
    weight = wasm_v128_load32_splat(values++);
#pragma clang loop unroll(disable)
    for (uint32_t n = *counts++; n != 0; --n) {
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; ++v) sum[v] = MULTIPLY_ADD(sum[v], in[v], weight);
      x = step_by(x, step);
      step = *steps++;
      weight = wasm_v128_load32_splat(values++);
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; ++v) in[v] = wasm_v128_load(x + 4 * v);
    }
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; ++v) wasm_v128_store(y + 4 * v, clamp(sum[v], low, high));
  }
}

/* The same for one or two pixels. */
static inline __attribute__((always_inline)) void rows_of_pixels(const struct layer* layer, const float* x, float* y,
                                                                 int pixels) {
  const float* values = layer->values;
  const int32_t* steps = layer->steps;
  const uint32_t* counts = layer->counts;
  const v128_t low = wasm_f32x4_splat(layer->low), high = wasm_f32x4_splat(layer->high);
  for (uint32_t rows = layer->rows; rows != 0; --rows, y += layer->stride) {
    v128_t sum = wasm_v128_load32_splat(values++);
    for (uint32_t n = *counts++; n != 0; --n) {
      const v128_t in = pixels == 2 ? wasm_v128_load64_splat(x) : wasm_v128_load32_splat(x);
      sum = MULTIPLY_ADD(sum, in, wasm_v128_load32_splat(values++));
      x = step_by(x, *steps++);
    }
    sum = clamp(sum, low, high);
    if (pixels == 2)
      wasm_v128_store64_lane(y, sum, 0);
    else
      wasm_v128_store32_lane(y, sum, 0);
  }
}

/* x points at the input row of the first non-zero. Reads and writes exactly the pixels of each row. */
__attribute__((export_name("yardstick"))) void yardstick(const struct layer* layer, const float* x, float* y,
                                                         size_t pixels) {
  for (; pixels >= 32; pixels -= 32, x += 32, y += 32) rows_of_vectors(layer, x, y, 8);
  if (pixels & 16) rows_of_vectors(layer, x, y, 4), x += 16, y += 16;
  if (pixels & 8) rows_of_vectors(layer, x, y, 2), x += 8, y += 8;
  if (pixels & 4) rows_of_vectors(layer, x, y, 1), x += 4, y += 4;
  if (pixels & 2) rows_of_pixels(layer, x, y, 2), x += 2, y += 2;
  if (pixels & 1) rows_of_pixels(layer, x, y, 1);
}
