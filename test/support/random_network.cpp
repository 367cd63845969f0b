#include "random_network.h"

#include <gtest/gtest.h>

namespace espalier::test {
namespace {

using Floats = std::vector<float>;

/// add_layer that must succeed.
TensorId added(Network& network, std::string name, Operation operation, std::vector<TensorId> inputs,
               const Activation& activation) {
  const auto id = add_layer(network, std::move(name), std::move(operation), std::move(inputs), activation);
  EXPECT_TRUE(id) << id.error().message;
  return id ? *id : 0;
}

class Maker {
 public:
  explicit Maker(uint64_t seed) : random_(seed) {}

  Network make() {
    network_.name = "random";
    TensorId x = add_input(network_, "x", {1, 8, 8, 4});
    const uint64_t blocks = 4 + random_.next() % 6;
    for (uint64_t b = 0; b < blocks; ++b) x = (this->*kBlocks[random_.next() % std::size(kBlocks)])(x);
    x = add(FullyConnected{3, weights(3 * shape(x).c), {}}, {add(Mean{}, {x})});
    network_.outputs = {x};
    return std::move(network_);
  }

 private:
  using Block = TensorId (Maker::*)(TensorId);

  const Shape& shape(TensorId x) const { return network_.shape_of(x); }
  std::string name() const { return fmt::format("layer_{}", network_.layers.size()); }
  TensorId add(Operation operation, std::vector<TensorId> inputs, const Activation& activation = {}) {
    return added(network_, name(), std::move(operation), std::move(inputs), activation);
  }
  bool chance(uint64_t one_in) { return random_.next() % one_in == 0; }

  /// A third of them zero.
  Floats weights(size_t count) {
    Floats values(count);
    for (float& value : values) value = chance(3) ? 0 : random_.weight();
    return values;
  }
  Floats dense(size_t count) {
    Floats values(count);
    for (float& value : values) value = random_.weight();
    return values;
  }
  TensorId per_channel(TensorId x) { return add_constant(network_, "k", {1, 1, 1, shape(x).c}, dense(shape(x).c)); }
  Activation some_activation() {
    const Activation choices[] = {{},
                                  Activation::relu(),
                                  Activation::relu6(),
                                  Activation::clamped(-0.5f, 0.75f),
                                  Activation::of(ActivationKind::kHardSwish)};
    return choices[random_.next() % std::size(choices)];
  }

  /// A 1x1 convolution in which some rows and columns are empty.
  Convolution sparse(uint32_t inputs, uint32_t outputs) {
    Convolution c;
    c.output_channels = outputs;
    c.weights = weights(size_t{inputs} * outputs);
    if (!chance(4)) c.bias = dense(outputs);
    for (uint32_t o = 0; o < outputs; ++o)
      if (chance(3)) std::fill_n(c.weights.begin() + o * inputs, inputs, 0.0f);
    for (uint32_t k = 0; k < inputs; ++k)
      for (uint32_t o = 0; o < outputs && k % 5 == 1; ++o) c.weights[o * inputs + k] = 0;
    return c;
  }

  TensorId pointwise(TensorId x) {
    return add(sparse(shape(x).c, static_cast<uint32_t>(3 + random_.next() % 6)), {x}, some_activation());
  }

  TensorId depthwise(TensorId x) {
    Convolution c;
    c.window = {3, 3, 1, 1, 1, 1, chance(2) ? Padding{1, 1, 1, 1} : Padding{}};
    if (shape(x).h < 3) c.window.padding = {1, 1, 1, 1};
    c.groups = c.output_channels = shape(x).c;
    c.weights = weights(9 * c.groups);
    c.bias = dense(c.groups);
    return add(c, {x}, some_activation());
  }

  TensorId normed(TensorId x) {
    const uint32_t channels = shape(x).c;
    BatchNorm norm{dense(channels), dense(channels), dense(channels), Floats(channels, 0.5f), 0.01f};
    const TensorId before = chance(3) ? x : add(sparse(channels, channels), {x});
    return add(norm, {before});
  }

  TensorId padded(TensorId x) {
    const TensorId pad = add(Pad{{0, 1, 0, 0}, {0, 1, 2, 0}, chance(4) ? 0.5f : 0}, {x});
    Convolution c;
    c.window = {3, 3, 1, 1, 1, 1, {}};
    c.output_channels = 4;
    c.weights = weights(9 * 4 * shape(x).c);
    return add(c, {pad}, some_activation());
  }

  TensorId scaled(TensorId x) {
    const TensorId y = add(sparse(shape(x).c, 5), {x});
    const TensorId scaled = add(Binary{BinaryKind::kMultiply}, {per_channel(y), y});
    return add(Binary{chance(2) ? BinaryKind::kAdd : BinaryKind::kSubtract}, {scaled, per_channel(y)},
               some_activation());
  }

  TensorId swish(TensorId x) {
    const TensorId y = pointwise(x);
    return add(Binary{BinaryKind::kMultiply}, {y, add(Unary{}, {y}, Activation::of(ActivationKind::kSigmoid))});
  }

  TensorId residual(TensorId x) {
    const TensorId wide = pointwise(x);
    const TensorId back = add(sparse(shape(wide).c, shape(x).c), {depthwise_same(wide)});
    return add(Unary{}, {add(Binary{}, {x, back})}, Activation::relu());
  }

  TensorId depthwise_same(TensorId x) {
    Convolution c;
    c.window = {3, 3, 1, 1, 1, 1, {1, 1, 1, 1}};
    c.groups = c.output_channels = shape(x).c;
    c.weights = weights(9 * c.groups);
    return add(c, {x}, Activation::relu());
  }

  TensorId excited(TensorId x) {
    const TensorId y = pointwise(x);
    const TensorId squeezed =
        add(FullyConnected{2, weights(2 * shape(y).c), {}}, {add(Mean{}, {y})}, Activation::relu());
    const TensorId gate = add(FullyConnected{shape(y).c, weights(2 * shape(y).c), dense(shape(y).c)}, {squeezed},
                              Activation::of(ActivationKind::kSigmoid));
    return add(Binary{BinaryKind::kMultiply}, {gate, y});
  }

  TensorId joined(TensorId x) { return add(Concat{Axis::kChannel}, {pointwise(x), pointwise(x)}); }

  TensorId constant_part(TensorId x) {
    const TensorId k = add(Unary{}, {per_channel(x)}, Activation::relu());
    return add(Binary{}, {x, k});
  }

  static constexpr Block kBlocks[] = {&Maker::pointwise, &Maker::depthwise,    &Maker::normed,   &Maker::padded,
                                      &Maker::scaled,    &Maker::swish,        &Maker::residual, &Maker::excited,
                                      &Maker::joined,    &Maker::constant_part};

  SeededRandom random_;
  Network network_;
};

}  // namespace

Network random_network(uint64_t seed) { return Maker(seed).make(); }

std::vector<float> random_input(size_t count, uint64_t seed) {
  SeededRandom random(seed);
  Floats values(count);
  for (float& value : values) value = random.weight();
  return values;
}

}  // namespace espalier::test
