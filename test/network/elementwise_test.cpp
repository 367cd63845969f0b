#include <cmath>

#include "network_test.h"

namespace espalier::test {
namespace {

/// x (1x1x2x2) op a constant, either way round.
Floats with_constant(BinaryKind kind, const Shape& shape, Floats constant, bool constant_first = false,
                     const Activation& activation = {}) {
  Network network;
  const TensorId x = add_input(network, "x", {1, 1, 2, 2}), k = add_constant(network, "k", shape, std::move(constant));
  const std::vector<TensorId> operands = constant_first ? std::vector{k, x} : std::vector{x, k};
  network.outputs = {added(network, "y", Binary{kind}, operands, activation)};
  return run_one(network, {1, 2, 3, 4});
}

TEST(Binary, CombinesEqualShapes) {
  EXPECT_THAT(with_constant(BinaryKind::kAdd, {1, 1, 2, 2}, {10, 20, 30, 40}), ElementsAre(11, 22, 33, 44));
  EXPECT_THAT(with_constant(BinaryKind::kSubtract, {1, 1, 2, 2}, {4, 3, 2, 1}), ElementsAre(-3, -1, 1, 3));
  EXPECT_THAT(with_constant(BinaryKind::kSubtract, {1, 1, 2, 2}, {4, 3, 2, 1}, true), ElementsAre(3, 1, -1, -3));
  EXPECT_THAT(with_constant(BinaryKind::kMultiply, {1, 1, 2, 2}, {1, 0, 2, -1}), ElementsAre(1, 0, 6, -4));
}

TEST(Binary, RepeatsSizesOfOne) {
  EXPECT_THAT(with_constant(BinaryKind::kMultiply, {1, 1, 1, 2}, {10, 100}), ElementsAre(10, 200, 30, 400));
  EXPECT_THAT(with_constant(BinaryKind::kAdd, {1, 1, 2, 1}, {10, 20}), ElementsAre(11, 12, 23, 24));
  EXPECT_THAT(with_constant(BinaryKind::kAdd, {1, 1, 1, 1}, {1}), ElementsAre(2, 3, 4, 5));
}

TEST(Binary, RepeatsBothOperandsWhereBothAreShort) {
  Network network;
  const TensorId row = add_input(network, "row", {1, 1, 3, 1}),
                 column = add_constant(network, "column", {1, 2, 1, 1}, {10, 20});
  network.outputs = {added(network, "y", Binary{BinaryKind::kAdd}, {row, column})};
  EXPECT_EQ(network.shape_of(network.outputs[0]), (Shape{1, 2, 3, 1}));
  EXPECT_THAT(run_one(network, {1, 2, 3}), ElementsAre(11, 12, 13, 21, 22, 23));
}

TEST(Binary, AppliesItsActivation) {
  EXPECT_THAT(with_constant(BinaryKind::kSubtract, {1, 1, 1, 1}, {3}, false, Activation::relu()),
              ElementsAre(0, 0, 0, 1));
}

TEST(Unary, AppliesItsFunction) {
  const OneLayer layer(Unary{}, {1, 1, 1, 3}, Activation::of(ActivationKind::kHardSwish));
  EXPECT_THAT(layer.run({-3, 0, 3}), ElementsAre(0, 0, 3));
}

TEST(Prelu, HasASlopePerChannel) {
  EXPECT_THAT(OneLayer(Prelu{{0.5f, 2}}, {1, 1, 2, 2}).run({-2, -2, 4, 4}), ElementsAre(-1, -4, 4, 4));
}

TEST(Softmax, AddsUpToOneOverChannels) {
  const OneLayer layer(Softmax{}, {1, 1, 2, 2});
  const float e = static_cast<float>(1 / (1 + std::exp(-1.0)));
  EXPECT_THAT(layer.run({0, 1, 5, 5}), Pointwise(FloatEq(), {1 - e, e, 0.5f, 0.5f}));
  EXPECT_THAT(layer.run({1000, -1000, -1000, -1000}), ElementsAre(1, 0, 0.5f, 0.5f));
}

TEST(Softmax, BetaSharpens) {
  const float e = static_cast<float>(1 / (1 + std::exp(-3.0)));
  EXPECT_THAT(OneLayer(Softmax{3}, {1, 1, 1, 2}).run({1, 0}), Pointwise(FloatEq(), {e, 1 - e}));
}

}  // namespace
}  // namespace espalier::test
