// Comparing floats by their bits, and programs in either arithmetic.
#pragma once

#include <algorithm>
#include <bit>
#include <vector>

#include "ir/kernel_program.h"

namespace espalier::test {

inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  const auto same = [](float p, float q) { return std::bit_cast<uint32_t>(p) == std::bit_cast<uint32_t>(q); };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same);
}

/// The program as an engine computes it that rounds relaxed_madd once, or twice.
inline KernelProgram in_mode(KernelProgram p, Arithmetic arithmetic) {
  static VectorIsa isas[2];
  VectorIsa& isa = isas[static_cast<int>(arithmetic)] = *p.target.vector;
  isa.arithmetic = arithmetic;
  p.target.vector = &isa;
  return p;
}

}  // namespace espalier::test
