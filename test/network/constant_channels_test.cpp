#include "ir/network/passes/constant_channels.h"

#include "network_test.h"

namespace espalier::test {
namespace {

constexpr std::nullopt_t kVaries = std::nullopt;

std::vector<std::optional<float>> values_of(const Network& network, TensorId tensor) {
  const ChannelValues values = constant_channels(network)[tensor];
  std::vector<std::optional<float>> listed;
  for (uint32_t c = 0; c < network.shape_of(tensor).c; ++c) listed.push_back(values[c]);
  return listed;
}

/// x (1x4x4x2) -> %1: channels 2, -1 and one that varies -> relu'd or not.
struct Start {
  Network network;
  TensorId y;

  explicit Start(const Activation& activation = {}) {
    Convolution c;
    c.output_channels = 3;
    c.weights = {0, 0, 0, 0, 1, 0};
    c.bias = {2, -1, 5};
    y = added(network, "y", c, {add_input(network, "x", {1, 4, 4, 2})}, activation);
  }
  std::vector<std::optional<float>> after(Operation operation, const Activation& activation = {}) {
    const TensorId z = added(network, "z", std::move(operation), {y}, activation);
    return values_of(network, z);
  }
};

Convolution depthwise(const Padding& padding) {
  Convolution c;
  c.window = {3, 3, 1, 1, 1, 1, padding};
  c.groups = c.output_channels = 3;
  c.weights = Floats(27, 1);
  c.bias = {0.5f, 0.5f, 0.5f};
  return c;
}

TEST(ConstantChannels, AnEmptyRowIsItsBiasThroughTheActivation) {
  Start plain, relu(Activation::relu());
  EXPECT_THAT(values_of(plain.network, plain.y), ElementsAre(2.0f, -1.0f, kVaries));
  EXPECT_THAT(values_of(relu.network, relu.y), ElementsAre(2.0f, 0.0f, kVaries));
}

TEST(ConstantChannels, DepthwiseConvolutionsCarryThemOn) {
  EXPECT_THAT(Start().after(depthwise({})), ElementsAre(18.5f, -8.5f, kVaries));
}

TEST(ConstantChannels, PaddingLeavesOnlyZeroConstant) {
  EXPECT_THAT(Start(Activation::relu()).after(depthwise({1, 1, 1, 1})), ElementsAre(kVaries, 0.5f, kVaries));
}

TEST(ConstantChannels, MatricesAddThemUp) {
  Convolution c;
  c.output_channels = 2;
  c.weights = {1, 10, 0, /**/ 1, 0, 1};
  EXPECT_THAT(Start().after(c), ElementsAre(-8.0f, kVaries));
  EXPECT_THAT(Start().after(FullyConnected{2, {3, 0, 0, 0, 0, 1}, {1, 1}}), ElementsAre(7.0f, kVaries));
}

TEST(ConstantChannels, OperationsOnOneChannelCarryThemOn) {
  EXPECT_THAT(Start().after(Unary{}, Activation::relu6()), ElementsAre(2.0f, 0.0f, kVaries));
  EXPECT_THAT(Start().after(Prelu{{3, 3, 3}}), ElementsAre(2.0f, -3.0f, kVaries));
  EXPECT_THAT(Start().after(BatchNorm{{1, 2, 1}, {0, 1, 0}, {1, 1, 1}, {4, 4, 4}, 0}),
              ElementsAre(0.5f, -1.0f, kVaries));
  EXPECT_THAT(Start().after(Mean{}), ElementsAre(2.0f, -1.0f, kVaries));
  EXPECT_THAT(Start().after(Pool{PoolKind::kAverage, {2, 2, 1, 1, 1, 1, {1, 1, 0, 0}}}),
              ElementsAre(2.0f, -1.0f, kVaries));
  EXPECT_THAT(Start().after(Resize{ResizeKind::kBilinear, {}, {}, 9, 9}), ElementsAre(2.0f, -1.0f, kVaries));
}

TEST(ConstantChannels, NothingIsSaidOfChannelsThatMoveOrMeetOthers) {
  EXPECT_THAT(Start().after(Softmax{}), ElementsAre(kVaries, kVaries, kVaries));
  EXPECT_THAT(Start().after(Reshape{{1, 1, 16, 3}, false}), ElementsAre(kVaries, kVaries, kVaries));
  EXPECT_THAT(Start().after(Pad{{0, 1, 0, 0}, {}, 0}), ElementsAre(kVaries, kVaries, kVaries));
}

TEST(ConstantChannels, ZeroTimesAnythingIsZero) {
  Start start(Activation::relu());
  const TensorId gate = add_input(start.network, "gate", {1, 1, 1, 3});
  const TensorId z = added(start.network, "z", Binary{BinaryKind::kMultiply}, {gate, start.y});
  EXPECT_THAT(values_of(start.network, z), ElementsAre(kVaries, 0.0f, kVaries));
}

TEST(ConstantChannels, SumsOfTwoAreConstant) {
  Start start;
  const TensorId k = add_constant(start.network, "k", {1, 1, 1, 3}, {1, 2, 3});
  const TensorId z = added(start.network, "z", Binary{BinaryKind::kSubtract}, {k, start.y}, Activation::relu());
  EXPECT_THAT(values_of(start.network, z), ElementsAre(0.0f, 3.0f, kVaries));
}

TEST(ConstantChannels, ConstantsAreConstantWhereAllPlacesAgree) {
  Network network;
  const TensorId k = add_constant(network, "k", {1, 1, 2, 2}, {1, 2, 1, 3});
  EXPECT_THAT(values_of(network, k), ElementsAre(1.0f, kVaries));
}

TEST(ConstantChannels, ConcatenationPutsThemSideBySide) {
  Start start;
  const TensorId z = added(start.network, "z", Concat{Axis::kChannel}, {start.y, start.y});
  EXPECT_THAT(values_of(start.network, z), ElementsAre(2.0f, -1.0f, kVaries, 2.0f, -1.0f, kVaries));
}

}  // namespace
}  // namespace espalier::test
