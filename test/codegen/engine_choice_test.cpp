// What the cost model chooses for WebAssembly engines on x86-64 and on AArch64.
#include <gtest/gtest.h>

#include "codegen/cost/candidates.h"
#include "codegen/layout.h"
#include "test/codegen/compiled.h"

namespace espalier {
namespace {

KernelSpec image(SparseMatrix matrix, uint32_t pixels) { return test::spec_of(std::move(matrix), pixels, 0); }
Schedule best(const KernelSpec& spec, std::string_view cpu) {
  return (*rank_schedules(spec, *find_target("wasm32", cpu), *parse_schedule("loop:rows=1")))[0].schedule;
}

TEST(EngineChoice, LoopsAreAsWideAsTheMachineBelowHasRegisters) {
  for (const auto& [cpu, most] :
       {std::pair{"simd128", 10u}, {"relaxed", 10u}, {"simd128-arm64", 14u}, {"relaxed-arm64", 14u}}) {
    const Target target = *find_target("wasm32", cpu);
    EXPECT_EQ(most_loop_vectors(target), most) << cpu;
    const KernelSpec spec = image(random_sparse_matrix(128, 64, 0.9, 1), 3136);
    uint32_t widest = 0;
    const auto ranked = rank_schedules(spec, target, *parse_schedule("loop:rows=1"));
    ASSERT_TRUE(ranked);
    for (const Candidate& c : *ranked) widest = std::max(widest, c.schedule.tile_vectors);
    EXPECT_EQ(widest, most) << cpu;
    const auto panel = recommended_panel(spec, target);
    ASSERT_TRUE(panel);
    EXPECT_LE(*panel, 4 * most) << cpu;
    EXPECT_GT(*panel, 32u) << cpu << ": wider than two lines, which layers of many pixels gain by";
  }
  EXPECT_EQ(most_loop_vectors(*find_target("aarch64-linux")), 14u);
  EXPECT_EQ(most_loop_vectors(*find_target("x86_64-linux", "avx2")), 7u);
}

TEST(EngineChoice, WiderLoopsCanBeWishedFor) {
  const KernelSpec spec = image(random_sparse_matrix(64, 64, 0.9, 1), 3136);
  const auto ranked = rank_schedules(spec, *find_target("wasm32"), *parse_schedule("loop:rows=1,vectors=12"));
  ASSERT_TRUE(ranked) << ranked.error().message;
  EXPECT_EQ((*ranked)[0].schedule.tile_vectors, 12u);
}

TEST(EngineChoice, KBlocksOfImagesHaveNoMoreRowsThanPagesWhoseTranslationsStay) {
  const SparseMatrix dense_rows = random_sparse_matrix(256, 256, 0.7, 3);
  EXPECT_LE(best(image(dense_rows, 3136), "simd128").k_block, 64u);  // every row on pages of its own
  EXPECT_GT(best(image(dense_rows, 49), "simd128").k_block, 64u);    // twenty rows on a page
}

}  // namespace
}  // namespace espalier
