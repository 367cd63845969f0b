// Loop programs as C, compiled by every compiler this machine has.
#include <gtest/gtest.h>

#include "backends/c_source/loop_source.h"
#include "backends/wasm/linker.h"
#include "test/c_source/c_harness.h"
#include "test/loops/loop_runner.h"
#include "test/wasm/node_runner.h"

namespace espalier::test {
namespace {

constexpr uint32_t kPrograms = 60;

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

class LoopSource : public testing::TestWithParam<DialectCase> {};

TEST_P(LoopSource, RandomProgramsGiveTheInterpretersBits) {
  const Toolchain& t = GetParam().toolchain;
  if (const std::string why = why_not_compiled(t); !why.empty()) GTEST_SKIP() << why;
  const Target target = *find_target(GetParam().target, GetParam().cpu);
  const std::vector<LoopCase> cases = random_loop_cases(target, 30000, kPrograms);
  const std::string functions = write_loop_functions(programs_of(cases), "", target);
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
  const std::string functions = write_loop_functions(programs_of(random_loop_cases(target, 7, 3)), "static", target);
  const TemporaryFolder folder;
  EXPECT_EQ(compile(t, {{"loops.c", *loop_preamble(target, functions) + functions}}, folder), "");
}

INSTANTIATE_TEST_SUITE_P(Toolchains, LoopSource, testing::ValuesIn(dialect_cases()), dialect_case_name);

}  // namespace
}  // namespace espalier::test
