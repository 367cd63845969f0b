// Kernels and the loader in a browser.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "backends/wasm/wasm_module.h"
#include "codegen/compile_kernel.h"
#include "ir/reference_spmm.h"
#include "test/support/random_rolled_program.h"

namespace espalier {
namespace {

bool on_path(const std::string& program) {
  return std::system(("command -v " + program + " > /dev/null 2>&1").c_str()) == 0;
}

void write_file(const std::filesystem::path& path, const void* data, size_t size) {
  std::ofstream(path, std::ios::binary).write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
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
    KernelProgram p = test::random_rolled_program(*find_target("wasm32", "simd128"), seed);
    if (p.input_panel == 0 || p.output_panel == 0 || p.pixel_multiple != 1) continue;
    p.name = "kernel";
    return p;
  }
}

/// A folder with the module, an input and the answer that the page is to find.
std::filesystem::path folder_of(const KernelProgram& program, uint32_t pixels, float change) {
  const auto module = write_wasm_module({&program, 1});
  const std::vector<float> x = test::random_rolled_input(program, pixels);
  std::vector<float> wanted(test::output_elements(program, pixels));
  interpret(program, x, wanted, pixels);
  wanted[wanted.size() / 2] += change;
  std::string folder = std::filesystem::temp_directory_path() / "espalier-page-XXXXXX";
  if (!mkdtemp(folder.data())) return {};
  const std::filesystem::path root = folder;
  write_file(root / "m.wasm", module->data(), module->size());
  write_file(root / "x", x.data(), x.size() * sizeof(float));
  write_file(root / "wanted", wanted.data(), wanted.size() * sizeof(float));
  std::ofstream(root / "call.json") << fmt::format(R"({{"kernel":"kernel","pixels":{}}})", pixels);
  return root;
}

/// Exit code of run_page.mjs.
int run_page(const KernelProgram& program, uint32_t pixels, float change = 0) {
  const std::filesystem::path folder = folder_of(program, pixels, change);
  if (folder.empty()) return -1;
  const std::string script = ESPALIER_SOURCE_DIR "/test/wasm/chromium/run_page.mjs";
  const int code = std::system(fmt::format("node '{}' '{}'", script, folder.string()).c_str());
  std::filesystem::remove_all(folder);
  return WIFEXITED(code) ? WEXITSTATUS(code) : -1;
}

class WasmInChromium : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* program : {"chromium", "node"})
      if (!on_path(program)) GTEST_SKIP() << "no " << program << " in PATH";
  }
};

TEST_F(WasmInChromium, GivesTheInterpretersBits) { EXPECT_EQ(run_page(compiled_program(), 49), 0); }

TEST_F(WasmInChromium, GivesTheInterpretersBits_OfARolledProgramInPanels) {
  const KernelProgram program = rolled_program();
  EXPECT_EQ(run_page(program, test::random_pixels(program, 3)), 0);
}

TEST_F(WasmInChromium, ReportsOtherBits) { EXPECT_EQ(run_page(compiled_program(), 49, 1), 1); }

}  // namespace
}  // namespace espalier
