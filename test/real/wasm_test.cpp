// Real matrices as WebAssembly modules, run by Node.
#include <gtest/gtest.h>

#include <cstring>

#include "backends/wasm/wasm_module.h"
#include "codegen/compile_kernel.h"
#include "ir/reference_spmm.h"
#include "test/real/real_data.h"
#include "test/wasm/node_runner.h"

namespace espalier::test {
namespace {

struct Case {
  KernelSpec spec;
  KernelProgram program;
};

std::vector<Case> compiled(std::vector<KernelSpec> specs, std::string_view cpu) {
  std::vector<Case> cases;
  for (KernelSpec& spec : specs) {
    auto program = compile_kernel(spec, *find_target("wasm32", cpu));
    if (program)
      cases.push_back({std::move(spec), *std::move(program)});
    else
      ADD_FAILURE() << program.error().message;
  }
  return cases;
}

NodeCall call_of(const KernelSpec& spec) {
  return {.kernel = spec.name,
          .pixels = *spec.pixels,
          .x = input_for(spec, 17),
          .y = std::vector<float>(size_t{spec.matrix.rows()} * spec.output_stride)};
}

void expect_interpreters_bits(const Case& c, const NodeCall& call) {
  std::vector<float> expected(call.y.size());
  interpret(c.program, call.x, expected, call.pixels);
  EXPECT_EQ(std::memcmp(call.y.data(), expected.data(), expected.size() * sizeof(float)), 0) << c.spec.name;
}

void expect_in_bounds(const Case& c, const NodeCall& call) {
  EXPECT_LE(error_in_bounds(c.spec, call.x, call.y, call.pixels), 1) << c.spec.name;
}

/// One module for all of `cases`, run once.
void run_cases(const std::string& node, const std::vector<Case>& cases) {
  std::vector<KernelProgram> programs;
  std::vector<NodeCall> calls;
  for (const Case& c : cases) {
    programs.push_back(c.program);
    calls.push_back(call_of(c.spec));
  }
  const auto module = write_wasm_module(programs);
  ASSERT_TRUE(module) << module.error().message;
  ASSERT_EQ(run_in_node(node, *module, calls), "");
  for (size_t i = 0; i < cases.size(); ++i) {
    // A fused or unfused relaxed_madd is the engine's choice, so only the other instruction set has bits to compare.
    if (cases[i].program.target.vector->arithmetic == Arithmetic::kMulAdd) expect_interpreters_bits(cases[i], calls[i]);
    expect_in_bounds(cases[i], calls[i]);
  }
}

/// Modules of some megabytes each, as a network has: one of everything would exceed what Node compiles in a minute.
void run_in_batches(const std::string& node, std::vector<KernelSpec> specs, std::string_view cpu) {
  constexpr uint64_t kBatchNonzeros = 300'000;
  std::vector<Case> batch;
  uint64_t nonzeros = 0;
  for (Case& c : compiled(std::move(specs), cpu)) {
    nonzeros += c.spec.matrix.nonzeros();
    batch.push_back(std::move(c));
    if (nonzeros < kBatchNonzeros) continue;
    run_cases(node, batch);
    batch.clear();
    nonzeros = 0;
  }
  if (!batch.empty()) run_cases(node, batch);
}

class RealWasm : public testing::Test {
 protected:
  /// Node's command, or nothing after a skip.
  std::optional<std::string> node(const std::string& feature, const std::string& why_no_data) {
    const auto found = node_with(feature);
    const std::string why = !why_no_data.empty() ? why_no_data : "no node with " + feature;
    if (found && why_no_data.empty()) return found;
    [&] { GTEST_SKIP() << why; }();
    return {};
  }
};

TEST_F(RealWasm, MobileNetLayersGiveTheInterpretersBits_WithSimd128) {
  if (const auto found = node("simd128", data_missing())) run_in_batches(*found, mobilenet_layers(), "simd128");
}

TEST_F(RealWasm, MobileNetLayersStayInTheErrorBound_WithRelaxedSimd) {
  if (const auto found = node("relaxed-simd", data_missing())) run_in_batches(*found, mobilenet_layers(), "relaxed");
}

TEST_F(RealWasm, FortyMatricesOfDlmcGiveTheInterpretersBits_WithSimd128) {
  if (const auto found = node("simd128", data_missing())) run_in_batches(*found, dlmc_sample(40, 100), "simd128");
}

TEST_F(RealWasm, FaceModelGivesTheInterpretersBits_WithSimd128) {
  const auto found = node("simd128", face_model_missing());
  if (found) run_in_batches(*found, face_layers(), "simd128");
}

}  // namespace
}  // namespace espalier::test
