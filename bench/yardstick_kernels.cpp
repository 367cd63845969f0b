// Compiled once per ISA with ESPALIER_YARDSTICK_TABLE (kAvx2Yardsticks, ...) and ESPALIER_YARDSTICK_ISA (its name).
#include "bench/yardstick_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <utility>

namespace espalier {
namespace {

#if defined(__AVX512F__)
constexpr uint32_t kLanes = 16, kNanoVectors = 4;
#elif defined(__AVX2__)
constexpr uint32_t kLanes = 8, kNanoVectors = 3;  // 12 sums and 3 inputs leave one register for the weight
#else
constexpr uint32_t kLanes = 4, kNanoVectors = 4;
#endif
using Vec = float __attribute__((vector_size(kLanes * 4)));
using VecInMemory = float __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));

#define ESPALIER_INLINE __attribute__((always_inline)) inline

ESPALIER_INLINE Vec load(const float* p) { return *reinterpret_cast<const VecInMemory*>(p); }
ESPALIER_INLINE void store(float* p, Vec v) { *reinterpret_cast<VecInMemory*>(p) = v; }

// With intrinsics: compilers turn v > a ? v : a of vectors into a comparison and a blend.
ESPALIER_INLINE Vec clamped(Vec v, float low, float high) {
#if defined(__AVX512F__)
  return _mm512_min_ps(_mm512_max_ps(v, _mm512_set1_ps(low)), _mm512_set1_ps(high));
#elif defined(__AVX2__)
  return _mm256_min_ps(_mm256_max_ps(v, _mm256_set1_ps(low)), _mm256_set1_ps(high));
#else
  const Vec lows = Vec{} + low, highs = Vec{} + high;
  v = v > lows ? v : lows;
  return v < highs ? v : highs;
#endif
}

/// All rows for kVectors vectors of pixels.
template <uint32_t kVectors>
void rolled_block(const RolledRows& rows, const YardstickCall& call, uint32_t pixel) {
  const float* x = call.x + rows.first + pixel;
  float* y = call.y + pixel;
  const float* stream = rows.stream;
  const int32_t* step = rows.steps;
  for (uint32_t row = 0; row < rows.rows; ++row, y += call.output_stride) {
    Vec sums[kVectors];
    const Vec bias = Vec{} + *stream++;
    for (Vec& sum : sums) sum = bias;
    for (uint32_t left = rows.counts[row]; left; --left) {
      const float weight = *stream++;
      for (uint32_t v = 0; v < kVectors; ++v) sums[v] += weight * load(x + v * kLanes);
      x += *step++;
    }
    for (uint32_t v = 0; v < kVectors; ++v) store(y + v * kLanes, clamped(sums[v], call.low, call.high));
  }
}

void rolled(const RolledRows& rows, const YardstickCall& call) {
  constexpr uint32_t kVectors = 32 / kLanes;
  uint32_t pixel = 0;
  for (; pixel + kVectors * kLanes <= call.pixels; pixel += kVectors * kLanes)
    rolled_block<kVectors>(rows, call, pixel);
  if constexpr (kVectors == 8)
    for (; pixel + 4 * kLanes <= call.pixels; pixel += 4 * kLanes) rolled_block<4>(rows, call, pixel);
  for (; pixel + 2 * kLanes <= call.pixels; pixel += 2 * kLanes) rolled_block<2>(rows, call, pixel);
  for (; pixel < call.pixels; pixel += kLanes) rolled_block<1>(rows, call, pixel);
}

template <uint32_t kVectors>
struct NanoTile {
  Vec sums[kNanoRows][kVectors];
  const uint32_t* column;
  const float* weight;

  template <uint32_t kPattern>
  ESPALIER_INLINE void add_columns(uint32_t count, const float* x) {
    for (; count; --count) {
      const float* input = x + *column++;
      Vec in[kVectors];
      for (uint32_t v = 0; v < kVectors; ++v) in[v] = load(input + v * kLanes);
      for (uint32_t r = 0; r < kNanoRows; ++r) {
        if (!(kPattern >> r & 1)) continue;
        const float w = *weight++;
        for (uint32_t v = 0; v < kVectors; ++v) sums[r][v] += w * in[v];
      }
    }
  }
};

template <uint32_t kVectors, uint32_t... kIndex>
void nano_tile(const NanoPanels& all, const NanoPanel& panel, const YardstickCall& call, uint32_t pixel,
               std::integer_sequence<uint32_t, kIndex...>) {
  NanoTile<kVectors> tile{{}, all.columns + panel.columns, all.weights + panel.weights};
  float* y = call.y + panel.first_row * call.output_stride + pixel;
  for (uint32_t r = 0; r < kNanoRows; ++r)
    for (uint32_t v = 0; v < kVectors; ++v) {
      if (panel.first) tile.sums[r][v] = Vec{} + all.bias[panel.first_row + r];
      else if (r < panel.rows) tile.sums[r][v] = load(y + r * call.output_stride + v * kLanes);
    }
  (tile.template add_columns<kIndex + 1>(panel.counts[kIndex], call.x + pixel), ...);
  for (uint32_t r = 0; r < kNanoRows && r < panel.rows; ++r)
    for (uint32_t v = 0; v < kVectors; ++v) {
      const Vec sum = panel.last ? clamped(tile.sums[r][v], call.low, call.high) : tile.sums[r][v];
      store(y + r * call.output_stride + v * kLanes, sum);
    }
}

/// 128 input channels of a pixel block take 24 KB (AVX2) or 32 KB (AVX-512) of L1D.
constexpr uint32_t kNanoBlock = kLanes == 16 ? 64 : 2 * kNanoVectors * kLanes;

void nano(const NanoPanels& all, const YardstickCall& call) {
  constexpr std::make_integer_sequence<uint32_t, kNanoPatterns> kPatterns;
  for (uint32_t first = 0; first < call.pixels; first += kNanoBlock) {
    const uint32_t end = first + kNanoBlock < call.pixels ? first + kNanoBlock : call.pixels;
    for (size_t i = 0; i < all.count; ++i) {
      uint32_t pixel = first;
      for (; pixel + kNanoVectors * kLanes <= end; pixel += kNanoVectors * kLanes)
        nano_tile<kNanoVectors>(all, all.panels[i], call, pixel, kPatterns);
      for (; pixel + 2 * kLanes <= end; pixel += 2 * kLanes) nano_tile<2>(all, all.panels[i], call, pixel, kPatterns);
      for (; pixel < end; pixel += kLanes) nano_tile<1>(all, all.panels[i], call, pixel, kPatterns);
    }
  }
}

}  // namespace

extern const YardstickKernels ESPALIER_YARDSTICK_TABLE = {ESPALIER_YARDSTICK_ISA, kLanes, rolled, nano};

}  // namespace espalier
