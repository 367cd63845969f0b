#include "codegen/cost/cpu_costs.h"

#include <algorithm>
#include <iterator>

namespace espalier {
namespace {

// znver3: measured with bench/kernels on an EPYC 7003 (128x64 to 1024x512 at 90 % zeros; straight code runs at 17
// bytes per cycle from L2 and 9 to 11 from L3, whatever the tile). znver4: the same on an EPYC 9004, and loops of
// nothing but such code (bytes per cycle: 22 while the micro-op cache holds it, 14.3 from L2, 9 to 12 from L3). The
// others: issue widths and pipes from the vendors' optimisation guides and public instruction tables (Cortex: FMLA q
// 1 / 1 / 2 per cycle and LDR q 0.5 / 1 / 2 on A53 / A72 / N1; by-lane operands and sums to sums together about
// 6 / 6 / 4), code rates from the width of fetch in the same ratios, line rates of caches from public measurements; of
// phones' memory, what one core streams.
// Arm's cores of phones fetch ahead by strides of one instruction's addresses; in straight code and in loops over rows
// at random there are too many such instructions, or no strides. Cortex-A76, A72, A53 (and A55, A73, A78, N1 in
// between): code and L2 rates, pattern_end, vector_end and column are set so that the choice on MobileNetV1's layers is
// that of a timing model (docs/performance.md), which these are no rates of; Cortex-A76's ends, partial sums and misses
// so that the prediction is what gem5's out-of-order core takes. WebAssembly: what V8 14 makes of it on a Zen 4 core
// (bench/wasm_kernels, all widths, both layouts). It folds no loads into arithmetic, and simd128 takes two instructions
// for a multiply-add, so the rates of instructions are lower. On AArch64 a multiply-add is a load and an fmla (relaxed)
// or a load, an fmul by lane and an fadd, of which two pipes do one in a cycle.
constexpr CpuCosts znver4() {
  CpuCosts c{"znver4", 1, 4, 1, 0.5, 6, 22, 14.3, 9.5, 28, 340, 3.7};
  c.row_groups = 4;
  c.pattern_end = 4;
  c.straight_miss = 6, c.image_stall = 1.2, c.image_l1 = 0.85, c.image_partial = 2, c.image_width = 0.06;
  c.wider_panel = 0.95;
  c.code_in_l2 = 0.8, c.code_beyond_l2 = 1.6;
  c.near_bytes = 16 * 1024, c.code_l1i = 17, c.chunk_bytes = 400 * 1024;
  c.far_panels = 1, c.far_images = 2.25;
  return c;
}

constexpr CpuCosts cortex_a76() {
  CpuCosts c{"cortex-a76", 2, 4, 2, 1, 4, 16, 4.5, 1.2, 48, 6, 2.4, false, true, 2, 6, 5};
  c.tile_end = 15;
  c.pattern_end = 14;
  c.image_partial = c.panel_partial = 7;
  c.miss_stall = 3;
  c.image_lines = true;
  c.narrow_tail = 3;
  return c;
}

/// V8's memory has small pages, whose translations L1 keeps for so many rows of an image.
constexpr CpuCosts in_small_pages(CpuCosts c, double pages) {
  c.pages = pages, c.page_miss = 4;
  c.image_lines = true;
  c.run_start = 6;
  return c;
}

constexpr CpuCosts webassembly(CpuCosts c) {
  c.row_groups = 2;
  c.vector_end = 6;
  c.panel_l1 = 0.65;
  c.touches = true;
  return in_small_pages(c, 64);
}

/// V8 on Cortex-A76, without hints; rates of multiply-adds and instructions as llvm-mca prices V8's own code.
constexpr CpuCosts webassembly_arm64(std::string_view cpu, double fmas, double fma_latency, double instructions) {
  CpuCosts c = cortex_a76();
  c.cpu = cpu, c.fmas = fmas, c.fma_latency = fma_latency, c.instructions = instructions;
  c.data_far = 4;
  c.prefetch = false;
  return in_small_pages(c, 48);
}

constexpr CpuCosts kCosts[] = {
    // cpu              fma  latency  load store instr  near  l2    far   data l2/far  ghz
    {"haswell", 2, 5, 2, 1, 4, 14, 9, 5, 25, 230, 3.0},
    {"znver3", 2, 4, 2, 1, 6, 17.5, 17, 9.3, 26, 320, 3.2},
    {"skylake-avx512", 2, 4, 2, 1, 4, 16, 10, 5, 40, 230, 2.6},
    znver4(),
    cortex_a76(),
    {"cortex-a53", 1, 6, 0.5, 1, 2, 8, 2, 0.6, 6, 2, 1.4, true, true, 2, 120, 9, 4},
    {"cortex-a55", 1, 5, 1, 1, 2, 8, 4, 1.5, 8, 3, 1.8, false, true, 2, 15, 5},
    {"cortex-a72", 1, 6, 1, 0.5, 3, 12, 1.5, 0.5, 32, 4, 1.8, false, true, 2, 10, 5},
    {"cortex-a73", 1, 6, 1, 1, 2, 8, 5, 2, 12, 4, 2.2, false, true, 2, 6, 5},
    {"cortex-a78", 2, 4, 2, 1, 4, 24, 12, 4, 24, 8, 2.6, false, true, 2, 6, 5},
    {"neoverse-n1", 2, 4, 2, 1, 4, 16, 8, 3, 48, 10, 2.6, false, true, 2, 6, 5},
    {"cortex-x1", 4, 4, 3, 2, 8, 32, 16, 5, 32, 12, 2.8},
    {"neoverse-v1", 4, 4, 3, 2, 8, 32, 16, 6, 32, 30, 2.6},
    {"apple-m1", 4, 4, 3, 2, 8, 32, 16, 8, 48, 114, 3.2},
    webassembly({"simd128", 2, 3, 2, 1, 3.5, 12, 9, 5, 20, 57, 3.2}),
    webassembly({"relaxed", 2, 4, 2, 1, 4.5, 12, 9, 5, 20, 57, 3.2}),
    webassembly_arm64("simd128-arm64", 1, 2, 2.8),
    webassembly_arm64("relaxed-arm64", 2, 4, 3.85),
    {"portable", 1, 4, 1, 1, 3, 10, 6, 3, 10, 28, 2.0},
};

}  // namespace

const CpuCosts& cpu_costs(std::string_view cpu) {
  const auto* found = std::find_if(std::begin(kCosts), std::end(kCosts), [&](auto& c) { return c.cpu == cpu; });
  return found == std::end(kCosts) ? kCosts[std::size(kCosts) - 1] : *found;
}

}  // namespace espalier
