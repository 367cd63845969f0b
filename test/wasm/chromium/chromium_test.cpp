// A compiled kernel and the loader in a browser.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "backends/wasm/wasm_module.h"
#include "codegen/compile_kernel.h"
#include "ir/reference_spmm.h"

namespace espalier {
namespace {

bool on_path(const std::string& program) {
  return std::system(("command -v " + program + " > /dev/null 2>&1").c_str()) == 0;
}

void write_file(const std::filesystem::path& path, const void* data, size_t size) {
  std::ofstream(path, std::ios::binary).write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
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
  std::string folder = std::filesystem::temp_directory_path() / "espalier-page-XXXXXX";
  if (!mkdtemp(folder.data())) return -1;
  const std::filesystem::path root = folder;
  write_file(root / "m.wasm", module->data(), module->size());
  write_file(root / "x", x.data(), x.size() * sizeof(float));
  write_file(root / "wanted", wanted.data(), wanted.size() * sizeof(float));
  std::ofstream(root / "call.json") << R"({"kernel":"kernel","pixels":49})";
  const std::string script = ESPALIER_SOURCE_DIR "/test/wasm/chromium/run_page.mjs";
  const int code = std::system(fmt::format("node '{}' '{}'", script, folder).c_str());
  std::filesystem::remove_all(root);
  return WIFEXITED(code) ? WEXITSTATUS(code) : -1;
}

class WasmInChromium : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* program : {"chromium", "node"})
      if (!on_path(program)) GTEST_SKIP() << "no " << program << " in PATH";
  }
};

TEST_F(WasmInChromium, GivesTheInterpretersBits) {
  EXPECT_EQ(run_page([](std::vector<float>&) {}), 0);
}

TEST_F(WasmInChromium, ReportsOtherBits) {
  EXPECT_EQ(run_page([](std::vector<float>& wanted) { wanted[100] += 1; }), 1);
}

}  // namespace
}  // namespace espalier
