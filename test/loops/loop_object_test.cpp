// Objects of loop programs for other machines, run in emulators and engines.
#include "backends/loops/loop_object.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/link/link_objects.h"
#include "backends/wasm/linker.h"
#include "test/loops/loop_runner.h"
#include "test/support/command.h"
#include "test/wasm/node_runner.h"

namespace espalier::test {
namespace {

constexpr uint32_t kShards = 3, kCases = 100;

class LoopObject : public testing::TestWithParam<uint32_t> {};

TEST_P(LoopObject, AArch64GivesTheInterpretersBits) {
  for (const char* program : {"aarch64-linux-gnu-gcc", "qemu-aarch64"})
    if (!have_program(program)) GTEST_SKIP() << program << " is not installed";
  const char* kCpus[] = {"cortex-a76", "cortex-a53", "apple-m1"};
  const Target target = *find_target("aarch64-linux", kCpus[GetParam() % std::size(kCpus)]);
  const std::vector<LoopCase> cases = random_loop_cases(target, 1000 + 1000 * GetParam(), kCases);
  const auto object = write_loop_object(programs_of(cases), target);
  ASSERT_TRUE(object) << object.error().message;
  const TemporaryFolder folder;
  folder.write("loops.o", *object);
  write_driver_files(cases, "", folder);
  std::vector<std::vector<float>> outputs;
  ASSERT_EQ(
      run_driver("aarch64-linux-gnu-gcc -O1 -Wall -Wextra -static loops.o", "qemu-aarch64", cases, folder, outputs),
      "");
  expect_interpreted(cases, outputs);
}

struct Engine {
  const char *cpu, *feature;
};
constexpr Engine kEngines[] = {{"simd128", "simd128"}, {"relaxed", "relaxed-simd"}};

TEST_P(LoopObject, WasmGivesTheInterpretersBits) {
  const Engine& engine = kEngines[GetParam() % std::size(kEngines)];
  const auto node = node_with(engine.feature);
  if (!node) GTEST_SKIP() << "no node with " << engine.feature;
  const Target target = *find_target("wasm32", engine.cpu);
  const std::vector<LoopCase> cases = random_loop_cases(target, 9000 + 1000 * GetParam(), kCases);
  const std::vector<LoopProgram> programs = programs_of(cases);
  std::vector<std::string> objects;
  for (const size_t first : {size_t{0}, size_t{kCases / 2}}) {
    auto object = write_loop_object(std::span(programs).subspan(first, kCases / 2), target);
    ASSERT_TRUE(object) << object.error().message;
    objects.push_back(*std::move(object));
  }
  const auto module = wasm::link_module(objects);
  ASSERT_TRUE(module) << module.error().message;
  std::vector<std::vector<float>> outputs;
  ASSERT_EQ(run_loops_in_node(*node, *module, cases, outputs), "");
  expect_interpreted(cases, outputs);
}
INSTANTIATE_TEST_SUITE_P(Shard, LoopObject, testing::Range(0u, kShards));

}  // namespace
}  // namespace espalier::test
