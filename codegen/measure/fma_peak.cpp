#include "codegen/measure/fma_peak.h"

#include <algorithm>
#include <chrono>

#include "espalier/kernel_abi.h"

namespace espalier {
namespace {

// One asm block each, so that no compiler can spill, reorder or vectorise anything. Registers start as zeros: other
// contents could be denormal, which slows the units down.

#if defined(__x86_64__)

#define ESPALIER_12(OP) OP(0) OP(1) OP(2) OP(3) OP(4) OP(5) OP(6) OP(7) OP(8) OP(9) OP(10) OP(11)
#define ESPALIER_24(OP) \
  ESPALIER_12(OP) OP(12) OP(13) OP(14) OP(15) OP(16) OP(17) OP(18) OP(19) OP(20) OP(21) OP(22) OP(23)

void avx2_loop(uint64_t rounds) {
#define ESPALIER_ZERO(n) "vxorps %%ymm" #n ", %%ymm" #n ", %%ymm" #n "\n"
#define ESPALIER_FMA(n) "vfmadd231ps %%ymm14, %%ymm15, %%ymm" #n "\n"
  asm volatile(ESPALIER_12(ESPALIER_ZERO) ESPALIER_ZERO(14)
                   ESPALIER_ZERO(15) ".p2align 6\n1:\n" ESPALIER_12(ESPALIER_FMA) "dec %0\njnz 1b\nvzeroupper\n"
               : "+r"(rounds)
               :
               : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
                 "xmm14", "xmm15");
#undef ESPALIER_ZERO
#undef ESPALIER_FMA
}

void avx512_loop(uint64_t rounds) {
#define ESPALIER_ZERO(n) "vpxord %%zmm" #n ", %%zmm" #n ", %%zmm" #n "\n"
#define ESPALIER_FMA(n) "vfmadd231ps %%zmm30, %%zmm31, %%zmm" #n "\n"
  asm volatile(ESPALIER_24(ESPALIER_ZERO) ESPALIER_ZERO(30)
                   ESPALIER_ZERO(31) ".p2align 6\n1:\n" ESPALIER_24(ESPALIER_FMA) "dec %0\njnz 1b\nvzeroupper\n"
               : "+r"(rounds)
               :
               : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
                 "xmm12", "xmm13", "xmm14", "xmm15"
#if defined(__AVX512F__)  // without it no compiler keeps anything in these
                 ,
                 "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm30", "xmm31"
#endif
  );
#undef ESPALIER_ZERO
#undef ESPALIER_FMA
}

#elif defined(__aarch64__)

#define ESPALIER_24(OP)                                                                                            \
  OP(0)                                                                                                            \
  OP(1)                                                                                                            \
  OP(2)                                                                                                            \
  OP(3)                                                                                                            \
  OP(4) OP(5) OP(6) OP(7) OP(8) OP(9) OP(10) OP(11) OP(12) OP(13) OP(14) OP(15) OP(16) OP(17) OP(18) OP(19) OP(20) \
      OP(21) OP(22) OP(23)

void neon_loop(uint64_t rounds) {
#define ESPALIER_ZERO(n) "movi v" #n ".4s, #0\n"
#define ESPALIER_FMA(n) "fmla v" #n ".4s, v30.4s, v31.4s\n"
  asm volatile(ESPALIER_24(ESPALIER_ZERO) ESPALIER_ZERO(30)
                   ESPALIER_ZERO(31) ".p2align 6\n1:\n" ESPALIER_24(ESPALIER_FMA) "subs %0, %0, #1\nb.ne 1b\n"
               : "+r"(rounds)
               :
               : "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14",
                 "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v30", "v31");
#undef ESPALIER_ZERO
#undef ESPALIER_FMA
}

#endif

struct LoopEntry {
  std::string_view isa;
  FmaLoop loop;
};
constexpr LoopEntry kLoops[] = {
#if defined(__x86_64__)
    {"avx512", {avx512_loop, 24 * 16 * 2}},
    {"avx2", {avx2_loop, 12 * 8 * 2}},
#elif defined(__aarch64__)
    {"neon", {neon_loop, 24 * 4 * 2}},
#endif
    {"", {}},
};

double seconds_of(const FmaLoop& loop, uint64_t rounds) {
  const auto start = std::chrono::steady_clock::now();
  loop.run(rounds);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

bool runs_here(const VectorIsa& isa) { return (host_cpu_features() & isa.features) == isa.features; }

}  // namespace

FmaLoop fma_loop(const VectorIsa& isa) {
  for (const LoopEntry& entry : kLoops)
    if (entry.isa == isa.name && runs_here(isa)) return entry.loop;
  return {};
}

double fma_peak_gflops(const VectorIsa& isa) {
  const FmaLoop loop = fma_loop(isa);
  if (!loop.run) return 0;
  // 8192 rounds take about 50 us; the first runs also bring a sleeping core's clock up.
  constexpr uint64_t kRounds = 8192;
  constexpr int kRuns = 60;
  double best = 1;
  for (int run = 0; run < kRuns; ++run) best = std::min(best, seconds_of(loop, kRounds));
  return loop.flops_per_round * kRounds / best * 1e-9;
}

const VectorIsa& widest_vector_isa() {
  // find_target knows every name in the list; the first that runs here is the widest.
  for (const LoopEntry& entry : kLoops) {
    const auto target = find_target("host", entry.isa);
    if (target && runs_here(*target->vector)) return *target->vector;
  }
  return *find_target("c99")->vector;
}

}  // namespace espalier
