// Loop programs as C, compiled by every compiler this machine has.
#include <gtest/gtest.h>

#include "backends/c_source/loop_source.h"
#include "backends/wasm/linker.h"
#include "test/c_source/c_harness.h"
#include "test/loops/loop_runner.h"
#include "test/wasm/node_runner.h"

namespace espalier::test {
namespace {

struct Case {
  Toolchain toolchain;
  std::string_view target, cpu;
};

constexpr std::string_view kEmulation = "-O1 -D__AVX512F__=1 -I" ESPALIER_SOURCE_DIR "/test/c_source/emulated_avx512";

constexpr Case kCases[] = {
    {{"gcc", ESPALIER_TEST_GCC, "-O2 -mavx2 -mfma", Machine::kNative}, "x86_64-linux", "avx2"},
    {{"clang", ESPALIER_TEST_CLANG, "-O2 -mavx2 -mfma", Machine::kNative}, "x86_64-linux", "avx2"},
    {{"gcc", ESPALIER_TEST_GCC, "-O2 -mavx512f", Machine::kNative}, "x86_64-linux", "avx512"},
    {{"clang", ESPALIER_TEST_CLANG, "-O2 -mavx512f", Machine::kNative}, "x86_64-linux", "avx512"},
    {{"emulated_gcc", ESPALIER_TEST_GCC, kEmulation, Machine::kEmulatedAvx512}, "x86_64-linux", "avx512"},
    {{"gcc", ESPALIER_TEST_GCC, "-O2", Machine::kNative}, "c99", "portable"},
    {{"gcc_fused", ESPALIER_TEST_GCC, "-O3 -mfma -std=gnu99", Machine::kNative}, "c99", "portable"},
    {{"clang", ESPALIER_TEST_CLANG, "-O2", Machine::kNative}, "c99", "portable"},
    {{"gcc_unoptimised", ESPALIER_TEST_GCC, "-O0", Machine::kNative}, "c99", "portable"},
    {{"gcc_plain", ESPALIER_TEST_GCC, "-O2 -DESPALIER_PLAIN_C", Machine::kNative}, "c99", "portable"},
    {{"clang_plain", ESPALIER_TEST_CLANG, "-O2 -DESPALIER_PLAIN_C", Machine::kNative}, "c99", "portable"},
    {{"aarch64_gcc", ESPALIER_TEST_AARCH64_GCC, "-O2", Machine::kAArch64}, "aarch64-linux", "neon"},
    {{"aarch64_gcc_gnu99", ESPALIER_TEST_AARCH64_GCC, "-O3 -std=gnu99", Machine::kAArch64}, "c99", "portable"},
    {{"wasm_clang", ESPALIER_TEST_CLANG, "--target=wasm32 -O2 -msimd128 -mbulk-memory", Machine::kWasm},
     "wasm32",
     "simd128"},
    {{"wasm_clang", ESPALIER_TEST_CLANG, "--target=wasm32 -O2 -msimd128 -mrelaxed-simd -mbulk-memory", Machine::kWasm},
     "wasm32",
     "relaxed"},
};

constexpr uint32_t kPrograms = 60;

std::string why_not_run(const Toolchain& t, const Target& target) {
  if (t.machine == Machine::kAArch64)
    return std::string_view(ESPALIER_TEST_QEMU_AARCH64).empty() ? "this machine has no qemu-aarch64" : "";
  if (t.machine == Machine::kWasm) {
    const std::string feature = target.vector->name == "relaxed" ? "relaxed-simd" : "simd128";
    return node_with(feature) ? "" : "no node with " + feature;
  }
  if (t.machine == Machine::kEmulatedAvx512) return "";
  return target.vector->features & ~host_cpu_features() ? "this machine's CPU lacks the instructions" : "";
}

/// What `compile` made of loops.c, with the driver.
std::string run_native(const Toolchain& t, const std::vector<LoopCase>& cases, const TemporaryFolder& folder,
                       std::vector<std::vector<float>>& outputs) {
  write_driver_files(cases, "", folder);
  const bool emulated = t.machine == Machine::kAArch64;
  return run_driver(fmt::format("{} -O1 -Wall -Wextra -Werror {} loops.c.o", t.compiler, emulated ? "-static" : ""),
                    emulated ? ESPALIER_TEST_QEMU_AARCH64 : "", cases, folder, outputs);
}

std::string run_wasm(const Target& target, const std::vector<LoopCase>& cases, const TemporaryFolder& folder,
                     std::vector<std::vector<float>>& outputs) {
  // clang hides functions of WebAssembly that no attribute exports.
  std::vector<std::string> names;
  for (const LoopCase& c : cases) names.push_back(c.program.name);
  const std::string object = folder.read("loops.c.o");
  const auto module = wasm::link_module({&object, 1}, names);
  if (!module) return module.error().message;
  const auto node = node_with(target.vector->name == "relaxed" ? "relaxed-simd" : "simd128");
  return run_loops_in_node(*node, *module, cases, outputs);
}

class LoopSource : public testing::TestWithParam<Case> {};

TEST_P(LoopSource, RandomProgramsGiveTheInterpretersBits) {
  const Toolchain& t = GetParam().toolchain;
  if (const std::string why = why_not_compiled(t); !why.empty()) GTEST_SKIP() << why;
  const Target target = *find_target(GetParam().target, GetParam().cpu);
  const std::vector<LoopCase> cases = random_loop_cases(target, 30000, kPrograms);
  const std::string functions = write_loop_functions(programs_of(cases), "");
  const auto preamble = loop_preamble(target, functions);
  ASSERT_TRUE(preamble) << preamble.error().message;
  const TemporaryFolder folder;
  ASSERT_EQ(compile(t, {{"loops.c", *preamble + functions}}, folder), "");
  if (const std::string why = why_not_run(t, target); !why.empty()) GTEST_SKIP() << "compiled only: " << why;
  std::vector<std::vector<float>> outputs;
  ASSERT_EQ(
      t.machine == Machine::kWasm ? run_wasm(target, cases, folder, outputs) : run_native(t, cases, folder, outputs),
      "");
  expect_interpreted(cases, outputs);
}

TEST(LoopSourceText, StaticFunctionsNeedNoPrototypes) {
  const Toolchain t{"gcc", ESPALIER_TEST_GCC, "-O2 -Wmissing-prototypes -Wno-unused-function", Machine::kNative};
  if (const std::string why = why_not_compiled(t); !why.empty()) GTEST_SKIP() << why;
  const Target target = *find_target("c99");
  const std::string functions = write_loop_functions(programs_of(random_loop_cases(target, 7, 3)), "static");
  const TemporaryFolder folder;
  EXPECT_EQ(compile(t, {{"loops.c", *loop_preamble(target, functions) + functions}}, folder), "");
}

INSTANTIATE_TEST_SUITE_P(Toolchains, LoopSource, testing::ValuesIn(kCases),
                         [](const auto& c) { return fmt::format("{}_{}", c.param.toolchain.name, c.param.cpu); });

}  // namespace
}  // namespace espalier::test
