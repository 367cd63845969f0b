#include "network_test.h"

namespace espalier::test {
namespace {

Pool pool3x3(PoolKind kind, uint32_t stride = 1) { return {kind, {3, 3, stride, stride, 1, 1, {1, 1, 1, 1}}}; }

TEST(AveragePool, DividesByThePlacesInsideTheImage) {
  const OneLayer layer(pool3x3(PoolKind::kAverage), {1, 3, 3, 1});
  EXPECT_THAT(layer.run(counting(9)), ElementsAre(3, 3.5f, 4, 4.5f, 5, 5.5f, 6, 6.5f, 7));
}

TEST(MaxPool, TakesTheLargestAndNeverThePadding) {
  const OneLayer layer(pool3x3(PoolKind::kMax, 2), {1, 3, 3, 1});
  EXPECT_THAT(layer.run({-9, -8, -7, -6, -5, -4, -3, -2, -1}), ElementsAre(-5, -4, -2, -1));
}

TEST(AveragePool, KeepsChannelsApart) {
  const OneLayer layer(Pool{PoolKind::kAverage, {2, 1, 2, 1, 1, 1, {}}}, {1, 4, 1, 2});
  EXPECT_THAT(layer.run(counting(8)), ElementsAre(2, 3, 6, 7));
}

TEST(Mean, AveragesHeightAndWidth) {
  const OneLayer layer(Mean{}, {2, 2, 2, 2});
  EXPECT_EQ(layer.shape, (Shape{2, 1, 1, 2}));
  EXPECT_THAT(layer.run(counting(16)), ElementsAre(4, 5, 12, 13));
}

struct ResizeRow {
  const char* what;
  ResizeCoordinates coordinates;
  ResizeRounding rounding;
  Floats wanted;
};

/// A line of 10, 20, 30, 40 to 8 places, or of 1..8 to 3.
Floats resized(ResizeKind kind, const ResizeRow& row, const Floats& line, uint32_t width) {
  const Resize resize{kind, row.coordinates, row.rounding, 1, width};
  return OneLayer(resize, {1, 1, static_cast<uint32_t>(line.size()), 1}).run(line);
}

TEST(ResizeBilinear, DoublesALineByEveryRule) {
  const ResizeRow rows[] = {
      {"asymmetric", ResizeCoordinates::kAsymmetric, ResizeRounding::kFloor, {10, 15, 20, 25, 30, 35, 40, 40}},
      {"half pixel",
       ResizeCoordinates::kHalfPixel,
       ResizeRounding::kFloor,
       {10, 12.5f, 17.5f, 22.5f, 27.5f, 32.5f, 37.5f, 40}},
      {"corners",
       ResizeCoordinates::kAlignCorners,
       ResizeRounding::kFloor,
       {10, 10 + 30.0f / 7, 10 + 60.0f / 7, 10 + 90.0f / 7, 10 + 120.0f / 7, 10 + 150.0f / 7, 10 + 180.0f / 7, 40}},
  };
  for (const ResizeRow& row : rows)
    EXPECT_THAT(resized(ResizeKind::kBilinear, row, {10, 20, 30, 40}, 8), Pointwise(FloatEq(), row.wanted)) << row.what;
}

TEST(ResizeNearest, RoundsAsItIsTold) {
  using enum ResizeRounding;
  // Half-pixel coordinates of 4 to 3: 1/6, 1.5, 2.8333; asymmetric: 0, 1.333, 2.667; corners: 0, 1.5, 3.
  const ResizeRow rows[] = {
      {"half pixel, floor", ResizeCoordinates::kHalfPixel, kFloor, {10, 20, 30}},
      {"half pixel, ceil", ResizeCoordinates::kHalfPixel, kCeil, {20, 30, 40}},
      {"half pixel, half down", ResizeCoordinates::kHalfPixel, kHalfDown, {10, 20, 40}},
      {"half pixel, half up", ResizeCoordinates::kHalfPixel, kHalfUp, {10, 30, 40}},
      {"asymmetric, floor", ResizeCoordinates::kAsymmetric, kFloor, {10, 20, 30}},
      {"asymmetric, half up", ResizeCoordinates::kAsymmetric, kHalfUp, {10, 20, 40}},
      {"corners, half down", ResizeCoordinates::kAlignCorners, kHalfDown, {10, 20, 40}},
      {"corners, half up", ResizeCoordinates::kAlignCorners, kHalfUp, {10, 30, 40}},
  };
  for (const ResizeRow& row : rows)
    EXPECT_THAT(resized(ResizeKind::kNearest, row, {10, 20, 30, 40}, 3), ElementsAreArray(row.wanted)) << row.what;
}

TEST(ResizeNearest, DoublesALine) {
  const ResizeRow row{"", ResizeCoordinates::kAsymmetric, ResizeRounding::kFloor, {}};
  EXPECT_THAT(resized(ResizeKind::kNearest, row, {1, 2}, 4), ElementsAre(1, 1, 2, 2));
}

TEST(ResizeBilinear, WorksInBothDirections) {
  const OneLayer layer(Resize{ResizeKind::kBilinear, ResizeCoordinates::kAlignCorners, ResizeRounding::kFloor, 3, 3},
                       {1, 2, 2, 1});
  EXPECT_THAT(layer.run({0, 2, 4, 6}), ElementsAre(0, 1, 2, 2, 3, 4, 4, 5, 6));
}

TEST(ResizeBilinear, AlignedCornersOfOneOutputTakeTheFirst) {
  const OneLayer layer(Resize{ResizeKind::kBilinear, ResizeCoordinates::kAlignCorners, ResizeRounding::kFloor, 1, 1},
                       {1, 3, 3, 1});
  EXPECT_THAT(layer.run(counting(9)), ElementsAre(1));
}

}  // namespace
}  // namespace espalier::test
