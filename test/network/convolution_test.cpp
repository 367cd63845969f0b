// Layers with weights against values computed by hand.
#include <cmath>

#include "network_test.h"

namespace espalier::test {
namespace {

Convolution window3x3(const Padding& padding, uint32_t stride = 1) {
  Convolution c;
  c.window = {3, 3, stride, stride, 1, 1, padding};
  c.output_channels = 1;
  c.weights = Floats(9, 1);
  return c;
}

TEST(Convolution, SumsTheWindowAndLeavesPaddingOut) {
  const OneLayer layer(window3x3({1, 1, 1, 1}), {1, 3, 3, 1});
  EXPECT_THAT(layer.run(counting(9)), ElementsAre(12, 21, 16, 27, 45, 33, 24, 39, 28));
}

TEST(Convolution, TakesEverySecondPlaceWithStrideTwo) {
  const OneLayer layer(window3x3({0, 0, 1, 1}, 2), {1, 4, 4, 1});  // as SAME pads 4 places
  EXPECT_EQ(layer.shape, (Shape{1, 2, 2, 1}));
  // Rows 0-2 and 2-3, columns 0-2 and 2-3 of 1..16.
  EXPECT_THAT(layer.run(counting(16)), ElementsAre(54, 7 + 8 + 3 + 4 + 11 + 12, 9 + 10 + 11 + 13 + 14 + 15, 54));
}

TEST(Convolution, SpreadsADilatedWindow) {
  Convolution c = window3x3({});
  c.window.dilation_height = c.window.dilation_width = 2;
  const OneLayer layer(c, {1, 5, 5, 1});
  EXPECT_EQ(layer.shape, (Shape{1, 1, 1, 1}));
  EXPECT_THAT(layer.run(counting(25)), ElementsAre(1 + 3 + 5 + 11 + 13 + 15 + 21 + 23 + 25));
}

TEST(Convolution, HasItsWeightsAsOutputHeightWidthInput) {
  Convolution c;
  c.window = {1, 2, 1, 1, 1, 1, {}};
  c.output_channels = 2;
  c.weights = {1, 10, 100, 1000, /**/ 2, 0, 0, 3};
  c.bias = {0.5f, -1};
  const OneLayer layer(c, {1, 1, 3, 2});
  EXPECT_THAT(layer.run({1, 2, 3, 4, 5, 6}), ElementsAre(4321.5f, 2 + 12 - 1, 6543.5f, 6 + 18 - 1));
}

TEST(Convolution, GroupsSeeTheirOwnChannelsOnly) {
  Convolution c;
  c.groups = 2;
  c.output_channels = 4;
  c.weights = {1, 0, /**/ 0, 1, /**/ 1, 1, /**/ 2, 3};  // two inputs to each output
  const OneLayer layer(c, {1, 1, 1, 4});
  EXPECT_THAT(layer.run({1, 2, 3, 4}), ElementsAre(1, 2, 3 + 4, 2 * 3 + 3 * 4));
}

TEST(Convolution, DepthwiseWithMultiplierMakesNeighboursOfOneInput) {
  Convolution c;
  c.groups = 2;
  c.output_channels = 4;
  c.weights = {1, 2, 3, 4};
  const OneLayer layer(c, {1, 1, 1, 2});
  EXPECT_THAT(layer.run({10, 100}), ElementsAre(10, 20, 300, 400));
  EXPECT_EQ(kind_name(c, 2), "depthwise_convolution");
  EXPECT_EQ(kind_name(c, 4), "convolution");
}

TEST(Convolution, AppliesItsActivationBeforeRounding) {
  const OneLayer layer(window3x3({1, 1, 1, 1}), {1, 3, 3, 1}, Activation::clamped(15, 30));
  EXPECT_THAT(layer.run(counting(9)), ElementsAre(15, 21, 16, 27, 30, 30, 24, 30, 28));
}

TEST(Convolution, SumsInDoublePrecision) {
  Convolution c;
  c.output_channels = 1;
  c.weights = {0x1p30f, 1, -0x1p30f};
  EXPECT_THAT(OneLayer(c, {1, 1, 1, 3}).run({1, 1, 1}), ElementsAre(1));
}

TEST(Convolution, ZeroWeightsMeetInfinityAndAddNothing) {
  Convolution c;
  c.output_channels = 1;
  c.weights = {0, 2};
  EXPECT_THAT(OneLayer(c, {1, 1, 1, 2}).run({INFINITY, 3}), ElementsAre(6));
}

TEST(Convolution, RunsEveryImageOfABatch) {
  const OneLayer layer(window3x3({}), {2, 3, 3, 1});
  EXPECT_THAT(layer.run(counting(18)), ElementsAre(45, 126));
}

TEST(FullyConnected, MultipliesEveryRowByTheMatrix) {
  const OneLayer layer(FullyConnected{2, {1, 2, 3, 0, -1, 1}, {10, 20}}, {2, 1, 1, 3}, Activation::relu());
  EXPECT_EQ(layer.shape, (Shape{2, 1, 1, 2}));
  EXPECT_THAT(layer.run({1, 1, 1, 0, 30, 2}), ElementsAre(16, 20, 76, 0));
}

TEST(BatchNorm, ScalesByTheDeviation) {
  const OneLayer layer(BatchNorm{{2, 1}, {0.5f, 0}, {1, 4}, {3.75f, 0.75f}, 0.25f}, {1, 1, 2, 2});
  EXPECT_THAT(layer.run({3, 4, 1, 6}), ElementsAre(2 * (3 - 1) / 2 + 0.5f, 0, 0.5f, 2));
}

TEST(SamePadding, PutsTheOddLineAtTheEnd) {
  const Window three{3, 3, 2, 2, 1, 1, {}};
  EXPECT_EQ(same_padding(three, {1, 4, 5, 1}), (Padding{0, 1, 1, 1}));
  EXPECT_EQ(same_padding({5, 2, 1, 1, 1, 1, {}}, {1, 9, 9, 1}), (Padding{2, 0, 2, 1}));
  EXPECT_EQ(same_padding({1, 1, 2, 2, 1, 1, {}}, {1, 7, 8, 1}), Padding());
  EXPECT_EQ(same_padding({3, 3, 1, 1, 2, 3, {}}, {1, 9, 9, 1}), (Padding{2, 3, 2, 3}));
}

}  // namespace
}  // namespace espalier::test
