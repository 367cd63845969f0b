// Kernels and the loader in a browser.
#include <gtest/gtest.h>

#include "backends/network/wasm_network.h"
#include "backends/wasm/wasm_module.h"
#include "codegen/compile_kernel.h"
#include "codegen/network/compile_network.h"
#include "ir/network/passes/passes.h"
#include "ir/reference_spmm.h"
#include "test/support/command.h"
#include "test/support/random_network.h"
#include "test/support/random_rolled_program.h"
#include "test/support/temporary_folder.h"

namespace espalier::test {
namespace {

std::string bytes_of(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

KernelProgram compiled_program() {
  KernelSpec spec;
  spec.name = "kernel";
  spec.matrix = random_sparse_matrix(24, 32, 0.8, 1);
  spec.clamp = {-0.5f, 6};
  spec.pixels = spec.input_stride = spec.output_stride = 49;
  return *compile_kernel(spec, *find_target("wasm32", "simd128"));
}

/// With loops and pointers, in panels; the padding of the last one stays as it is.
KernelProgram rolled_program() {
  for (uint64_t seed = 0;; ++seed) {
    KernelProgram p = random_rolled_program(*find_target("wasm32", "simd128"), seed);
    if (p.input_panel == 0 || p.output_panel == 0 || p.pixel_multiple != 1) continue;
    p.name = "kernel";
    return p;
  }
}

/// Exit code of run_page.mjs.
int run_page(const std::string& module, const std::vector<float>& x, const std::vector<float>& wanted,
             const std::string& call) {
  const TemporaryFolder folder;
  folder.write("m.wasm", module);
  folder.write("x", bytes_of(x));
  folder.write("wanted", bytes_of(wanted));
  folder.write("call.json", call);
  const std::string script = ESPALIER_SOURCE_DIR "/test/wasm/chromium/run_page.mjs";
  const CommandResult ran = run_command(fmt::format("node '{}' '{}'", script, folder.path().string()));
  fmt::print("{}", ran.output);
  return ran.status;
}

/// `change` is added to one element of the answer that the page is to find.
int run_page(const KernelProgram& program, uint32_t pixels, float change = 0) {
  const auto module = write_wasm_module({&program, 1});
  const std::vector<float> x = random_rolled_input(program, pixels);
  std::vector<float> wanted(output_elements(program, pixels));
  interpret(program, x, wanted, pixels);
  wanted[wanted.size() / 2] += change;
  return run_page(*module, x, wanted, fmt::format(R"({{"kernel":"kernel","pixels":{}}})", pixels));
}

class WasmInChromium : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* program : {"chromium", "node"})
      if (!have_program(program)) GTEST_SKIP() << "no " << program << " in PATH";
  }
};

TEST_F(WasmInChromium, GivesTheInterpretersBits) { EXPECT_EQ(run_page(compiled_program(), 49), 0); }

TEST_F(WasmInChromium, GivesTheInterpretersBits_OfARolledProgramInPanels) {
  const KernelProgram program = rolled_program();
  EXPECT_EQ(run_page(program, random_pixels(program, 3)), 0);
}

TEST_F(WasmInChromium, GivesTheInterpretersBits_OfANetwork) {
  Network network = random_network(5);
  ASSERT_TRUE(simplify(network));
  const auto compiled = compile_network(network, *find_target("wasm32", "simd128"), "net", {});
  ASSERT_TRUE(compiled) << compiled.error().message;
  const auto module = write_wasm_network(compiled->program);
  ASSERT_TRUE(module) << module.error().message;
  const std::vector<float> x = random_input(network.shape_of(network.inputs[0]).elements(), 1);
  EXPECT_EQ(run_page(*module, x, interpret(compiled->program, {&x, 1})[0], R"({"network":"net"})"), 0);
}

TEST_F(WasmInChromium, ReportsOtherBits) { EXPECT_EQ(run_page(compiled_program(), 49, 1), 1); }

}  // namespace
}  // namespace espalier::test
