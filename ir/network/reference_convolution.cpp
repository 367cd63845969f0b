// Layers with weights.
#include "ir/network/reference_layers.h"

namespace espalier {
namespace {

/// Place of an input line for window place `i` of output `o`; negative or too large: in the padding.
int64_t input_place(uint32_t o, uint32_t stride, uint32_t i, uint32_t dilation, uint32_t before) {
  return int64_t{o} * stride + int64_t{i} * dilation - before;
}

/// The sum over one group's channels at one place of the window.
double channel_sum(std::span<const float> weights, std::span<const float> x) {
  double sum = 0;
  for (size_t k = 0; k < weights.size(); ++k)
    if (weights[k] != 0) sum += double{weights[k]} * double{x[k]};
  return sum;
}

double output_at(const Convolution& c, const ReferenceCall& call, uint32_t n, uint32_t y, uint32_t x, uint32_t o) {
  const Shape& in = call.in();
  const Window& w = c.window;
  const uint32_t channels = c.channels_per_group(in.c), group = o / (c.output_channels / c.groups);
  const Shape weights = c.weight_shape(in.c);
  double sum = c.bias.empty() ? 0 : double{c.bias[o]};
  for (uint32_t i = 0; i < w.height; ++i) {
    const int64_t row = input_place(y, w.stride_height, i, w.dilation_height, w.padding.top);
    if (row < 0 || row >= in.h) continue;
    for (uint32_t j = 0; j < w.width; ++j) {
      const int64_t column = input_place(x, w.stride_width, j, w.dilation_width, w.padding.left);
      if (column < 0 || column >= in.w) continue;
      const uint64_t place = in.index(n, static_cast<uint64_t>(row), static_cast<uint64_t>(column), 0);
      sum += channel_sum(std::span(c.weights).subspan(weights.index(o, i, j, 0), channels),
                         call.inputs[0].subspan(place + uint64_t{group} * channels, channels));
    }
  }
  return sum;
}

}  // namespace

void run_layer(const Convolution& operation, const ReferenceCall& call) {
  const Shape& out = call.shape;
  for (uint32_t n = 0; n < out.n; ++n)
    for (uint32_t y = 0; y < out.h; ++y)
      for (uint32_t x = 0; x < out.w; ++x)
        for (uint32_t o = 0; o < out.c; ++o) call.store(out.index(n, y, x, o), output_at(operation, call, n, y, x, o));
}

void run_layer(const FullyConnected& operation, const ReferenceCall& call) {
  const uint32_t channels = call.in().c, features = operation.output_features;
  const uint64_t rows = call.in().elements() / channels;
  for (uint64_t r = 0; r < rows; ++r)
    for (uint32_t o = 0; o < features; ++o) {
      const double bias = operation.bias.empty() ? 0 : double{operation.bias[o]};
      const auto weights = std::span(operation.weights).subspan(uint64_t{o} * channels, channels);
      call.store(r * features + o, bias + channel_sum(weights, call.inputs[0].subspan(r * channels, channels)));
    }
}

}  // namespace espalier
