// Kernels from the whole compiler, matrix to module, under a real engine.
#include <gtest/gtest.h>

#include "backends/wasm/wasm_module.h"
#include "codegen/compile_kernel.h"
#include "ir/reference_spmm.h"
#include "node_runner.h"
#include "test/support/random_program.h"
#include "test/support/structured_matrix.h"

namespace espalier::test {
namespace {

struct Layer {
  std::string name;
  uint32_t rows, columns;
  double sparsity;
  std::optional<uint32_t> pixels;
  uint32_t stride;
  Clamp clamp = {};
  std::string_view schedule = "auto";
  bool panels = false;  ///< as wide as the stride
  bool all_kinds = false;  ///< of rows, and the output in the order of their clusters
};

const Layer kLayers[] = {
    {"stem", 24, 16, 0.8, 400, 400, {0, 6}},
    {"wide", 96, 40, 0.9, 196, 196, {}},
    {"late", 64, 120, 0.85, 49, 49, {0, std::numeric_limits<float>::infinity()}},
    {"padded", 33, 29, 0.7, 50, 64, {-0.5f, 0.5f}},
    {"any", 17, 31, 0.6, std::nullopt, 75, {}},
    {"row", 1, 200, 0.5, 4, 4, {}},
    {"empty", 12, 9, 1.0, 31, 31, {}},
    {"full", 9, 11, 0.0, 33, 33, {}},
    {"tail", 40, 60, 0.8, 99, 99, {0, 6}, "unrolled:rows=6,vectors=2,k=40,tail=1"},
    {"tail_any", 17, 31, 0.6, std::nullopt, 75, {}, "unrolled:rows=3,tail=1"},
    {"tail_panels", 24, 30, 0.8, 100, 48, {}, "unrolled:rows=4,vectors=3,chunk=60,tail=1", true},
    {"loop", 40, 60, 0.9, 100, 100, {0, 6}, "loop"},
    {"loop_panels", 40, 60, 0.9, 100, 32, {0, 6}, "loop", true},
    {"nano", 40, 60, 0.8, 49, 49, {}, "nano"},
    {"nano_panels", 40, 60, 0.8, 49, 16, {-0.5f, 0.5f}, "nano", true},
    {"dense_panels", 12, 20, 0.2, 70, 16, {}, "dense", true},
    {"unrolled_panels", 24, 30, 0.8, 100, 48, {}, "unrolled", true},
    {"mixed", 60, 40, 0, 49, 49, {0, 6}, "loop+dense:least=60+nano:rows=4", false, true},
    {"mixed_panels", 60, 40, 0, 70, 16, {}, "unrolled:vectors=2,cluster=1+nano:rows=2,vectors=1", true, true},
};

KernelSpec spec_of(const Layer& layer, uint32_t seed) {
  KernelSpec spec;
  spec.name = layer.name;
  spec.matrix = random_sparse_matrix(layer.rows, layer.columns, layer.sparsity, seed);
  if (layer.all_kinds) spec.matrix = rows_of_all_kinds(layer.rows, layer.columns, seed);
  if (layer.all_kinds) spec.output_order = OutputOrder::kClustered;
  spec.bias = random_values(layer.rows, seed + 100);
  spec.clamp = layer.clamp;
  spec.pixels = layer.pixels;
  spec.input_stride = spec.output_stride = layer.stride;
  if (layer.panels) spec.input_panel = spec.output_panel = layer.stride;
  return spec;
}

struct Case {
  KernelSpec spec;
  KernelProgram program;
  NodeCall call;
};

std::vector<Case> compiled_cases(std::string_view cpu) {
  std::vector<Case> cases;
  uint32_t seed = 1;
  for (const Layer& layer : kLayers) {
    KernelSpec spec = spec_of(layer, ++seed);
    CompileOptions options;
    options.schedule = *parse_schedule(layer.schedule);
    auto program = compile_kernel(spec, *find_target("wasm32", cpu), options);
    if (!program) {
      ADD_FAILURE() << program.error().message;
      continue;
    }
    const uint32_t pixels = layer.pixels.value_or(layer.stride);
    NodeCall call{.kernel = layer.name,
                  .pixels = pixels,
                  .x = random_values(spec.input_elements(), seed),
                  .y = std::vector<float>(spec.output_elements())};
    cases.push_back({std::move(spec), *std::move(program), std::move(call)});
  }
  return cases;
}

/// All layers in one module and one run; `check` sees each with its result.
template <typename Check>
void run_all(const std::string& node, std::string_view cpu, Check check) {
  std::vector<Case> cases = compiled_cases(cpu);
  std::vector<KernelProgram> programs;
  std::vector<NodeCall> calls;
  for (const Case& c : cases) programs.push_back(c.program), calls.push_back(c.call);
  const auto module = write_wasm_module(programs);
  ASSERT_TRUE(module) << module.error().message;
  ASSERT_EQ(run_in_node(node, *module, calls), "");
  for (size_t i = 0; i < cases.size(); ++i) check(cases[i], calls[i].y);
}

TEST(WasmCompiledKernels, GiveTheInterpretersBits_WithSimd128) {
  const auto node = node_with("simd128");
  if (!node) GTEST_SKIP() << "no node in PATH and none named by ESPALIER_NODE";
  run_all(*node, "simd128", [](const Case& c, const std::vector<float>& y) {
    std::vector<float> expected(y.size());
    interpret(c.program, c.call.x, expected, c.call.pixels);
    EXPECT_EQ(y, expected) << c.spec.name;
    EXPECT_LE(error_in_bounds(c.spec, c.call.x, y, c.call.pixels, c.program.output_order), 1) << c.spec.name;
  });
}

TEST(WasmCompiledKernels, StayInTheErrorBound_WithRelaxedSimd) {
  const auto node = node_with("relaxed-simd");
  if (!node) GTEST_SKIP() << "no node with relaxed SIMD";
  run_all(*node, "relaxed", [](const Case& c, const std::vector<float>& y) {
    EXPECT_LE(error_in_bounds(c.spec, c.call.x, y, c.call.pixels, c.program.output_order), 1) << c.spec.name;
  });
}

}  // namespace
}  // namespace espalier::test
