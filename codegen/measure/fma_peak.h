// The most multiply-adds per second this core can do.
#pragma once

#include <cstdint>

#include "ir/target.h"

namespace espalier {

/// A loop of independent vector multiply-adds on registers only, for one vector ISA.
struct FmaLoop {
  void (*run)(uint64_t rounds) = nullptr;  ///< null: this build or this CPU cannot
  double flops_per_round = 0;              ///< 2 per multiply-add and lane
};

/// The loop for `isa`: 12 chains of 8 lanes (AVX2), 24 of 16 (AVX-512) or 24 of 4 (NEON). Two units with a latency of 4
/// or 5 cycles need 8 to 10 chains, four units (Apple) 16.
FmaLoop fma_loop(const VectorIsa& isa);

/// fp32 GFLOP/s of that loop on this core now: the best of several runs of about 50 us. 0 when there is no loop.
/// The caller pins the thread.
double fma_peak_gflops(const VectorIsa& isa);

/// The vector ISA with the widest registers among those this CPU has (AVX-512 before AVX2): kernels are compared to
/// what the core can do, not to what their own instructions can.
const VectorIsa& widest_vector_isa();

}  // namespace espalier
