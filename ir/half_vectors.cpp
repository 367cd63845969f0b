#include "ir/half_vectors.h"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace espalier {
namespace {

/// AVX-512F implies AVX2 and FMA.
constexpr struct {
  std::string_view whole, half;
} kHalves[] = {{"avx512", "avx2"}};

// AMD, "Software Optimization Guide for the AMD Zen4 Microarchitecture", 2.11.
constexpr std::string_view kSplitting[] = {"znver4"};

}  // namespace

bool includes(const VectorIsa& isa, const VectorIsa& part) {
  const auto is_pair = [&](const auto& pair) { return pair.whole == isa.name && pair.half == part.name; };
  return isa.name == part.name || std::ranges::any_of(kHalves, is_pair);
}

std::optional<Target> with_half_vectors(const Target& target) {
  const auto pair = std::ranges::find(kHalves, target.vector->name, [](const auto& p) { return p.whole; });
  if (pair == std::end(kHalves)) return {};
  const auto other = find_target(target.name, pair->half);
  if (!other) return {};
  Target half = target;
  half.vector = other->vector;
  return half;
}

bool splits_vectors(const Target& target) {
  return std::ranges::find(kSplitting, target.cpu->name) != std::end(kSplitting);
}

}  // namespace espalier
