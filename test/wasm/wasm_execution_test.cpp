// Modules under a real engine give the interpreter's bits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "backends/wasm/wasm_module.h"
#include "bits.h"
#include "node_runner.h"
#include "wasm_program.h"

namespace espalier::test {
namespace {

constexpr float kUntouched = -777;

size_t extent(uint32_t rows, uint32_t stride, uint32_t pixels) { return rows ? size_t{rows - 1} * stride + pixels : 0; }

NodeCall call_of(const KernelProgram& p, uint32_t pixels, uint32_t seed) {
  return {.kernel = p.name,
          .pixels = pixels,
          .x = random_values(extent(p.input_channels, p.input_stride, pixels), seed),
          .y = std::vector<float>(extent(p.output_channels, p.output_stride, pixels), kUntouched)};
}

std::vector<float> interpreted(const KernelProgram& p, const NodeCall& call) {
  std::vector<float> y(call.y.size(), kUntouched);
  interpret(p, call.x, y, call.pixels);
  return y;
}

uint32_t items_of(const KernelProgram& p, uint32_t pixels) {
  return (pixels + p.pixel_block - 1) / p.pixel_block * static_cast<uint32_t>(p.groups.size());
}

class WasmExecution : public testing::Test {
 protected:
  void SetUp() override {
    node_ = node_with("simd128");
    if (!node_) GTEST_SKIP() << "no node in PATH and none named by ESPALIER_NODE";
  }
  /// Runs the calls, each of the program of its kernel's name, and compares every bit, padding between rows included.
  void expect_interpreter_bits(const std::vector<KernelProgram>& programs, std::vector<NodeCall> calls) {
    for (const KernelProgram& p : programs) {
      const Status verified = verify(p);
      ASSERT_TRUE(verified) << verified.error().message;
    }
    std::vector<std::vector<float>> expected;
    for (const NodeCall& call : calls) expected.push_back(interpreted(program_named(programs, call.kernel), call));
    const auto module = write_wasm_module(programs);
    ASSERT_TRUE(module) << module.error().message;
    ASSERT_EQ(run_in_node(*node_, *module, calls), "");
    for (size_t i = 0; i < calls.size(); ++i)
      EXPECT_TRUE(same_bits(calls[i].y, expected[i]))
          << "call " << i << ", kernel " << calls[i].kernel << ", " << calls[i].pixels << " pixels";
  }
  static const KernelProgram& program_named(const std::vector<KernelProgram>& programs, const std::string& name) {
    for (const KernelProgram& p : programs)
      if (p.name == name) return p;
    return programs.front();
  }
  std::optional<std::string> node_;
};

TEST_F(WasmExecution, Simd128GivesTheInterpretersBits_ForEveryRunTimePixelCount) {
  const KernelProgram p = wasm_program({});
  std::vector<NodeCall> calls;
  for (uint32_t pixels = 1; pixels <= p.max_pixels(); ++pixels) calls.push_back(call_of(p, pixels, pixels));
  expect_interpreter_bits({p}, std::move(calls));
}

TEST_F(WasmExecution, RandomOperationsGiveTheInterpretersBits) {
  std::vector<KernelProgram> programs;
  std::vector<NodeCall> calls;
  for (uint32_t seed = 0; seed < 40; ++seed) {
    programs.push_back(random_program(*find_target("wasm32", "simd128"), random_shape(seed), seed));
    programs.back().name = fmt::format("k{}", seed);
    calls.push_back(call_of(programs.back(), programs.back().max_pixels(), seed));
  }
  expect_interpreter_bits(programs, std::move(calls));
}

TEST_F(WasmExecution, CopyingCallsGiveTheSameBits) {
  const KernelProgram p = wasm_program({});
  NodeCall call = call_of(p, 33, 5);
  call.copy = true;
  expect_interpreter_bits({p}, {call});
}

TEST_F(WasmExecution, SeveralKernelsShareOneModule) {
  std::vector<KernelProgram> programs = {
      wasm_program({.name = "first", .pixels = 31, .input_stride = 31, .output_stride = 31, .seed = 2}),
      wasm_program({.name = "clamped", .output_channels = 21, .lanes = false, .clamp = Clamp{0, 0.5f}, .seed = 3}),
      wasm_program(
          {.name = "one_group", .output_channels = 3, .k_block = 100, .clamp = Clamp{-0.25f, 0.25f}, .seed = 4})};
  expect_interpreter_bits(programs, {call_of(programs[2], 40, 1), call_of(programs[0], 31, 2),
                                     call_of(programs[1], 40, 3), call_of(programs[0], 31, 4)});
}

TEST_F(WasmExecution, WorkItemsRunInAnyOrder) {
  const KernelProgram p = wasm_program({.output_channels = 19, .pixel_block = 8});
  NodeCall backwards = call_of(p, 37, 1), halves = call_of(p, 37, 2);
  const uint32_t items = items_of(p, 37);
  for (uint32_t i = items; i > 0; --i) backwards.items.push_back({i - 1, i});
  halves.items = {{items / 2, items}, {0, items / 2}, {3, 3}};
  expect_interpreter_bits({p}, {backwards, halves});
}

TEST_F(WasmExecution, ClampsTurnNanIntoABound) {
  const KernelProgram p = wasm_program({.output_channels = 4, .clamp = Clamp{-0.5f, 0.5f}});
  NodeCall call = call_of(p, 15, 1);
  for (size_t i = 0; i < call.x.size(); i += 3) call.x[i] = std::numeric_limits<float>::quiet_NaN();
  expect_interpreter_bits({p}, {call});
}

TEST_F(WasmExecution, EmptyProgramsTouchNothing) {
  KernelProgram p = wasm_program({.output_channels = 0});
  const KernelProgram no_input = wasm_program({.name = "no_input", .output_channels = 0, .input_channels = 0});
  expect_interpreter_bits({p, no_input}, {call_of(p, 9, 1), call_of(no_input, 9, 1)});
}

/// Engines choose the rounding of relaxed_madd, but one and the same everywhere: all outputs must agree with one mode.
TEST_F(WasmExecution, RelaxedSimdGivesTheInterpretersBits_InTheEnginesRounding) {
  const auto node = node_with("relaxed-simd");
  if (!node) GTEST_SKIP() << "this node has no relaxed SIMD";
  const KernelProgram p = wasm_program({.cpu = "relaxed", .output_channels = 20, .clamp = Clamp{-2, 2}});
  std::vector<NodeCall> calls;
  for (const uint32_t pixels : {1, 7, 24, 40}) calls.push_back(call_of(p, pixels, pixels));
  const auto module = write_wasm_module(std::vector{p});
  ASSERT_TRUE(module) << module.error().message;
  ASSERT_EQ(run_in_node(*node, *module, calls), "");
  size_t fused = 0, two_step = 0;
  for (const NodeCall& call : calls) {
    fused += same_bits(call.y, interpreted(in_mode(p, Arithmetic::kFma), call));
    two_step += same_bits(call.y, interpreted(in_mode(p, Arithmetic::kMulAdd), call));
  }
  EXPECT_TRUE(fused == calls.size() || two_step == calls.size())
      << fused << " calls as if fused, " << two_step << " as if not";
  EXPECT_NE(fused, two_step);
}

}  // namespace
}  // namespace espalier::test
