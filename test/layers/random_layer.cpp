#include "random_layer.h"

#include <algorithm>

#include "ir/sparse_matrix.h"

namespace espalier::test {
namespace {

class Maker {
 public:
  Maker(uint64_t seed, uint32_t lanes) : random_(seed), lanes_(lanes) {}

  RandomLayer make() {
    made_.network.name = "random";
    while (made_.network.layers.empty()) (this->*kKinds[random_.next() % std::size(kKinds)])();
    made_.network.outputs = {made_.network.layers[0].output};
    for (const TensorId input : made_.network.layers[0].inputs) {
      const Shape& shape = made_.network.shape_of(input);
      made_.inputs.push_back({shape, layout(shape)});
      made_.values.push_back(values(shape.elements()));
    }
    const Shape& shape = made_.network.output_shape(made_.network.layers[0]);
    made_.output = {shape, layout(shape)};
    share_layouts();
    for (LayerTensor& input : made_.inputs)
      if (!takes_layout(made_.layer(), input.shape, input.layout.kind)) input.layout = rows(input.shape);
    return std::move(made_);
  }

 private:
  uint32_t below(uint32_t bound) { return static_cast<uint32_t>(random_.next() % bound); }
  uint32_t between(uint32_t low, uint32_t high) { return low + below(high - low + 1); }
  bool chance(uint32_t one_in) { return below(one_in) == 0; }
  std::vector<float> values(uint64_t count) {
    std::vector<float> result(count);
    for (float& value : result) value = 3 * random_.weight();
    return result;
  }
  std::vector<float> weights(uint64_t count, uint32_t zeros_in_ten) {
    std::vector<float> result(count);
    for (float& value : result) value = below(10) < zeros_in_ten ? 0 : random_.weight();
    return result;
  }
  Shape image() {
    const uint32_t sizes[] = {1, 2, 5, 7, 8, 14, 17, 28};
    return {1, sizes[below(8)], sizes[below(8)], between(1, chance(4) ? 40 : 6)};
  }
  ActivationLayout rows(const Shape& shape) {
    const auto pixels = static_cast<uint32_t>(shape.pixels());
    return {LayoutKind::kChannelRows, chance(2) ? pixels + below(20) : recommended_stride(pixels), 0};
  }
  ActivationLayout layout(const Shape& shape) {
    if (shape.pixels() == 1) return {};
    switch (below(4)) {
      case 0:
        return {};
      case 1:
        return {LayoutKind::kPanels, 0, lanes_ * between(1, 3)};
      default:
        return rows(shape);
    }
  }
  /// Fast paths want equal layouts.
  void share_layouts() {
    if (chance(2)) return;
    for (LayerTensor& input : made_.inputs)
      if (input.shape.pixels() == made_.output.shape.pixels() && input.shape.pixels() > 1)
        input.layout = made_.output.layout;
  }
  Activation activation() {
    const Activation choices[] = {{},
                                  Activation::relu(),
                                  Activation::relu6(),
                                  Activation::clamped(-0.5f, 0.75f),
                                  Activation::of(ActivationKind::kSigmoid),
                                  Activation::of(ActivationKind::kSwish),
                                  Activation::of(ActivationKind::kHardSwish),
                                  Activation::of(ActivationKind::kTanh),
                                  {ActivationKind::kLeakyRelu, {}, 0.1f, 0},
                                  {ActivationKind::kHardSigmoid, {}, 0.2f, 0.5f}};
    return choices[below(std::size(choices))];
  }
  TensorId input(const Shape& shape) { return add_input(made_.network, "x", shape); }
  /// Draws again (leaves no layer) where the shapes do not go together.
  void add(Operation operation, const std::vector<TensorId>& inputs, const Activation& fused = {}) {
    if (!add_layer(made_.network, "layer", std::move(operation), inputs, fused)) made_.network = Network{};
  }

  Window window() {
    Window w;
    w.height = between(1, 5), w.width = chance(2) ? w.height : between(1, 5);
    w.stride_height = between(1, chance(4) ? 4 : 2), w.stride_width = chance(2) ? w.stride_height : between(1, 4);
    if (chance(4)) w.dilation_height = between(1, 2), w.dilation_width = between(1, 3);
    if (!chance(3)) w.padding = {below(w.height), below(w.width), below(w.height), below(w.width)};
    return w;
  }
  std::vector<float> bias(uint32_t count) { return chance(4) ? std::vector<float>() : weights(count, 0); }

  void convolution() {
    const Shape shape = image();
    Convolution c;
    c.window = window();
    c.groups = shape.c % 2 == 0 && chance(3) ? 2 : 1;
    c.output_channels = c.groups * between(1, 9);
    c.weights = weights(uint64_t{c.output_channels} * c.window.height * c.window.width * (shape.c / c.groups),
                        chance(2) ? 8 : 1);
    c.bias = bias(c.output_channels);
    add(c, {input(shape)}, activation());
  }
  void depthwise() {
    const Shape shape = image();
    Convolution c;
    c.window = window();
    if (chance(2)) c.window = {3, 3, c.window.stride_height, c.window.stride_height, 1, 1, {1, 1, 1, 1}};
    c.groups = shape.c;
    c.output_channels = shape.c * (chance(4) ? 2 : 1);
    c.weights = weights(uint64_t{c.output_channels} * c.window.height * c.window.width, 1);
    c.bias = bias(c.output_channels);
    add(c, {input(shape)}, activation());
  }
  void pool() {
    Window w = window();
    w.dilation_height = w.dilation_width = 1;
    add(Pool{chance(2) ? PoolKind::kAverage : PoolKind::kMax, w}, {input(image())});
  }
  void unary() {
    Activation fused = activation();
    if (fused.is_none()) fused = Activation::relu();
    add(Unary{}, {input(image())}, fused);
  }
  void binary() {
    const Shape shape = image();
    Shape other = shape;
    if (chance(2)) other = {1, 1, 1, shape.c};
    if (chance(5)) other = {1, chance(2) ? 1 : shape.h, chance(2) ? 1 : shape.w, chance(2) ? 1 : shape.c};
    const auto kind = static_cast<BinaryKind>(below(3));
    const TensorId a = input(shape), b = input(other);
    add(Binary{kind}, chance(2) ? std::vector{a, b} : std::vector{b, a}, activation());
  }
  void prelu() {
    const Shape shape = image();
    add(Prelu{values(shape.c)}, {input(shape)});
  }
  void batch_norm() {
    const Shape shape = image();
    std::vector<float> variance = values(shape.c);
    for (float& v : variance) v = v * v;
    add(BatchNorm{values(shape.c), values(shape.c), values(shape.c), variance, 0.01f}, {input(shape)});
  }
  void mean() { add(Mean{}, {input(image())}); }
  void softmax() {
    add(Softmax{chance(2) ? 1.0f : 0.5f}, {input(chance(2) ? Shape{1, 1, 1, between(1, 70)} : image())});
  }
  void fully_connected() {
    const uint32_t inputs = between(1, 60), outputs = between(1, 90);
    add(FullyConnected{outputs, weights(uint64_t{inputs} * outputs, chance(2) ? 9 : 0), bias(outputs)},
        {input({1, 1, 1, inputs})}, activation());
  }
  void resize() {
    Resize r;
    r.kind = chance(2) ? ResizeKind::kBilinear : ResizeKind::kNearest;
    r.coordinates = static_cast<ResizeCoordinates>(below(3));
    r.rounding = r.kind == ResizeKind::kNearest ? static_cast<ResizeRounding>(below(4)) : ResizeRounding::kFloor;
    r.height = between(1, 20), r.width = between(1, 20);
    add(r, {input(image())});
  }
  void depth_to_space() {
    const uint32_t block = between(1, 3);
    Shape shape = image();
    shape.c = block * block * between(1, 4);
    add(DepthToSpace{block, chance(2) ? DepthOrder::kBlockFirst : DepthOrder::kChannelFirst}, {input(shape)});
  }
  void concat() {
    const Shape shape = image();
    const auto axis = static_cast<Axis>(between(1, 3));
    std::vector<TensorId> parts;
    for (uint32_t i = 0; i < between(1, 3); ++i) {
      auto sizes = shape.sizes();
      sizes[static_cast<size_t>(axis)] = between(1, 9);
      parts.push_back(input(Shape::from_sizes(sizes)));
    }
    add(Concat{axis}, parts);
  }
  void pad() {
    add(Pad{{0, below(3), below(3), below(3)}, {0, below(3), below(3), below(3)}, chance(2) ? 0.0f : 1.5f},
        {input(image())});
  }
  void reshape() {
    const Shape shape = image();
    const Shape other = chance(2) ? Shape{1, shape.w, shape.c, shape.h} : Shape{1, 1, shape.h * shape.w, shape.c};
    add(Reshape{other, chance(2)}, {input(shape)});
  }

  static constexpr void (Maker::* kKinds[])() = {
      &Maker::convolution, &Maker::convolution, &Maker::convolution, &Maker::depthwise,      &Maker::depthwise,
      &Maker::depthwise,   &Maker::pool,        &Maker::unary,       &Maker::binary,         &Maker::binary,
      &Maker::prelu,       &Maker::batch_norm,  &Maker::mean,        &Maker::softmax,        &Maker::fully_connected,
      &Maker::resize,      &Maker::concat,      &Maker::pad,         &Maker::depth_to_space, &Maker::reshape};

  SeededRandom random_;
  uint32_t lanes_;
  RandomLayer made_;
};

}  // namespace

RandomLayer random_layer(uint64_t seed, uint32_t lanes) { return Maker(seed, lanes).make(); }

std::vector<float> laid_out(const LayerTensor& tensor, const std::vector<float>& values, float fill) {
  std::vector<float> result(tensor.elements(), fill);
  const auto pixels = static_cast<uint32_t>(tensor.shape.pixels());
  for (uint32_t p = 0; p < pixels; ++p)
    for (uint32_t c = 0; c < tensor.shape.c; ++c) result[tensor.place(c, p)] = values[uint64_t{p} * tensor.shape.c + c];
  return result;
}

}  // namespace espalier::test
