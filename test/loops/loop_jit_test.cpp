// Loop programs as machine code of the host, through the JIT.
#include <gtest/gtest.h>

#include <cmath>

#include "backends/jit/jit_library.h"
#include "backends/loops/loop_object.h"
#include "test/loops/random_loop_program.h"

namespace espalier::test {
namespace {

constexpr uint32_t kShards = 4, kCasesPerShard = 150, kBatch = 50;
constexpr float kGuard = -77.0f;

using LoopFunction = void(const float*, const float*, float*, const float*, const int32_t*, float*, size_t, size_t);

/// Item by item from the last to the first, because order must not matter; the scratch of each is full of NaN.
std::vector<float> run_items(const LoopCase& c, LoopFunction* function) {
  std::vector<float> y = c.y;
  y.push_back(kGuard);
  const float* x0 = c.program.in_place ? y.data() : c.x0.data();
  for (size_t item = c.program.items; item-- > 0;) {
    std::vector<float> scratch(c.program.elements[static_cast<size_t>(LoopBuffer::kScratch)], NAN);
    function(x0, c.x1.data(), y.data(), c.weights.data(), c.program.table.data(), scratch.data(), item, item + 1);
  }
  EXPECT_EQ(y.back(), kGuard) << c.program.name << " writes behind its output";
  y.pop_back();
  return y;
}

void run_batch(const Target& target, uint64_t first_seed, uint32_t count) {
  std::vector<LoopCase> cases;
  std::vector<LoopProgram> programs;
  for (uint32_t i = 0; i < count; ++i) {
    cases.push_back(random_loop_case(target, first_seed + i, fmt::format("loops_{}", first_seed + i)));
    programs.push_back(cases.back().program);
  }
  ASSERT_FALSE(testing::Test::HasFailure());
  const auto object = write_loop_object(programs, target);
  ASSERT_TRUE(object) << object.error().message;
  auto library = JitLibrary::load_objects({&*object, 1}, target);
  ASSERT_TRUE(library) << library.error().message;
  for (const LoopCase& c : cases) {
    const auto found = (*library)->address(c.program.name);
    ASSERT_TRUE(found) << found.error().message;
    const std::vector<float> y = run_items(c, reinterpret_cast<LoopFunction*>(*found));
    ASSERT_NO_FATAL_FAILURE(expect_same_values(c, y, interpreted_output(c)));
  }
}

class LoopJit : public testing::TestWithParam<uint32_t> {};

TEST_P(LoopJit, RandomProgramsGiveTheInterpretersBits) {
  const auto target = find_target("host");
  if (!target || target->isa != Isa::kX86_64) GTEST_SKIP() << "the JIT is for x86-64 hosts";
  for (uint32_t i = 0; i < kCasesPerShard && !HasFatalFailure(); i += kBatch)
    run_batch(*target, uint64_t{GetParam()} << 16 | i, kBatch);
}
INSTANTIATE_TEST_SUITE_P(Shard, LoopJit, testing::Range(0u, kShards));

TEST(LoopJit, AFunctionRunsARangeOfItems) {
  const auto target = find_target("host");
  if (!target || target->isa != Isa::kX86_64) GTEST_SKIP() << "the JIT is for x86-64 hosts";
  LoopCase c = random_loop_case(*target, 5, "range");
  const auto object = write_loop_object({&c.program, 1}, *target);
  ASSERT_TRUE(object) << object.error().message;
  auto library = JitLibrary::load_objects({&*object, 1}, *target);
  ASSERT_TRUE(library) << library.error().message;
  auto* function = reinterpret_cast<LoopFunction*>(*(*library)->address("range"));
  std::vector<float> y = c.y, scratch(1000);
  const float* x0 = c.program.in_place ? y.data() : c.x0.data();
  function(x0, c.x1.data(), y.data(), c.weights.data(), c.program.table.data(), scratch.data(), 1, 1);
  EXPECT_EQ(y, c.y) << "an empty range of items writes nothing";
  function(x0, c.x1.data(), y.data(), c.weights.data(), c.program.table.data(), scratch.data(), 0, c.program.items);
  expect_same_values(c, y, interpreted_output(c));
}

}  // namespace
}  // namespace espalier::test
