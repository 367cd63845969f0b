// A compiled kernel and the loader in a browser.
#include <gtest/gtest.h>

#include "backends/wasm/wasm_module.h"
#include "codegen/compile_kernel.h"
#include "ir/reference_spmm.h"
#include "test/support/command.h"
#include "test/support/temporary_folder.h"

namespace espalier::test {
namespace {

std::string bytes_of(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

KernelSpec small_spec() {
  KernelSpec spec;
  spec.name = "kernel";
  spec.matrix = random_sparse_matrix(24, 32, 0.8, 1);
  spec.clamp = {-0.5f, 6};
  spec.pixels = spec.input_stride = spec.output_stride = 49;
  return spec;
}

/// Exit code of run_page.mjs; `change` alters the answer that the page is to find.
int run_page(void (*change)(std::vector<float>& wanted)) {
  const auto program = compile_kernel(small_spec(), *find_target("wasm32", "simd128"));
  const auto module = write_wasm_module({&*program, 1});
  SeededRandom random(3);
  std::vector<float> x(32 * 49), wanted(24 * 49);
  for (float& v : x) v = random.weight();
  interpret(*program, x, wanted, 49);
  change(wanted);
  const TemporaryFolder folder;
  folder.write("m.wasm", *module);
  folder.write("x", bytes_of(x));
  folder.write("wanted", bytes_of(wanted));
  folder.write("call.json", R"({"kernel":"kernel","pixels":49})");
  const std::string script = ESPALIER_SOURCE_DIR "/test/wasm/chromium/run_page.mjs";
  const CommandResult ran = run_command(fmt::format("node '{}' '{}'", script, folder.path().string()));
  fmt::print("{}", ran.output);
  return ran.status;
}

class WasmInChromium : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* program : {"chromium", "node"})
      if (!have_program(program)) GTEST_SKIP() << "no " << program << " in PATH";
  }
};

TEST_F(WasmInChromium, GivesTheInterpretersBits) {
  EXPECT_EQ(run_page([](std::vector<float>&) {}), 0);
}

TEST_F(WasmInChromium, ReportsOtherBits) {
  EXPECT_EQ(run_page([](std::vector<float>& wanted) { wanted[100] += 1; }), 1);
}

}  // namespace
}  // namespace espalier::test
