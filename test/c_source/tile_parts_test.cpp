#include "backends/c_source/tile_parts.h"

#include <algorithm>
#include <bitset>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/random_program.h"
#include "test/support/spmm_program.h"

namespace espalier {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

MicroOp load_w(uint8_t d) { return {.op = Op::kLoad, .d = d, .buffer = Buffer::kW, .lanes = 4}; }
MicroOp load_x(uint8_t d) { return {.op = Op::kLoad, .d = d, .buffer = Buffer::kX, .lanes = 4}; }
MicroOp load_y(uint8_t d) { return {.op = Op::kLoad, .d = d, .buffer = Buffer::kY, .lanes = 4}; }
MicroOp lane_of(uint8_t d, uint8_t a) { return {.op = Op::kSplatLane, .d = d, .a = a, .lane = 2}; }
MicroOp fma(uint8_t d, uint8_t a, uint8_t b) { return {.op = Op::kFma, .d = d, .a = a, .b = b}; }
MicroOp store(uint8_t d) { return {.op = Op::kStore, .d = d, .buffer = Buffer::kY, .lanes = 4}; }

PixelTile tile_of(std::vector<MicroOp> ops) { return {4, false, std::move(ops)}; }

TEST(SplitTile, LeavesAShortTileWhole) {
  const auto parts = split_tile(tile_of({load_x(0), store(0), load_x(0), store(0)}), 100);
  ASSERT_THAT(parts, SizeIs(1));
  EXPECT_THAT(parts[0].ops, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(parts[0].restored, IsEmpty());
}

TEST(SplitTile, MakesOnePartOfNothing) { EXPECT_THAT(split_tile(tile_of({}), 100), SizeIs(1)); }

TEST(SplitTile, CutsWhereNoRegisterCarriesAValue) {
  const auto parts = split_tile(tile_of({load_y(0), store(0), load_y(0), store(0)}), 2);
  ASSERT_THAT(parts, SizeIs(2));
  EXPECT_THAT(parts[0].ops, ElementsAre(0, 1));
  EXPECT_THAT(parts[1].ops, ElementsAre(2, 3));
  EXPECT_THAT(parts[1].restored, IsEmpty());
}

TEST(SplitTile, DoesNotCutThroughASum) {
  const auto parts = split_tile(tile_of({load_w(1), load_y(0), fma(0, 1, 1), fma(0, 1, 1), store(0)}), 2);
  for (const TilePart& part : parts)
    for (const RestoredRegister& r : part.restored) EXPECT_NE(r.reg, 0);
  EXPECT_THAT(parts.back().ops, ElementsAre(1, 2, 3, 4));
}

TEST(SplitTile, RestoresALoadOfWeightsAndDropsItWhereUnused) {
  // v1 is loaded in front of everything, but only the last part uses it.
  const auto parts = split_tile(tile_of({load_w(1), load_y(0), store(0), load_y(0), fma(0, 1, 1), store(0)}), 3);
  ASSERT_THAT(parts, SizeIs(2));
  EXPECT_THAT(parts[0].ops, ElementsAre(1, 2));
  ASSERT_THAT(parts[1].restored, SizeIs(1));
  EXPECT_EQ(parts[1].restored[0].reg, 1);
  EXPECT_THAT(parts[1].restored[0].ops, ElementsAre(0));
  EXPECT_THAT(parts[1].ops, ElementsAre(3, 4, 5));
}

TEST(SplitTile, RestoresALaneThroughTheRegisterItCameFrom) {
  // v2 is overwritten after its lane went to v1.
  const auto parts =
      split_tile(tile_of({load_w(2), lane_of(1, 2), load_y(2), store(2), load_y(0), fma(0, 1, 1), store(0)}), 4);
  ASSERT_THAT(parts, SizeIs(2));
  ASSERT_THAT(parts[1].restored, SizeIs(1));
  EXPECT_EQ(parts[1].restored[0].reg, 1);
  EXPECT_THAT(parts[1].restored[0].ops, ElementsAre(1, 0));
}

TEST(SplitTile, RestoresACopyOfALoad) {
  const MicroOp copy{.op = Op::kCopy, .d = 1, .a = 2};
  const auto parts = split_tile(tile_of({load_w(2), copy, load_y(2), store(2), load_y(0), fma(0, 1, 1), store(0)}), 4);
  ASSERT_THAT(parts, SizeIs(2));
  ASSERT_THAT(parts[1].restored, SizeIs(1));
  EXPECT_THAT(parts[1].restored[0].ops, ElementsAre(1, 0));
}

TEST(SplitTile, DoesNotReloadOutputThatAStoreMayHaveChanged) {
  const auto parts = split_tile(tile_of({load_y(1), load_x(0), store(0), store(1)}), 1);
  for (const TilePart& part : parts)
    for (const RestoredRegister& r : part.restored) EXPECT_NE(r.reg, 1);
}

TEST(SplitTile, LeavesOutValuesThatNobodyStores) {
  const auto parts = split_tile(tile_of({load_x(0), load_w(1), fma(0, 1, 1), load_x(2), store(2)}), 100);
  ASSERT_THAT(parts, SizeIs(1));
  EXPECT_THAT(parts[0].ops, ElementsAre(3, 4));
}

TEST(SplitTile, KeepsEveryStoreOnceInOrder) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    const KernelProgram program =
        test::random_program(*find_target("aarch64-linux", "neon"), {.operations = 400}, seed);
    const PixelTile& tile = program.chunks[0].tiles[0];
    std::vector<uint32_t> stores, kept;
    for (uint32_t i = 0; i < tile.ops.size(); ++i)
      if (tile.ops[i].op == Op::kStore) stores.push_back(i);
    for (const TilePart& part : split_tile(tile, 30))
      std::copy_if(part.ops.begin(), part.ops.end(), std::back_inserter(kept),
                   [&](uint32_t i) { return tile.ops[i].op == Op::kStore; });
    EXPECT_EQ(kept, stores);
  }
}

TEST(SplitTile, BoundsThePartsOfARowTiledKernel) {
  test::SpmmShape shape{.target = "aarch64-linux", .cpu = "neon", .output_channels = 64, .input_channels = 40};
  shape.rows_per_group = 64;
  shape.k_block = 40;
  const KernelProgram program = test::spmm_program(shape, 6);
  const auto parts = split_tile(program.chunks[0].tiles[0], 400);
  EXPECT_GT(parts.size(), 8u);
  for (const TilePart& part : parts) EXPECT_LE(part.ops.size(), 400u);
}

}  // namespace
}  // namespace espalier
