// Code that asks for what comes next, and loops that touch what they use.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <utility>

#include "codegen/cost/candidates.h"
#include "ir/program_walk.h"
#include "test/codegen/compiled.h"

namespace espalier {
namespace {

using test::spec_of;

KernelProgram compiled(const KernelSpec& spec, std::string_view schedule) {
  return test::compiled(spec, *find_target("x86_64-linux", "znver4"), schedule);
}

/// Rows of a buffer that the program asks for.
std::vector<uint32_t> rows_asked_for(const KernelProgram& program, Buffer buffer) {
  std::vector<uint32_t> rows;
  for (const Chunk& chunk : program.chunks)
    for (const MicroOp& op : chunk.tiles[0].ops)
      if (op.op == Op::kPrefetchFar && op.buffer == buffer) rows.push_back(op.row);
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return rows;
}

void expect_panel(const std::vector<uint32_t>& rows, uint32_t panel, uint32_t channels) {
  ASSERT_EQ(rows.size(), channels);
  EXPECT_EQ(rows.front(), panel * channels);
  EXPECT_EQ(rows.back(), (panel + 1) * channels - 1);
}

TEST(StraightPrefetch, AsksForPanelsAsFarAheadAsMemoryTakes) {
  // A panel takes 2 cycles per non-zero: 410 here, so that five panels are 2,000.
  const KernelSpec small = spec_of(random_sparse_matrix(64, 32, 0.9, 3), 12544, 32);
  const auto program = compiled(small, "unrolled:rows=8,vectors=2,k=32,prefetch=1");
  expect_panel(rows_asked_for(program, Buffer::kX), 5, 32);
  expect_panel(rows_asked_for(program, Buffer::kY), 5, 64);
  const KernelSpec large = spec_of(random_sparse_matrix(128, 128, 0.9, 3), 3136, 32);
  const auto far = compiled(large, "unrolled:rows=8,vectors=2,k=128,prefetch=1");
  expect_panel(rows_asked_for(far, Buffer::kX), 1, 128);
  expect_panel(rows_asked_for(far, Buffer::kY), 1, 128);
}

TEST(StraightPrefetch, AsksForTheNextPanelOnPhones) {
  const KernelSpec spec = spec_of(random_sparse_matrix(64, 32, 0.9, 3), 12544, 12);
  const auto program =
      test::compiled(spec, *find_target("aarch64-linux", "cortex-a72"), "unrolled:rows=8,vectors=3,k=32,prefetch=1");
  expect_panel(rows_asked_for(program, Buffer::kX), 1, 32);
}

/// A last small chunk runs as often as the others do.
TEST(StraightPrefetch, CountsAllChunksOfAPanel) {
  const KernelSpec spec = spec_of(random_sparse_matrix(128, 128, 0.9, 3), 3136, 32);
  const auto program = compiled(spec, "unrolled:rows=8,vectors=2,k=128,chunk=1500,prefetch=1");
  ASSERT_GE(program.chunks.size(), 2u);
  ASSERT_LT(program.chunks.back().nonzeros, 400u);
  expect_panel(rows_asked_for(program, Buffer::kX), 1, 128);
}

TEST(StraightPrefetch, LeavesOutWhatNoBufferReaches) {
  const uint32_t columns = 1 << 22;
  const KernelSpec spec = spec_of(random_sparse_matrix(2, columns, 0.99999, 3), 64, 32);
  const auto program = compiled(spec, "unrolled:rows=2,vectors=2,prefetch=1");
  const auto rows = rows_asked_for(program, Buffer::kX);
  for (const uint32_t row : rows) ASSERT_LT(uint64_t{row} * 32, kMaxBufferElements);
  EXPECT_FALSE(rows_asked_for(program, Buffer::kY).empty());
}

TEST(StraightPrefetch, IsChosenWhereActivationsAreFarAndMultipliesHideIt) {
  const auto prefetches = [](uint32_t rows, uint32_t columns, double zeros, uint32_t pixels, uint32_t panel) {
    const KernelSpec spec = spec_of(random_sparse_matrix(rows, columns, zeros, 3), pixels, panel);
    return (*rank_schedules(spec, *find_target("x86_64-linux", "znver4"), *parse_schedule("unrolled")))[0]
        .schedule.prefetch;
  };
  EXPECT_EQ(prefetches(64, 256, 0.9, 3136, 32), 1);
  EXPECT_EQ(prefetches(64, 256, 0.9, 3136, 0), 1);
  EXPECT_EQ(prefetches(64, 256, 0.9, 196, 32), 0) << "stays in L2";
  EXPECT_EQ(prefetches(64, 256, 0.98, 3136, 32), 0) << "more lines than multiply-adds";
  EXPECT_EQ(prefetches(64, 256, 0.95, 3136, 0), 0) << "as an image";
  EXPECT_EQ(prefetches(256, 512, 0.9, 784, 0), 1);
  EXPECT_EQ(prefetches(256, 256, 0.9, 784, 0), 0) << "short rows gain nothing";
}

/// Elements of the input, as (row, pixel), that a round of a tile of a chunk touches.
std::set<std::pair<uint64_t, uint32_t>> touched(const KernelProgram& program, const Chunk& chunk,
                                                const PixelTile& tile) {
  std::set<std::pair<uint64_t, uint32_t>> elements;
  ProgramWalk walk(program, chunk, tile.ops);
  while (const MicroOp* op = walk.next()) {
    if (op->op == Op::kTouch) elements.insert({walk.rows() + op->row, op->column});
    walk.step();
  }
  return elements;
}

/// Every line that a row of a tile has in a K block, wherever in a line the tile may begin.
void expect_all_lines(const KernelSpec& spec, std::string_view schedule, uint32_t step) {
  const auto program = test::compiled(spec, *find_target("wasm32", "simd128"), schedule);
  const uint32_t columns = spec.matrix.columns(), k = program.schedule.k_block;
  for (size_t c = 0; c < program.chunks.size(); ++c)
    for (const PixelTile& tile : program.chunks[c].tiles) {
      const auto elements = touched(program, program.chunks[c], tile);
      std::set<uint64_t> rows;
      for (const auto& [row, pixel] : elements) {
        rows.insert(row);
        ASSERT_LT(pixel, tile.width);
      }
      const uint64_t first = *rows.begin();
      EXPECT_EQ(first % k, 0u);
      EXPECT_EQ(rows.size(), std::min<uint64_t>(k, columns - first)) << "chunk " << c;
      EXPECT_EQ(*rows.rbegin(), first + rows.size() - 1);
      for (const uint64_t row : rows)
        for (uint32_t begin = 0; begin < 16; begin += step) {
          std::set<uint32_t> lines;
          for (const auto& [r, pixel] : elements)
            if (r == row) lines.insert((begin + pixel) / 16);
          EXPECT_EQ(lines.size(), (begin + tile.width - 1) / 16 + 1) << "row " << row << ", begin " << begin;
        }
    }
}

TEST(LoopsTouch, EveryLineOfTheirTilesRows) {
  const auto spec = [](uint32_t pixels, uint32_t panel) {
    return spec_of(random_sparse_matrix(30, 103, 0.8, 3), pixels, panel);
  };
  expect_all_lines(spec(400, 0), "loop:rows=1,vectors=10,k=64,prefetch=2", 8);
  expect_all_lines(spec(400, 0), "loop:rows=1,vectors=8,pixels=64,prefetch=2", 16);
  expect_all_lines(spec(400, 0), "loop:rows=1,vectors=7,pixels=112,prefetch=2", 4);
  expect_all_lines(spec(400, 40), "loop:rows=1,vectors=10,k=50,prefetch=2", 8);
  expect_all_lines(spec(400, 28), "nano:rows=2,vectors=7,k=2,prefetch=2", 4);
  KernelSpec odd = spec(399, 0);
  odd.input_stride = 401;
  expect_all_lines(odd, "loop:rows=1,vectors=9,prefetch=2", 1);
}

TEST(LoopsTouch, WhereTheyAreLoopsIfTheFormIsLeftOpen) {
  const KernelSpec spec = spec_of(random_sparse_matrix(64, 64, 0.9, 3), 3136, 0);
  const auto ranked = rank_schedules(spec, *find_target("x86_64-linux", "znver4"), *parse_schedule("auto:prefetch=2"));
  ASSERT_TRUE(ranked);
  for (const Candidate& c : *ranked) {
    EXPECT_EQ(c.schedule.prefetch, has_pointers(c.schedule.form) ? 2 : 0);
    EXPECT_TRUE(parse_schedule(to_string(c.schedule))) << to_string(c.schedule);
  }
}

TEST(LoopsTouch, WhereActivationsAreFarFromEngines) {
  const auto prefetch = [](uint32_t rows, uint32_t columns, double zeros, uint32_t pixels, std::string_view schedule) {
    const KernelSpec spec = spec_of(random_sparse_matrix(rows, columns, zeros, 3), pixels, 0);
    return (*rank_schedules(spec, *find_target("wasm32", "simd128"), *parse_schedule(schedule)))[0].schedule.prefetch;
  };
  EXPECT_EQ(prefetch(64, 64, 0.9, 3136, "loop"), 2);
  EXPECT_EQ(prefetch(64, 64, 0.99, 3136, "loop"), 0) << "rows are hardly used";
  EXPECT_EQ(prefetch(512, 512, 0.9, 196, "loop"), 2);
  EXPECT_EQ(prefetch(512, 512, 0.95, 196, "loop"), 0) << "L2 has most of it";
  EXPECT_EQ(prefetch(512, 512, 0.9, 49, "loop"), 0) << "L2 has all of it";
  EXPECT_EQ(prefetch(64, 64, 0.9, 3136, "unrolled"), 0);
}

}  // namespace
}  // namespace espalier
