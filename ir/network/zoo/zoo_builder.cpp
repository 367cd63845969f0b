#include "ir/network/zoo/zoo_builder.h"

#include <algorithm>
#include <cmath>

namespace espalier {
namespace {

constexpr uint32_t kClasses = 1000, kRound = 8;

Window same_window(uint32_t kernel, uint32_t stride, const Shape& input) {
  Window window{kernel, kernel, stride, stride, 1, 1, {}};
  window.padding = same_padding(window, input);
  return window;
}

}  // namespace

/// 2 makes up for what a ReLU takes away (He et al., 2015).
double gain_before(const Activation& activation) { return activation.is_none() ? 1 : 2; }

/// Exactly the share asked for, to the nearest block: each block goes with the probability that the rest needs.
std::vector<float> seeded_weights(SeededRandom& random, uint32_t rows, size_t columns, const SeededWeights& wanted) {
  const size_t bands = (rows + wanted.block - 1) / wanted.block;
  size_t left = bands * columns;
  auto zeros = static_cast<size_t>(std::llround(wanted.sparsity * static_cast<double>(left)));
  // Uniform in [-bound, bound] has variance bound^2 / 3.
  const double terms = std::max(1.0, static_cast<double>(columns) * (1 - wanted.sparsity)),
               bound = std::sqrt(3 * wanted.gain / terms);
  std::vector<float> values(rows * columns);
  for (size_t band = 0; band < bands; ++band)
    for (size_t c = 0; c < columns; ++c, --left) {
      const bool is_zero = random.unit() * static_cast<double>(left) < static_cast<double>(zeros);
      if (is_zero) --zeros;
      const size_t end = std::min<size_t>(rows, (band + 1) * wanted.block);
      for (size_t r = band * wanted.block; r < end && !is_zero; ++r)
        values[r * columns + c] = static_cast<float>(bound * double{random.weight()});
    }
  return values;
}

ZooBuilder::ZooBuilder(std::string name, const ZooOptions& options) : options_(options), random_(options.seed) {
  network_.name = std::move(name);
}

TensorId ZooBuilder::image(uint32_t size) { return add_input(network_, "image", {1, size, size, 3}); }

uint32_t ZooBuilder::scaled(uint32_t channels) const {
  const double exact = channels * options_.width;
  const auto rounded = std::max(kRound, static_cast<uint32_t>(exact + kRound / 2.0) / kRound * kRound);
  return rounded < 0.9 * exact ? rounded + kRound : rounded;
}

std::vector<float> ZooBuilder::weights(uint32_t rows, size_t columns, double sparsity, double gain) {
  return seeded_weights(random_, rows, columns, {sparsity, options_.block, gain});
}

std::vector<float> ZooBuilder::biases(uint32_t count) {
  std::vector<float> values(count);
  for (float& value : values) value = random_.weight() / 8;
  return values;
}

Result<TensorId> ZooBuilder::add(std::string_view kind, Operation operation, std::vector<TensorId> inputs,
                                 const Activation& activation) {
  return add_layer(network_, fmt::format("{}_{}", kind, network_.layers.size()), std::move(operation),
                   std::move(inputs), activation);
}

Result<TensorId> ZooBuilder::convolution(TensorId x, uint32_t kernel, uint32_t stride, uint32_t outputs,
                                         const Activation& activation, double sparsity) {
  const Shape& in = network_.shape_of(x);
  Convolution c;
  c.window = same_window(kernel, stride, in);
  c.output_channels = outputs;
  c.weights = weights(outputs, size_t{kernel} * kernel * in.c, sparsity, gain_before(activation));
  c.bias = biases(outputs);
  return add(fmt::format("conv{}x{}", kernel, kernel), std::move(c), {x}, activation);
}

Result<TensorId> ZooBuilder::dense_convolution(TensorId x, uint32_t kernel, uint32_t stride, uint32_t outputs,
                                               const Activation& activation) {
  return convolution(x, kernel, stride, outputs, activation, 0);
}

Result<TensorId> ZooBuilder::pruned_convolution(TensorId x, uint32_t kernel, uint32_t stride, uint32_t outputs,
                                                const Activation& activation) {
  return convolution(x, kernel, stride, outputs, activation, options_.sparsity);
}

Result<TensorId> ZooBuilder::depthwise(TensorId x, uint32_t kernel, uint32_t stride, const Activation& activation) {
  const Shape& in = network_.shape_of(x);
  Convolution c;
  c.window = same_window(kernel, stride, in);
  c.groups = c.output_channels = in.c;
  c.weights = weights(in.c, size_t{kernel} * kernel, 0, gain_before(activation));
  c.bias = biases(in.c);
  return add("depthwise", std::move(c), {x}, activation);
}

Result<TensorId> ZooBuilder::squeeze_excite(TensorId x, uint32_t squeezed, const Activation& inner,
                                            const Activation& gate) {
  Result<TensorId> y = mean(x);
  if (y) y = dense_convolution(*y, 1, 1, squeezed, inner);
  if (y) y = dense_convolution(*y, 1, 1, channels(x), gate);
  return y ? add("excite", Binary{BinaryKind::kMultiply}, {x, *y}) : y;
}

Result<TensorId> ZooBuilder::sum(TensorId a, TensorId b, const Activation& activation) {
  return add("add", Binary{BinaryKind::kAdd}, {a, b}, activation);
}

Result<TensorId> ZooBuilder::max_pool(TensorId x, uint32_t kernel, uint32_t stride) {
  return add("max_pool", Pool{PoolKind::kMax, same_window(kernel, stride, network_.shape_of(x))}, {x});
}

Result<TensorId> ZooBuilder::mean(TensorId x) { return add("mean", Mean{}, {x}); }

Result<TensorId> ZooBuilder::classes(TensorId x, bool pruned) {
  FullyConnected f;
  f.output_features = kClasses;
  f.weights = weights(kClasses, channels(x), pruned ? options_.sparsity : 0, gain_before({}));
  f.bias = biases(kClasses);
  const Result<TensorId> logits = add("classes", std::move(f), {x});
  return logits ? add("softmax", Softmax{}, {*logits}) : logits;
}

Result<Network> ZooBuilder::finish(Result<TensorId> output) && {
  if (!output) return std::move(output).error();
  network_.outputs = {*output};
  return std::move(network_);
}

Result<TensorId> add_inverted_residual(ZooBuilder& b, TensorId x, const InvertedResidual& block) {
  Result<TensorId> y = x;
  if (block.expanded != b.channels(x)) y = b.pruned_convolution(x, 1, 1, block.expanded, block.activation);
  if (y) y = b.depthwise(*y, block.kernel, block.stride, block.activation);
  if (y && block.squeezed != 0) y = b.squeeze_excite(*y, block.squeezed, block.squeeze_activation, block.gate);
  if (y) y = b.pruned_convolution(*y, 1, 1, block.outputs, {});
  const bool is_residual = block.stride == 1 && block.outputs == b.channels(x);
  return y && is_residual ? b.sum(x, *y) : y;
}

}  // namespace espalier
