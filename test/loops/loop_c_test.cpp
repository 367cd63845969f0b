// Loop programs as C, compiled by every compiler this machine has.
#include <gtest/gtest.h>

#include "backends/c_source/loop_source.h"
#include "test/c_source/c_harness.h"
#include "test/loops/loop_runner.h"
#include "test/wasm/node_runner.h"

namespace espalier::test {
namespace {

struct Case {
  Toolchain toolchain;
  std::string_view target, cpu;
};

constexpr Case kCases[] = {
    {{"gcc", ESPALIER_TEST_GCC, "-O2 -mavx2 -mfma", Machine::kNative}, "x86_64-linux", "avx2"},
    {{"clang", ESPALIER_TEST_CLANG, "-O2 -mavx2 -mfma", Machine::kNative}, "x86_64-linux", "avx2"},
    {{"gcc", ESPALIER_TEST_GCC, "-O2 -mavx512f", Machine::kNative}, "x86_64-linux", "avx512"},
    {{"clang", ESPALIER_TEST_CLANG, "-O2 -mavx512f", Machine::kNative}, "x86_64-linux", "avx512"},
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

class LoopC : public testing::TestWithParam<Case> {};

TEST_P(LoopC, RandomProgramsGiveTheInterpretersBits) {
  const Toolchain& t = GetParam().toolchain;
  if (const std::string why = why_not_compiled(t); !why.empty()) GTEST_SKIP() << why;
  const Target target = *find_target(GetParam().target, GetParam().cpu);
  const std::vector<LoopCase> cases = random_loop_cases(target, 30000, kPrograms);
  const bool in_driver = t.machine == Machine::kNative || t.machine == Machine::kAArch64;
  const std::string functions = write_loop_functions(programs_of(cases), in_driver ? "static" : "");
  const auto preamble = loop_preamble(target, functions);
  ASSERT_TRUE(preamble) << preamble.error().message;
  const TemporaryFolder folder;
  const OutputFile source{"loops.c", *preamble + functions};
  if (!in_driver) {
    std::string prototypes;  // for nobody but -Wmissing-prototypes, which is not asked for
    ASSERT_EQ(compile(t, {source}, folder), prototypes);
    return;
  }
  ASSERT_EQ(compile(t, {{"loops.c", *preamble + write_loop_functions(programs_of(cases), "")}}, folder), "");
  if (target.vector->features & ~host_cpu_features() && t.machine == Machine::kNative)
    GTEST_SKIP() << "compiled only: this machine cannot run " << GetParam().cpu;
  if (t.machine == Machine::kAArch64 && std::string_view(ESPALIER_TEST_QEMU_AARCH64).empty())
    GTEST_SKIP() << "compiled only: no qemu-aarch64";
  folder.write("loops.c", source.contents);
  write_driver_files(cases, "loops.c", folder);
  std::vector<std::vector<float>> outputs;
  const bool emulated = t.machine == Machine::kAArch64;
  ASSERT_EQ(run_driver(fmt::format("{} -std=gnu99 -Wall -Wextra -Werror -Wno-pedantic {}{}", t.compiler, t.flags,
                                   emulated ? " -static" : ""),
                       emulated ? ESPALIER_TEST_QEMU_AARCH64 : "", cases, folder, outputs),
            "");
  expect_interpreted(cases, outputs);
}

INSTANTIATE_TEST_SUITE_P(Toolchains, LoopC, testing::ValuesIn(kCases), [](const auto& c) {
  return fmt::format("{}_{}", c.param.toolchain.name, c.param.cpu);
});

}  // namespace
}  // namespace espalier::test
