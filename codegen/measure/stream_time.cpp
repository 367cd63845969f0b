#include "codegen/measure/stream_time.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <limits>
#include <vector>

#include "codegen/measure/timing.h"
#include "espalier/kernel_abi.h"
#include "ir/target.h"

namespace espalier {
namespace {

// Vectors of the compiler's extension: the same source serves every width, and memcpy becomes one plain load or store.
typedef float Vector16 __attribute__((vector_size(16)));
typedef float Vector32 __attribute__((vector_size(32)));
typedef float Vector64 __attribute__((vector_size(64)));

#define ESPALIER_INLINE __attribute__((always_inline)) inline

/// Eight sums, so that no addition waits for the one before; the empty asm keeps them alive.
template <typename Vector>
ESPALIER_INLINE void read_all(const float* x, size_t count) {
  constexpr size_t kSums = 8, kLanes = sizeof(Vector) / sizeof(float);
  Vector sums[kSums] = {};
  for (; count >= kSums * kLanes; count -= kSums * kLanes, x += kSums * kLanes)
    for (size_t s = 0; s < kSums; ++s) {
      Vector v;
      __builtin_memcpy(&v, x + s * kLanes, sizeof v);
      sums[s] += v;
    }
  float rest = 0;
  while (count-- > 0) rest += *x++;
  for (Vector& s : sums) asm volatile("" : : "m"(s));
  asm volatile("" : : "m"(rest));
}

/// Plain stores of one register.
template <typename Vector>
ESPALIER_INLINE void write_all(float* y, size_t count) {
  constexpr size_t kStores = 4, kLanes = sizeof(Vector) / sizeof(float);
  const Vector zero = {};
  for (; count >= kStores * kLanes; count -= kStores * kLanes, y += kStores * kLanes)
    for (size_t s = 0; s < kStores; ++s) __builtin_memcpy(y + s * kLanes, &zero, sizeof zero);
  while (count-- > 0) *y++ = 0;
  asm volatile("" : : : "memory");
}

template <typename Vector>
ESPALIER_INLINE void copy_all(const float* x, float* y, size_t count) {
  constexpr size_t kCopies = 8, kLanes = sizeof(Vector) / sizeof(float);
  for (; count >= kCopies * kLanes; count -= kCopies * kLanes, x += kCopies * kLanes, y += kCopies * kLanes) {
    Vector v[kCopies];
    for (size_t c = 0; c < kCopies; ++c) __builtin_memcpy(&v[c], x + c * kLanes, sizeof v[c]);
    for (size_t c = 0; c < kCopies; ++c) __builtin_memcpy(y + c * kLanes, &v[c], sizeof v[c]);
  }
  while (count-- > 0) *y++ = *x++;
  asm volatile("" : : : "memory");
}

template <typename Vector>
ESPALIER_INLINE void read_then_write(const float* x, size_t nx, float* y, size_t ny) {
  read_all<Vector>(x, nx);
  write_all<Vector>(y, ny);
}

template <typename Vector>
ESPALIER_INLINE void read_and_write_in_turns(const float* x, size_t nx, float* y, size_t ny) {
  constexpr size_t kPiece = 1024;
  const size_t pieces = std::max(nx, ny) / kPiece + 1;
  for (size_t p = 0; p < pieces; ++p) {
    const size_t x0 = nx * p / pieces, y0 = ny * p / pieces;
    read_all<Vector>(x + x0, nx * (p + 1) / pieces - x0);
    write_all<Vector>(y + y0, ny * (p + 1) / pieces - y0);
  }
}

template <typename Vector>
ESPALIER_INLINE void copy_then_rest(const float* x, size_t nx, float* y, size_t ny) {
  const size_t common = std::min(nx, ny);
  copy_all<Vector>(x, y, common);
  read_all<Vector>(x + common, nx - common);
  write_all<Vector>(y + common, ny - common);
}

template <typename Vector>
ESPALIER_INLINE void read_then_memset(const float* x, size_t nx, float* y, size_t ny) {
  read_all<Vector>(x, nx);
  if (ny > 0) std::memset(y, 0, ny * sizeof(float));
}

template <typename Vector>
ESPALIER_INLINE void memcpy_then_rest(const float* x, size_t nx, float* y, size_t ny) {
  const size_t common = std::min(nx, ny);
  if (common > 0) std::memcpy(y, x, common * sizeof(float));
  read_all<Vector>(x + common, nx - common);
  if (ny > common) std::memset(y + common, 0, (ny - common) * sizeof(float));
}

// Each way once per vector width, compiled for the instructions of that width.
#define ESPALIER_WAY(PATTERN, SUFFIX, VECTOR, TARGET) \
  TARGET void PATTERN##_##SUFFIX(const float* x, size_t nx, float* y, size_t ny) { PATTERN<VECTOR>(x, nx, y, ny); }
#define ESPALIER_WAYS(SUFFIX, VECTOR, TARGET)                        \
  ESPALIER_WAY(read_then_write, SUFFIX, VECTOR, TARGET)              \
  ESPALIER_WAY(read_and_write_in_turns, SUFFIX, VECTOR, TARGET)      \
  ESPALIER_WAY(copy_then_rest, SUFFIX, VECTOR, TARGET)               \
  ESPALIER_WAY(read_then_memset, SUFFIX, VECTOR, TARGET)             \
  ESPALIER_WAY(memcpy_then_rest, SUFFIX, VECTOR, TARGET)             \
  constexpr std::array<StreamWay, 5> kWays_##SUFFIX = {{             \
      {"read, then write", read_then_write_##SUFFIX},                \
      {"read and write in turns", read_and_write_in_turns_##SUFFIX}, \
      {"copy, then the rest", copy_then_rest_##SUFFIX},              \
      {"read, then memset", read_then_memset_##SUFFIX},              \
      {"memcpy, then the rest", memcpy_then_rest_##SUFFIX},          \
  }};

#if defined(__x86_64__)
ESPALIER_WAYS(avx512, Vector64, __attribute__((target("avx512f"))))
ESPALIER_WAYS(avx2, Vector32, __attribute__((target("avx2"))))
#endif
ESPALIER_WAYS(baseline, Vector16, )

}  // namespace

std::span<const StreamWay> stream_ways() {
#if defined(__x86_64__)
  const uint64_t features = host_cpu_features();
  if (features & ESPALIER_CPU_AVX512F) return kWays_avx512;
  if (features & ESPALIER_CPU_AVX2) return kWays_avx2;
#endif
  return kWays_baseline;
}

double stream_seconds(const float* x, size_t x_count, float* y, size_t y_count) {
  std::vector<std::function<void()>> calls;
  for (const StreamWay& way : stream_ways()) calls.push_back([=] { way.run(x, x_count, y, y_count); });
  double least = std::numeric_limits<double>::infinity();
  for (const Timing& t : time_interleaved(calls, {.budget_seconds = 0.1})) least = std::min(least, t.median);
  return least;
}

}  // namespace espalier
