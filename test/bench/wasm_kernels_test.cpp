// bench/wasm_kernels compares what computes the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "test/support/command.h"
#include "test/wasm/node_runner.h"

namespace espalier::test {
namespace {

using ::testing::HasSubstr;

/// Small layers: few and many zeros, one that ends in a tail of one pixel.
constexpr char kLayers[] = "seeded_(512_49|64_3136)_(70|98)$";

class WasmKernels : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(ESPALIER_WASM_YARDSTICKS "/yardstick_relaxed.wasm"))
      GTEST_SKIP() << "no clang or wasm-ld for WebAssembly";
    relaxed_ = node_with("relaxed-simd").has_value();
    const auto node = node_with(relaxed_ ? "relaxed-simd" : "simd128");
    if (!node) GTEST_SKIP() << "no node with WebAssembly SIMD";
    node_ = *node;
  }

  CommandResult generate(const std::string& options) const {
    return run_command(fmt::format("{} '{}' {}", ESPALIER_WASM_GENERATOR, folder_.path().string(), options));
  }
  CommandResult bench(const std::string& options) const {
    return run_command(fmt::format("{} '{}/bench/wasm_kernels/bench.mjs' '{}' '{}' {}", node_, ESPALIER_SOURCE_DIR,
                                   folder_.path().string(), ESPALIER_WASM_YARDSTICKS, options));
  }

  TemporaryFolder folder_;
  std::string node_;
  bool relaxed_ = false;
};

TEST_F(WasmKernels, AgreeWithTheYardsticks) {
  const CommandResult made = generate(fmt::format("--sparsity 0.7,0.98 --layer '{}'", kLayers));
  ASSERT_EQ(made.status, 0) << made.output;
  const CommandResult checked = bench("--check");
  EXPECT_EQ(checked.status, 0) << checked.output;
  EXPECT_THAT(checked.output, HasSubstr(relaxed_ ? "4 layers agree with the yardsticks for simd128, relaxed"
                                                 : "4 layers agree with the yardsticks for simd128"));
}

TEST_F(WasmKernels, AreRefusedWhenTheyDisagree) {
  ASSERT_EQ(generate("--sparsity 0.98 --layer seeded_512_49_98 --cpu simd128").status, 0);
  std::string weights = contents_of(folder_.path("weights.bin"));
  ASSERT_GT(weights.size(), 8u);
  weights[6] ^= 0x40;  // the first non-zero of the yardstick, by half
  folder_.write("weights.bin", weights);
  const CommandResult checked = bench("--check");
  EXPECT_NE(checked.status, 0);
  EXPECT_THAT(checked.output, HasSubstr("but the yardstick has"));
}

TEST_F(WasmKernels, AreReportedByLayerAndAsMeans) {
  ASSERT_EQ(generate("--sparsity 0.98 --layer seeded_64_3136_98 --cpu simd128").status, 0);
  const CommandResult report = bench(fmt::format("--seconds 0.01 --json '{}'", folder_.path("report.json")));
  ASSERT_EQ(report.status, 0) << report.output;
  EXPECT_THAT(report.output, HasSubstr("| seeded_64_3136_98 | 64x64 | 3136 | 98.2 | `loop:rows=1"));
  EXPECT_THAT(report.output, HasSubstr("| seeded, 98 % | 1 |"));
  EXPECT_THAT(contents_of(folder_.path("report.json")), HasSubstr("\"loop\": \"pipelined\""));
}

}  // namespace
}  // namespace espalier::test
