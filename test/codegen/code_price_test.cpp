// LLVM's prices of emitted code, and what follows from them.
#include "backends/mc/code_price.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/assemble.h"
#include "codegen/cost/cost_model.h"
#include "codegen/tune/tune.h"
#include "test/codegen/compiled.h"

namespace espalier {
namespace {

KernelSpec panels_of(uint32_t width, SparseMatrix matrix = random_sparse_matrix(64, 128, 0.8, 1)) {
  return test::spec_of(std::move(matrix), 4 * width, width);
}

std::optional<CodePrice> price(const KernelSpec& spec, std::string_view target_name, std::string_view cpu,
                               std::string_view schedule) {
  const Target target = *find_target(target_name, cpu);
  const KernelProgram program = test::compiled(spec, target, schedule);
  const auto code = assemble(program);
  EXPECT_TRUE(code) << code.error().message;
  const auto found = price_inner_code(*code, target);
  EXPECT_TRUE(found) << found.error().message;
  return found ? *found : std::nullopt;
}

TEST(CodePrice, OfLoopsIsNearTheFloorOfTheirMultiplyAdds) {
  const auto a72 = price(panels_of(28), "aarch64-linux", "cortex-a72", "loop:rows=2,vectors=7");
  ASSERT_TRUE(a72);
  EXPECT_EQ(a72->multiply_adds, 56) << "four columns of two rows by seven vectors";
  EXPECT_THAT(a72->cycles_per_multiply_add(), testing::AllOf(testing::Ge(1.0), testing::Le(1.2)));
  const auto a76 = price(panels_of(28), "aarch64-linux", "cortex-a76", "loop:rows=2,vectors=7");
  ASSERT_TRUE(a76);
  EXPECT_THAT(a76->cycles_per_multiply_add(), testing::AllOf(testing::Ge(0.5), testing::Le(0.65)));
  EXPECT_EQ(a76->multiply_adds, 28);
  EXPECT_GT(a76->instructions, 28);
}

TEST(CodePrice, OfNarrowLoopsIsTheLatencyOfTheirSums) {
  const auto narrow = price(panels_of(4), "aarch64-linux", "cortex-a76", "loop:rows=1,vectors=1");
  const auto wide = price(panels_of(32), "aarch64-linux", "cortex-a76", "loop:rows=1,vectors=8");
  ASSERT_TRUE(narrow && wide);
  EXPECT_GT(narrow->cycles_per_multiply_add(), 1.8 * wide->cycles_per_multiply_add());
}

TEST(CodePrice, OfStraightCodeHasItsRowsIn) {
  const auto avx512 = price(panels_of(32), "x86_64-linux", "znver4", "unrolled:rows=8,vectors=2");
  ASSERT_TRUE(avx512);
  EXPECT_THAT(avx512->cycles_per_multiply_add(), testing::AllOf(testing::Ge(1.0), testing::Le(1.4)));
  EXPECT_GT(avx512->multiply_adds, 1000);
  // More than is priced, and than a window of instructions holds: a stretch stands for all.
  const auto large = price(panels_of(32, random_sparse_matrix(512, 512, 0.9, 1)), "x86_64-linux", "znver4",
                           "unrolled:rows=8,vectors=2,chunk=100000");
  ASSERT_TRUE(large);
  EXPECT_EQ(large->instructions, 4096);
  EXPECT_THAT(large->cycles_per_multiply_add(), testing::AllOf(testing::Ge(1.0), testing::Le(1.4)));
}

TEST(CodePrice, IsThereWhereLlvmHasAModelAndOneLoopStandsForAll) {
  EXPECT_FALSE(price(panels_of(8), "aarch64-linux", "cortex-a53", "loop:rows=1,vectors=2"));
  EXPECT_FALSE(price(panels_of(8), "aarch64-linux", "cortex-a76", "nano:rows=2,vectors=2"));
  EXPECT_FALSE(price(panels_of(8), "aarch64-linux", "cortex-a76", "loop:rows=1,vectors=2+dense:least=50"));
  for (const auto& [target, cpu] : {std::pair{"wasm32", "simd128"}, {"wasm32", "relaxed-arm64"}, {"c99", "portable"}})
    EXPECT_FALSE(has_price(*find_target(target, cpu))) << cpu;
  for (const TargetEntry& entry : known_targets()) {
    const Target target = *find_target(entry.target, entry.cpu);
    if (!has_price(target)) continue;
    EXPECT_TRUE(price(panels_of(target.vector->lanes * 2), entry.target, entry.cpu, "loop:rows=1,vectors=2"))
        << entry.cpu;
  }
}

TEST(CodePrice, OfNothingIsNothing) {
  EXPECT_FALSE(price(panels_of(8, random_sparse_matrix(3, 4, 1, 1)), "aarch64-linux", "cortex-a76",
                     "unrolled:rows=2,vectors=2"));
}

TEST(PricedCost, StandsForWhatTheTableSaysOfComputing) {
  const KernelSpec spec = panels_of(28);
  const Target target = *find_target("aarch64-linux", "cortex-a72");
  const Schedule schedule = test::compiled(spec, target, "loop:rows=2,vectors=7").schedule;
  const Cost table = predict(spec, target, schedule, 1);
  const Cost priced = priced_by_llvm(table, target, 2);
  EXPECT_DOUBLE_EQ(priced.priced, 2 * table.fma) << "a multiply-add a cycle";
  EXPECT_DOUBLE_EQ(priced.cycles(), 2 * table.fma + table.traffic + table.exits);
}

TEST(TunedForOtherMachines, IsTheLeastByLlvmsModel) {
  const Target target = *find_target("aarch64-linux", "cortex-a72");
  const KernelSpec spec = panels_of(28, random_sparse_matrix(256, 128, 0.9, 2));
  const auto tuned = tuned_schedule(spec, target, {}, {});
  ASSERT_TRUE(tuned) << tuned.error().message;
  const auto finalists = tuning_finalists(*rank_schedules(spec, target, {}), TuneOptions().finalists);
  EXPECT_NE(std::find(finalists.begin(), finalists.end(), *tuned), finalists.end());
  EXPECT_EQ(*tuned, *tuned_schedule(spec, target, {}, {})) << "nothing of it is measured";
  const auto none = tuned_schedule(panels_of(8), *find_target("wasm32"), {}, {});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::kUnsupported);
}

}  // namespace
}  // namespace espalier
