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
#define ESPALIER_LAMBDA __attribute__((always_inline))

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

/// Calls f with 0, 1, ... as constants. The loops of a tile must be unrolled before the compiler decides what lives in
/// registers; with ordinary loops GCC 12 keeps the sums in memory between patterns.
template <uint32_t... kIndex>
ESPALIER_INLINE void each(std::integer_sequence<uint32_t, kIndex...>, auto f) {
  (f(std::integral_constant<uint32_t, kIndex>{}), ...);
}
template <uint32_t kCount>
ESPALIER_INLINE void each(auto f) {
  each(std::make_integer_sequence<uint32_t, kCount>{}, f);
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
      each<kVectors>([&](auto v) ESPALIER_LAMBDA { in[v] = load(input + v * kLanes); });
      each<kNanoRows>([&](auto r) ESPALIER_LAMBDA {
        if constexpr ((kPattern >> r & 1) != 0) {
          const float w = *weight++;
          each<kVectors>([&](auto v) ESPALIER_LAMBDA { sums[r][v] += w * in[v]; });
        }
      });
    }
  }
};

/// One row panel in one block of input channels for kVectors vectors of pixels, which begin at x and y.
template <uint32_t kVectors>
__attribute__((noinline)) void nano_tile(const NanoPanels& all, const NanoPanel& panel, const YardstickCall& call,
                                         const float* x, float* y) {
  NanoTile<kVectors> tile{{}, all.columns + panel.columns, all.weights + panel.weights};
  const size_t stride = call.output_stride;
  each<kNanoRows>([&](auto r) ESPALIER_LAMBDA {
    each<kVectors>([&](auto v) ESPALIER_LAMBDA {
      if (panel.first)
        tile.sums[r][v] = Vec{} + all.bias[panel.first_row + r];
      else if (r < panel.rows)
        tile.sums[r][v] = load(y + r * stride + v * kLanes);
    });
  });
  each<kNanoPatterns>([&](auto i) ESPALIER_LAMBDA { tile.template add_columns<i + 1>(panel.counts[i], x); });
  each<kNanoRows>([&](auto r) ESPALIER_LAMBDA {
    each<kVectors>([&](auto v) ESPALIER_LAMBDA {
      const Vec sum = panel.last ? clamped(tile.sums[r][v], call.low, call.high) : tile.sums[r][v];
      if (r < panel.rows) store(y + r * stride + v * kLanes, sum);
    });
  });
}

/// Pixels for which a block of input channels is used before the next one. On a Zen 3 core 4 tiles of 3 vectors are up
/// to 7 % faster than 2 tiles, tiles of 2 vectors 10 to 25 % slower, of 4 (which spill) 1 to 12 %.
constexpr uint32_t kNanoBlock = (kLanes == 16 ? 1 : 4) * kNanoVectors * kLanes;

/// One row panel in one block of input channels over a block of pixels.
void nano_panel(const NanoPanels& all, const NanoPanel& panel, const YardstickCall& call, uint32_t pixel,
                uint32_t end) {
  const float* x = call.x;
  float* y = call.y + panel.first_row * call.output_stride;
  for (; pixel + kNanoVectors * kLanes <= end; pixel += kNanoVectors * kLanes)
    nano_tile<kNanoVectors>(all, panel, call, x + pixel, y + pixel);
  for (; pixel + 2 * kLanes <= end; pixel += 2 * kLanes) nano_tile<2>(all, panel, call, x + pixel, y + pixel);
  for (; pixel < end; pixel += kLanes) nano_tile<1>(all, panel, call, x + pixel, y + pixel);
}

void nano(const NanoPanels& all, const YardstickCall& call) {
  for (uint32_t first = 0; first < call.pixels; first += kNanoBlock) {
    const uint32_t end = first + kNanoBlock < call.pixels ? first + kNanoBlock : call.pixels;
    for (size_t i = 0; i < all.count; ++i) nano_panel(all, all.panels[i], call, first, end);
  }
}

}  // namespace

extern const YardstickKernels ESPALIER_YARDSTICK_TABLE = {ESPALIER_YARDSTICK_ISA, kLanes, rolled, nano};

}  // namespace espalier
