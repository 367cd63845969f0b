/* The loops that speeds are ratios to: one output channel at a time over 32 pixels, one non-zero per turn. `pipelined`
 * loads in each turn what the next one needs; `plain` does not, and so needs 10 vector registers instead of 17.
 *
 * Formula  Y[m, p] = min(max(bias[m] + sum over k of W[m, k] * X[k, p], low), high)
 * Shapes   X and Y are CHW images with rows `stride` elements apart
 * Weights  `values`: per output channel its bias, then its non-zeros; `steps`: bytes from one non-zero's input row to
 *          the next one's, the last leads back to the first; `counts`: non-zeros per output channel
 * Over-read  `pipelined`: one element behind `values`, one behind `steps`, an input row of matrices without non-zeros
 * Source   the scheme of XNNPACK's f32-spmm 32x1 kernels for WebAssembly SIMD, as published; written anew
 */
#include <stddef.h>
#include <stdint.h>
#include <wasm_simd128.h>

#ifdef __wasm_relaxed_simd__
#define MULTIPLY_ADD(sum, in, weight) wasm_f32x4_relaxed_madd(in, weight, sum)
#else
#define MULTIPLY_ADD(sum, in, weight) wasm_f32x4_add(sum, wasm_f32x4_mul(in, weight))
#endif

#define EACH(v) _Pragma("clang loop unroll(full)") for (int v = 0; v < vectors; ++v)
#define ONE_BY_ONE _Pragma("clang loop unroll(disable)")

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
static inline __attribute__((always_inline)) void plain_rows(const struct layer* layer, const float* x, float* y,
                                                             int vectors) {
  const float* values = layer->values;
  const int32_t* steps = layer->steps;
  const uint32_t* counts = layer->counts;
  const v128_t low = wasm_f32x4_splat(layer->low), high = wasm_f32x4_splat(layer->high);
  const size_t stride = layer->stride;
  v128_t sum[8];
  for (uint32_t rows = layer->rows; rows != 0; --rows, y += stride) {
    const v128_t bias = wasm_v128_load32_splat(values++);
    EACH(v) sum[v] = bias;
    ONE_BY_ONE for (uint32_t n = *counts++; n != 0; --n) {
      const v128_t weight = wasm_v128_load32_splat(values++);
      EACH(v) sum[v] = MULTIPLY_ADD(sum[v], wasm_v128_load(x + 4 * v), weight);
      x = step_by(x, *steps++);
    }
    EACH(v) wasm_v128_store(y + 4 * v, clamp(sum[v], low, high));
  }
}

static inline __attribute__((always_inline)) void pipelined_rows(const struct layer* layer, const float* x, float* y,
                                                                 int vectors) {
  const float* values = layer->values;
  const int32_t* steps = layer->steps;
  const uint32_t* counts = layer->counts;
  const v128_t low = wasm_f32x4_splat(layer->low), high = wasm_f32x4_splat(layer->high);
  const size_t stride = layer->stride;
  v128_t weight = wasm_v128_load32_splat(values++);
  int32_t step = *steps++;
  v128_t in[8], sum[8];
  EACH(v) in[v] = wasm_v128_load(x + 4 * v);
  for (uint32_t rows = layer->rows; rows != 0; --rows, y += stride) {
    EACH(v) sum[v] = weight;
    weight = wasm_v128_load32_splat(values++);
    ONE_BY_ONE for (uint32_t n = *counts++; n != 0; --n) {
      EACH(v) sum[v] = MULTIPLY_ADD(sum[v], in[v], weight);
      x = step_by(x, step);
      step = *steps++;
      weight = wasm_v128_load32_splat(values++);
      EACH(v) in[v] = wasm_v128_load(x + 4 * v);
    }
    EACH(v) wasm_v128_store(y + 4 * v, clamp(sum[v], low, high));
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
#define DEFINE_SPMM(name)                                                                                         \
  __attribute__((export_name(#name))) void name(const struct layer* layer, const float* x, float* y, size_t pixels) { \
    for (; pixels >= 32; pixels -= 32, x += 32, y += 32) name##_rows(layer, x, y, 8);                             \
    if (pixels & 16) name##_rows(layer, x, y, 4), x += 16, y += 16;                                               \
    if (pixels & 8) name##_rows(layer, x, y, 2), x += 8, y += 8;                                                  \
    if (pixels & 4) name##_rows(layer, x, y, 1), x += 4, y += 4;                                                  \
    if (pixels & 2) rows_of_pixels(layer, x, y, 2), x += 2, y += 2;                                               \
    if (pixels & 1) rows_of_pixels(layer, x, y, 1);                                                               \
  }
DEFINE_SPMM(plain)
DEFINE_SPMM(pipelined)
