// Loops, pointers, cursors and panels under a real engine give the interpreter's bits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "backends/wasm/wasm_module.h"
#include "bits.h"
#include "node_runner.h"
#include "test/support/random_rolled_program.h"

namespace espalier::test {
namespace {

constexpr float kUntouched = -7;  // as expected_rolled_output has it
constexpr uint64_t kPrograms = 80;

NodeCall call_of(const KernelProgram& p, uint32_t pixels) {
  return {.kernel = p.name,
          .pixels = pixels,
          .x = random_rolled_input(p, pixels),
          .y = std::vector<float>(output_elements(p, pixels), kUntouched)};
}

/// kPrograms random programs, one kernel each, called once.
struct Cases {
  explicit Cases(std::string_view cpu) {
    for (uint64_t seed = 0; seed < kPrograms; ++seed) {
      programs.push_back(random_rolled_program(*find_target("wasm32", cpu), seed));
      programs.back().name = fmt::format("seed_{}", seed);
      calls.push_back(call_of(programs.back(), random_pixels(programs.back(), seed)));
    }
  }
  std::vector<KernelProgram> programs;
  std::vector<NodeCall> calls;
};

std::vector<float> interpreted(const KernelProgram& p, const NodeCall& call) {
  return expected_rolled_output(p, call.pixels);
}

class WasmRolled : public testing::Test {
 protected:
  void SetUp() override {
    node_ = node_with("simd128");
    if (!node_) GTEST_SKIP() << "no node in PATH and none named by ESPALIER_NODE";
  }
  void run(const std::vector<KernelProgram>& programs, std::vector<NodeCall>& calls) {
    const auto module = write_wasm_module(programs);
    ASSERT_TRUE(module) << module.error().message;
    ASSERT_EQ(run_in_node(*node_, *module, calls), "");
  }
  std::optional<std::string> node_;
};

TEST_F(WasmRolled, RandomProgramsGiveTheInterpretersBits) {
  Cases cases("simd128");
  run(cases.programs, cases.calls);
  for (size_t i = 0; i < kPrograms; ++i)
    EXPECT_TRUE(same_bits(cases.calls[i].y, interpreted(cases.programs[i], cases.calls[i]))) << "seed " << i;
}

uint32_t items_of(const KernelProgram& p, uint32_t pixels) {
  return (p.padded(pixels) + p.pixel_block - 1) / p.pixel_block * static_cast<uint32_t>(p.groups.size());
}

TEST_F(WasmRolled, WorkItemsRunInAnyOrder) {
  Cases cases("simd128");
  for (size_t i = 0; i < kPrograms; ++i) {
    NodeCall& call = cases.calls[i];
    for (uint32_t item = items_of(cases.programs[i], call.pixels); item > 0; --item)
      call.items.push_back({item - 1, item});
  }
  run(cases.programs, cases.calls);
  for (size_t i = 0; i < kPrograms; ++i)
    EXPECT_TRUE(same_bits(cases.calls[i].y, interpreted(cases.programs[i], cases.calls[i]))) << "seed " << i;
}

/// What lies between the pixels of `y`, as it was before the call.
std::vector<float> with_padding_untouched(const KernelProgram& p, uint32_t pixels, const std::vector<float>& y) {
  std::vector<float> result(y.size(), kUntouched);
  for (uint32_t row = 0; row < p.output_channels; ++row)
    for (uint32_t pixel = 0; pixel < pixels; ++pixel) {
      const size_t i = p.output_place(pixel) + size_t{row} * p.output_stride;
      result[i] = y[i];
    }
  return result;
}

TEST_F(WasmRolled, CopyingCallsGiveTheSameBits_ButLeaveThePaddingAlone) {
  Cases cases("simd128");
  for (NodeCall& call : cases.calls) call.copy = true;
  run(cases.programs, cases.calls);
  for (size_t i = 0; i < kPrograms; ++i) {
    const KernelProgram& p = cases.programs[i];
    const NodeCall& call = cases.calls[i];
    EXPECT_TRUE(same_bits(call.y, with_padding_untouched(p, call.pixels, interpreted(p, call)))) << "seed " << i;
  }
}

/// Engines choose the rounding of relaxed_madd, but one and the same everywhere: all outputs must agree with one mode.
TEST_F(WasmRolled, RelaxedSimdGivesTheInterpretersBits_InTheEnginesRounding) {
  node_ = node_with("relaxed-simd");
  if (!node_) GTEST_SKIP() << "this node has no relaxed SIMD";
  Cases cases("relaxed");
  run(cases.programs, cases.calls);
  size_t fused = 0, two_step = 0;
  for (size_t i = 0; i < kPrograms; ++i) {
    fused += same_bits(cases.calls[i].y, interpreted(in_mode(cases.programs[i], Arithmetic::kFma), cases.calls[i]));
    two_step +=
        same_bits(cases.calls[i].y, interpreted(in_mode(cases.programs[i], Arithmetic::kMulAdd), cases.calls[i]));
  }
  EXPECT_TRUE(fused == kPrograms || two_step == kPrograms) << fused << " calls as if fused, " << two_step << " not";
  EXPECT_NE(fused, two_step);
}

/// Panels of 8 and 16 pixels, blocks of 4 inside them, 21 pixels as 24. Per row: the first chunk is a straight tile,
/// the second a rolled one with a count of 0 and one of 2; a loop over all input rows ends it.
constexpr std::string_view kBlocksInsidePanels = R"(espalier-kernel-program 2
kernel inside target wasm32 cpu CPU
shape 2 x 3 nonzeros 7
pixels any
strides input 8 output 16
panels input 8 output 16
block 4
multiple 4
schedule unrolled
stream 11
.float 0x1.8p+0 -0x1.4p+0 0x1.1p+0 0x1.3p+0 0x1.7p+0 -0x1.9p-1 0x1.dp+0
.float 0x1.11p+0 0x1.31p-1 0x1.71p+0 0x1p+2
indices 6 bytes 4 shift 0
.index 16 0 2 16 8 0
group rows 0 2 chunks 0 2
chunk stream 0 3 nonzeros 1
  tile 4
    splat_load v0, w[0]
    splat_load v1, w[1]
    splat_load v2, w[2]
    load v3, x[1,0]:4
    fma v0, v3, v2
    store v0, y[0,0]:4
    store v1, y[1,0]:4
chunk stream 3 8 indices 0 6 nonzeros 5
  tile 4
    load v0, y[0,0]:4
    loop_indexed i[1]
    splat_load v0, w[7]
    advance w, 1
    end_loop
    loop_indexed i[2]
    splat_load v2, w[0]
    point p1, i[3]
    load v3, p1[0]:4
    fma v0, v3, v2
    advance w, 1
    advance i, 1
    end_loop
    store v0, y[0,0]:4
    point q0, i[3]
    advance x, 1
    load v1, y[1,0]:4
    splat_load v2, w[0]
    load v3, x[1,0]:4
    fma v1, v3, v2
    point p0, i[2]
    load v3, p0[0]:4
    fma v1, v3, v2
    store v1, y[1,0]:4
end
)";

TEST_F(WasmRolled, BlocksInsidePanelsAndStraightChunksBesideRolledOnes) {
  std::string text(kBlocksInsidePanels);
  text.replace(text.find("CPU"), 3, "simd128");
  const auto program = parse_kernel_program(text);
  ASSERT_TRUE(program) << program.error().message;
  const Status verified = verify(*program);
  ASSERT_TRUE(verified) << verified.error().message;
  std::vector<NodeCall> calls;
  for (const uint32_t pixels : {1, 4, 8, 9, 21, 48}) calls.push_back(call_of(*program, pixels));
  run({*program}, calls);
  for (const NodeCall& call : calls) EXPECT_TRUE(same_bits(call.y, interpreted(*program, call))) << call.pixels;
}

}  // namespace
}  // namespace espalier::test
