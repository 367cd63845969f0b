#include "network_test.h"

namespace espalier::test {
namespace {

TEST(DepthToSpace, BlockFirstTakesAWholePixelFromNeighbouringChannels) {
  const OneLayer layer(DepthToSpace{2, DepthOrder::kBlockFirst}, {1, 1, 2, 8});
  EXPECT_EQ(layer.shape, (Shape{1, 2, 4, 2}));
  EXPECT_THAT(layer.run(counting(16)), ElementsAre(1, 2, 3, 4, 9, 10, 11, 12, 5, 6, 7, 8, 13, 14, 15, 16));
}

TEST(DepthToSpace, ChannelFirstTakesABlockFromNeighbouringChannels) {
  const OneLayer layer(DepthToSpace{2, DepthOrder::kChannelFirst}, {1, 1, 1, 8});
  EXPECT_THAT(layer.run(counting(8)), ElementsAre(1, 5, 2, 6, 3, 7, 4, 8));
}

Floats joined(Axis axis, const Shape& a, const Shape& b) {
  Network network;
  const TensorId x = add_input(network, "x", a),
                 k = add_constant(network, "k", b, Floats(static_cast<size_t>(b.elements()), 9));
  network.outputs = {added(network, "y", Concat{axis}, {x, k})};
  return run_one(network, counting(static_cast<size_t>(a.elements())));
}

TEST(Concat, JoinsAlongAnyAxis) {
  const Shape square{1, 2, 2, 1};
  EXPECT_THAT(joined(Axis::kChannel, square, square), ElementsAre(1, 9, 2, 9, 3, 9, 4, 9));
  EXPECT_THAT(joined(Axis::kWidth, square, {1, 2, 1, 1}), ElementsAre(1, 2, 9, 3, 4, 9));
  EXPECT_THAT(joined(Axis::kHeight, square, {1, 1, 2, 1}), ElementsAre(1, 2, 3, 4, 9, 9));
  EXPECT_THAT(joined(Axis::kBatch, square, square), ElementsAre(1, 2, 3, 4, 9, 9, 9, 9));
}

TEST(Pad, PutsItsValueAround) {
  const OneLayer layer(Pad{{0, 1, 0, 0}, {0, 0, 1, 1}, 7}, {1, 1, 2, 1});
  EXPECT_EQ(layer.shape, (Shape{1, 2, 3, 2}));
  EXPECT_THAT(layer.run({1, 2}), ElementsAre(7, 7, 7, 7, 7, 7, 1, 7, 2, 7, 7, 7));
}

TEST(Reshape, KeepsTheOrderOfElements) {
  const OneLayer layer(Reshape{{1, 1, 2, 3}, false}, {1, 1, 3, 2});
  EXPECT_THAT(layer.run(counting(6)), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(Reshape, ChannelsFirstTakesOneChannelAfterTheOther) {
  const OneLayer layer(Reshape{{1, 1, 1, 6}, true}, {1, 1, 3, 2});
  EXPECT_THAT(layer.run(counting(6)), ElementsAre(1, 3, 5, 2, 4, 6));
}

TEST(Reshape, ChannelsFirstLaysDownOneChannelAfterTheOther) {
  const OneLayer layer(Reshape{{1, 1, 3, 2}, true}, {1, 1, 1, 6});
  EXPECT_THAT(layer.run(counting(6)), ElementsAre(1, 4, 2, 5, 3, 6));
}

}  // namespace
}  // namespace espalier::test
