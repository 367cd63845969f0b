#include "ir/network/passes/constant_channels.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace espalier {
namespace {

std::optional<float> rounded(const Activation& activation, double value) {
  const auto result = static_cast<float>(apply(activation, value));
  return std::isfinite(result) ? std::optional(result) : std::nullopt;
}

/// What a rule sees: the layer, and the values of its inputs' channels.
struct Site {
  const Network& network;
  const Layer& layer;
  std::vector<const ChannelValues*> inputs;

  uint32_t channels() const { return network.output_shape(layer).c; }
  ChannelValues unknown() const { return ChannelValues(channels()); }
};

/// f(value, channel) of every channel that has a value.
template <typename Function>
ChannelValues mapped(const Site& site, Function f) {
  ChannelValues values = site.unknown();
  for (size_t c = 0; c < values.size(); ++c)
    if (const auto& x = (*site.inputs[0])[c]) values[c] = rounded(site.layer.activation, f(double{*x}, c));
  return values;
}

/// The sum over weights [places][channels] of one output, if everything that is not multiplied by zero is constant.
std::optional<double> constant_sum(std::span<const float> weights, std::span<const std::optional<float>> x,
                                   const Window& window) {
  double sum = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] == 0) continue;
    const auto& value = x[i % x.size()];
    if (!value || !is_uniform(window, *value)) return std::nullopt;
    sum += double{weights[i]} * double{*value};
  }
  return sum;
}

ChannelValues values_after(const Convolution& c, const Site& site) {
  const size_t per_group = site.inputs[0]->size() / c.groups, outputs_per_group = c.output_channels / c.groups,
               row = c.weights.size() / c.output_channels;
  ChannelValues values = site.unknown();
  for (size_t o = 0; o < values.size(); ++o) {
    const auto x = std::span(*site.inputs[0]).subspan(o / outputs_per_group * per_group, per_group);
    const auto sum = constant_sum(std::span(c.weights).subspan(o * row, row), x, c.window);
    const double bias = c.bias.empty() ? 0 : double{c.bias[o]};
    if (sum) values[o] = rounded(site.layer.activation, bias + *sum);
  }
  return values;
}

ChannelValues values_after(const FullyConnected& f, const Site& site) {
  const size_t row = site.inputs[0]->size();
  ChannelValues values = site.unknown();
  for (size_t o = 0; o < values.size(); ++o) {
    const auto sum = constant_sum(std::span(f.weights).subspan(o * row, row), *site.inputs[0], Window{});
    const double bias = f.bias.empty() ? 0 : double{f.bias[o]};
    if (sum) values[o] = rounded(site.layer.activation, bias + *sum);
  }
  return values;
}

ChannelValues values_after(const Binary& b, const Site& site) {
  ChannelValues values = site.unknown();
  const auto operand = [&](size_t i, size_t c) { return (*site.inputs[i])[site.inputs[i]->size() == 1 ? 0 : c]; };
  for (size_t c = 0; c < values.size(); ++c) {
    const auto a = operand(0, c), z = operand(1, c);
    const bool is_zero = b.kind == BinaryKind::kMultiply && (a == 0.0f || z == 0.0f);
    if (!is_zero && (!a || !z)) continue;
    const double x = is_zero ? 0 : double{*a}, y = is_zero ? 0 : double{*z};
    const double result = b.kind == BinaryKind::kAdd ? x + y : b.kind == BinaryKind::kSubtract ? x - y : x * y;
    values[c] = rounded(site.layer.activation, result);
  }
  return values;
}

ChannelValues values_after(const BatchNorm& b, const Site& site) {
  return mapped(site, [&](double x, size_t c) {
    const double deviation = std::sqrt(double{b.variance[c]} + double{b.epsilon});
    return double{b.scale[c]} * (x - double{b.mean[c]}) / deviation + double{b.offset[c]};
  });
}

ChannelValues values_after(const Prelu& p, const Site& site) {
  return mapped(site, [&](double x, size_t c) { return x < 0 ? double{p.slopes[c]} * x : x; });
}

ChannelValues same(const Site& site) {
  return mapped(site, [](double x, size_t) { return x; });
}
ChannelValues values_after(const Unary&, const Site& site) { return same(site); }
ChannelValues values_after(const Pool&, const Site& site) { return same(site); }
ChannelValues values_after(const Mean&, const Site& site) { return same(site); }
ChannelValues values_after(const Resize&, const Site& site) { return same(site); }

ChannelValues values_after(const Concat& concat, const Site& site) {
  if (concat.axis != Axis::kChannel) return site.unknown();
  ChannelValues values;
  for (const ChannelValues* input : site.inputs) values.insert(values.end(), input->begin(), input->end());
  return values;
}

/// Nothing is said of operations that move channels about, or bring other values in.
template <typename T>
ChannelValues values_after(const T&, const Site& site) {
  return site.unknown();
}

ChannelValues values_of(const Tensor& tensor) {
  const uint32_t channels = tensor.shape.c;
  if (!tensor.is_constant()) return ChannelValues(channels);
  ChannelValues values(tensor.data.begin(), tensor.data.begin() + channels);
  for (size_t i = 0; i < tensor.data.size(); ++i)
    if (values[i % channels] != tensor.data[i]) values[i % channels].reset();
  return values;
}

}  // namespace

std::vector<ChannelValues> constant_channels(const Network& network) {
  std::vector<ChannelValues> values;
  for (const Tensor& tensor : network.tensors) values.push_back(values_of(tensor));
  for (const Layer& layer : network.layers) {
    Site site{network, layer, {}};
    for (const TensorId input : layer.inputs) site.inputs.push_back(&values[input]);
    values[layer.output] = std::visit([&](const auto& typed) { return values_after(typed, site); }, layer.operation);
  }
  return values;
}

}  // namespace espalier
