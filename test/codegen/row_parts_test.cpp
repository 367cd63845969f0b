// Which rows stand together: blocks found however far apart their rows are, and rows dealt out to several forms.
#include "codegen/row_parts.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "codegen/cost/candidates.h"
#include "codegen/input_loads.h"
#include "ir/reference_spmm.h"
#include "test/codegen/compiled.h"
#include "test/support/structured_matrix.h"

namespace espalier {
namespace {

using test::compiled;

constexpr std::string_view kTargets[][2] = {
    {"x86_64-linux", "znver3"},      {"x86_64-linux", "znver4"}, {"aarch64-linux", "cortex-a76"},
    {"aarch64-linux", "cortex-a53"}, {"wasm32", "simd128"},      {"c99", "portable"},
};

KernelSpec spec_of(SparseMatrix matrix, uint32_t pixels = 196) {
  KernelSpec spec;
  spec.name = "kernel";
  spec.matrix = std::move(matrix);
  spec.pixels = pixels;
  spec.input_stride = spec.output_stride = recommended_stride(pixels);
  return spec;
}

TEST(InputLoads, AreNotSharedByRowsThatTakeTurns) {
  const SparseMatrix m = random_sparse_matrix(16, 40, 0.5, 3);
  EXPECT_EQ(nonzeros_per_input_load(count_parts(m, {}, *parse_schedule("loop:rows=4"))), 1);
  EXPECT_GT(nonzeros_per_input_load(count_parts(m, {}, *parse_schedule("nano:rows=4"))), 1.5);
}

/// Columns that all rows of their tile use, as a share of all uses of columns by tiles.
double full_patterns(const SparseMatrix& m, const std::vector<uint32_t>& order, uint32_t tile_rows) {
  uint64_t full = 0, all = 0;
  for (uint32_t first = 0; first < m.rows(); first += tile_rows) {
    std::vector<uint32_t> uses(m.columns());
    for (uint32_t r = first; r < std::min(m.rows(), first + tile_rows); ++r)
      for (const uint32_t c : m.row_columns(order.empty() ? r : order[r])) ++uses[c];
    for (const uint32_t count : uses) all += count != 0, full += count == tile_rows;
  }
  return static_cast<double>(full) / static_cast<double>(all);
}

struct BlockCase {
  uint32_t rows, columns, block;
  double sparsity;
};
/// With 4,096 rows the window of the greedy search holds a sixteenth of them.
constexpr BlockCase kBlocks[] = {{64, 64, 4, 0.9},   {64, 100, 2, 0.8},   {512, 512, 4, 0.9}, {512, 512, 2, 0.9},
                                 {4096, 64, 4, 0.9}, {4096, 256, 2, 0.9}, {1000, 300, 4, 0.7}};

TEST(OrderRows, FindsBlocksWhoseRowsAreShuffled) {
  for (const BlockCase& c : kBlocks) {
    SCOPED_TRACE(fmt::format("{}x{} in blocks of {}", c.rows, c.columns, c.block));
    const KernelSpec spec = spec_of(test::shuffled_blocks(c.rows, c.columns, c.block, c.sparsity, 5), 16);
    const auto program =
        compiled(spec, *find_target("x86_64-linux", "znver3"), fmt::format("nano:rows={},cluster=1", c.block));
    EXPECT_LT(full_patterns(spec.matrix, {}, c.block), 0.5);
    EXPECT_GE(full_patterns(spec.matrix, program.channel_order(), c.block), 0.95);
    const TileRows tiles = count_tiles(spec.matrix, program.channel_order(), 0, c.rows, c.block);
    EXPECT_GE(tiles.sharing, 0.95 * c.block);
  }
}

/// One loop per row tile, not one for each of the patterns that four rows can have.
TEST(OrderRows, LeavesOneLoopForBlocks) {
  const KernelSpec spec = spec_of(test::shuffled_blocks(64, 64, 4, 0.8, 6), 16);
  const auto program = compiled(spec, *find_target("x86_64-linux", "znver3"), "nano:rows=4,cluster=1");
  for (const Chunk& chunk : program.chunks)
    for (const PixelTile& tile : chunk.tiles)
      EXPECT_EQ(std::count_if(tile.ops.begin(), tile.ops.end(), [](auto& op) { return op.op == Op::kLoopIndexed; }), 2)
          << "row tiles, columns of a tile";
}

/// Where instructions arrive fast enough for straight code (Zen 4), that may be taken, but clustered, too.
TEST(Choice, ClustersBlocksAndTakesThemWithNano) {
  const KernelSpec spec = spec_of(test::shuffled_blocks(512, 512, 4, 0.9, 7));
  for (const auto& [name, cpu] : kTargets) {
    const auto ranked = rank_schedules(spec, *find_target(name, cpu), {});
    ASSERT_TRUE(ranked);
    const Schedule& best = (*ranked)[0].schedule;
    EXPECT_EQ(best.cluster, 1) << cpu << " " << to_string(best);
    EXPECT_TRUE(best.form == CodeForm::kNano || cpu == "znver4") << cpu << " " << to_string(best);
  }
}

/// A tile holds as many rows as the registers and the chain of sums allow.
TEST(Choice, TakesTilesOfFourRowsForBlocksOfFour) {
  KernelSpec spec = spec_of(test::shuffled_blocks(512, 512, 4, 0.9, 7));
  Schedule nano;
  nano.form = CodeForm::kNano;
  for (const char* cpu : {"znver3", "haswell", "skylake-avx512"}) {
    const auto ranked = rank_schedules(spec, *find_target("x86_64-linux", cpu), nano);
    ASSERT_TRUE(ranked);
    EXPECT_EQ((*ranked)[0].schedule.tile_rows, 4u) << cpu;
  }
}

TEST(Choice, BlocksAreFasterThanTheSameNonzerosAnywhere) {
  for (const auto& [name, cpu] : kTargets) {
    const Target target = *find_target(name, cpu);
    const auto blocks = rank_schedules(spec_of(test::shuffled_blocks(512, 512, 4, 0.9, 7)), target, {});
    const auto scattered = rank_schedules(spec_of(random_sparse_matrix(512, 512, 0.9, 7)), target, {});
    EXPECT_LT((*blocks)[0].cost.cycles(), (*scattered)[0].cost.cycles()) << cpu;
  }
}

/// A fifth of the rows full, the others sparse.
SparseMatrix partly_full(uint32_t rows, uint32_t columns) {
  const SparseMatrix sparse = random_sparse_matrix(rows, columns, 0.9, 3),
                     full = random_sparse_matrix(rows, columns, 0.03, 4);
  std::vector<float> dense(size_t{rows} * columns);
  for (uint32_t r = 0; r < rows; ++r) {
    const SparseMatrix& from = r % 5 == 2 ? full : sparse;
    for (size_t i = 0; i < from.row_columns(r).size(); ++i)
      dense[size_t{r} * columns + from.row_columns(r)[i]] = from.row_values(r)[i];
  }
  return *SparseMatrix::from_dense(rows, columns, dense);
}

TEST(Choice, MixesFormsWhereThatIsPredictedToBeFaster) {
  const KernelSpec spec = spec_of(partly_full(512, 512));
  for (const char* cpu : {"znver3", "cortex-a76"}) {
    const Target target = *find_target(std::string_view(cpu) == "znver3" ? "x86_64-linux" : "aarch64-linux", cpu);
    const auto ranked = rank_schedules(spec, target, {});
    ASSERT_TRUE(ranked);
    const Candidate& best = (*ranked)[0];
    ASSERT_EQ(best.schedule.parts.size(), 1u) << cpu << " " << to_string(best.schedule);
    EXPECT_EQ(best.schedule.parts[0].form, CodeForm::kDense);
    for (const Candidate& c : *ranked) EXPECT_TRUE(!c.schedule.parts.empty() || best.cost.cycles() < c.cost.cycles());
    const auto program = compiled(spec, target, "auto");
    EXPECT_EQ(program.schedule, best.schedule);
  }
}

TEST(Choice, NeverMixesToBeSlower) {
  for (const auto& [name, cpu] : kTargets)
    for (uint64_t seed = 0; seed < 6; ++seed) {
      const KernelSpec spec = spec_of(test::rows_of_all_kinds(40 + 37 * static_cast<uint32_t>(seed), 90, seed));
      const auto ranked = rank_schedules(spec, *find_target(name, cpu), {});
      ASSERT_TRUE(ranked);
      const auto single =
          std::find_if(ranked->begin(), ranked->end(), [](auto& c) { return c.schedule.parts.empty(); });
      ASSERT_NE(single, ranked->end());
      EXPECT_LE((*ranked)[0].cost.cycles(), single->cost.cycles());
    }
}

TEST(Cost, OfPartsIsTheSumOfTheirCycles) {
  Cost loads, fma;
  loads.loads = 100, loads.fma = 40, loads.exits = 3;
  fma.fma = 70, fma.loads = 10, fma.traffic = 5;
  Cost sum;
  sum += loads;
  sum += fma;
  sum += fma;
  EXPECT_DOUBLE_EQ(sum.cycles(), loads.cycles() + 2 * fma.cycles());
  EXPECT_DOUBLE_EQ(sum.fma, 180);
}

TEST(RowDealer, GivesEveryRowToTheFirstPartThatTakesIt) {
  // Rows 0 and 5 are full, 1, 3 and 4 equal, 2 is empty, 6 alone.
  const float w = 0.5f;
  const std::vector<float> dense = {w, w, w, 0, w, 0, 0, 0, 0, 0, w, 0, 0, w, 0, w, w, w, w, 0, 0};
  const SparseMatrix m = *SparseMatrix::from_dense(7, 3, dense);
  SchedulePart full, equal{CodeForm::kNano};
  full.least = 100, equal.tile_rows = 2;
  using Lists = std::vector<std::vector<uint32_t>>;
  const RowDealer dealer(m);
  EXPECT_EQ(dealer.deal({}), (Lists{{0, 1, 2, 3, 4, 5, 6}}));
  EXPECT_EQ(dealer.deal({full}), (Lists{{0, 5}, {1, 2, 3, 4, 6}}));
  EXPECT_EQ(dealer.deal({equal}), (Lists{{0, 5, 1, 3}, {2, 4, 6}}));
  EXPECT_EQ(dealer.deal({full, equal}), (Lists{{0, 5}, {1, 3}, {2, 4, 6}}));
  full.least = 34;
  EXPECT_EQ(dealer.deal({full}), (Lists{{0, 5}, {1, 2, 3, 4, 6}}));
  full.least = 33;
  EXPECT_EQ(dealer.deal({full}), (Lists{{0, 1, 3, 4, 5, 6}, {2}}));
  EXPECT_DOUBLE_EQ(dealer.work({1, 3, 4, 6}).nonzeros_in_blocks(2), 0.5);
  EXPECT_DOUBLE_EQ(dealer.work({1, 3, 4, 6}).nonzeros_in_blocks(3), 0.75);
}

std::vector<float> output_of(const KernelProgram& program, const KernelSpec& spec, const std::vector<float>& x) {
  std::vector<float> y(spec.output_elements());
  interpret(program, x, y, spec.max_pixels());
  return y;
}

TEST(OutputOrder, MovesWholeRowsAndNothingElse) {
  KernelSpec spec = spec_of(test::rows_of_all_kinds(67, 80, 12), 53);
  std::vector<float> x(spec.input_elements());
  SeededRandom random(3);
  for (float& v : x) v = random.weight();
  for (uint32_t row = 0; row < 67; ++row) spec.bias.push_back(static_cast<float>(row));
  for (const auto& [name, cpu] : kTargets)
    for (const char* schedule : {"unrolled:rows=2,cluster=1", "nano:rows=2,cluster=1,vectors=1",
                                 "unrolled:rows=2+dense", "loop+nano:rows=2", "dense:cluster=1", "loop"}) {
      SCOPED_TRACE(fmt::format("{} {}", cpu, schedule));
      const Target target = *find_target(name, cpu);
      spec.output_order = OutputOrder::kNatural;
      const auto natural = compiled(spec, target, schedule);
      spec.output_order = OutputOrder::kClustered;
      const auto clustered = compiled(spec, target, schedule);
      EXPECT_TRUE(natural.output_order.empty());
      EXPECT_TRUE(clustered.row_order.empty());
      EXPECT_EQ(clustered.output_order, natural.row_order);
      EXPECT_EQ(clustered.output_order.empty(), std::string_view(schedule) == "loop");
      const auto y = output_of(natural, spec, x), moved = output_of(clustered, spec, x);
      EXPECT_LE(error_in_bounds(spec, x, moved, 53, clustered.output_order), 1);
      for (uint32_t row = 0; row < 67; ++row) {
        const uint32_t channel = clustered.output_order.empty() ? row : clustered.output_order[row];
        for (uint32_t p = 0; p < 53; ++p) ASSERT_EQ(moved[spec.output_index(row, p)], y[spec.output_index(channel, p)]);
      }
    }
}

}  // namespace
}  // namespace espalier
