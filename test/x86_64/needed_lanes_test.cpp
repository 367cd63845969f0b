#include "backends/x86_64/needed_lanes.h"

#include <gtest/gtest.h>

namespace espalier::x86_64 {
namespace {

MicroOp access(Op op, uint8_t d, Buffer buffer, uint8_t lanes) { return {op, d, 0, 0, buffer, 0, lanes, 0, 0}; }

TEST(NeededLanes, AreThoseOfTheStoresThatDependOnWhatIsWritten) {
  PixelTile tile{20, false, {}};
  tile.ops = {{Op::kZero, 0},
              {Op::kZero, 1},
              access(Op::kLoad, 2, Buffer::kX, 16),
              access(Op::kLoad, 3, Buffer::kX, 4),
              access(Op::kSplatLoad, 4, Buffer::kW, 0),
              {Op::kFma, 0, 2, 4},
              {Op::kFma, 1, 3, 4},
              access(Op::kStore, 0, Buffer::kY, 16),
              access(Op::kStore, 1, Buffer::kY, 4)};
  EXPECT_EQ(needed_lanes(tile, 16), (std::vector<uint8_t>{16, 4, 16, 4, 16, 16, 4, 16, 4}));
}

TEST(NeededLanes, EndWhereARegisterIsWrittenAnew) {
  PixelTile tile{20, false, {}};
  tile.ops = {
      {Op::kZero, 0}, access(Op::kStore, 0, Buffer::kY, 4), {Op::kZero, 0}, access(Op::kStore, 0, Buffer::kY, 16)};
  EXPECT_EQ(needed_lanes(tile, 16), (std::vector<uint8_t>{4, 4, 16, 16}));
}

TEST(NeededLanes, OfLoopsHoldForTheNextTurn) {
  PixelTile tile{8, false, {}};
  // What the second turn reads first was written last in the turn before.
  tile.ops = {{Op::kZero, 0}, {Op::kZero, 1}, {Op::kLoop, 0, 0, 0, Buffer::kX, 0, 0, 0, 2}, {Op::kMax, 1, 0},
              {Op::kZero, 0}, {Op::kEndLoop}, access(Op::kStore, 1, Buffer::kY, 8)};
  const auto lanes = needed_lanes(tile, 16);
  EXPECT_EQ(lanes[3], 8);
  EXPECT_EQ(lanes[4], 8) << "the next turn reads it";
}

TEST(NeededLanes, OfGroupsOfWeightsAreWholeGroups) {
  PixelTile tile{6, false, {}};
  tile.ops = {access(Op::kLoad, 1, Buffer::kW, 4),
              {Op::kSplatLane, 0, 1, 0, Buffer::kX, 2},
              access(Op::kStore, 0, Buffer::kY, 6)};
  EXPECT_EQ(needed_lanes(tile, 16), (std::vector<uint8_t>{8, 6, 6}));
}

TEST(NeededLanes, OfRemainingPixelsAreAll) {
  PixelTile tile{0, true, {}};
  tile.ops = {{Op::kZero, 0}, access(Op::kStore, 0, Buffer::kY, kRemainingLanes)};
  EXPECT_EQ(needed_lanes(tile, 16), (std::vector<uint8_t>{16, 16}));
}

TEST(NeededLanes, OfWhatNobodyReadsAreNone) {
  PixelTile tile{4, false, {}};
  tile.ops = {{Op::kZero, 0}, {Op::kZero, 1}, access(Op::kStore, 1, Buffer::kY, 4)};
  EXPECT_EQ(needed_lanes(tile, 16), (std::vector<uint8_t>{0, 4, 4}));
}

}  // namespace
}  // namespace espalier::x86_64
