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

constexpr uint32_t kMaxChannels = 1u << 22;

/// What a rule sees: the layer, and the values of its inputs' channels.
struct Site {
  const Network& network;
  const Layer& layer;
  std::vector<const ChannelValues*> inputs;

  uint32_t channels() const { return network.output_shape(layer).c; }
  uint32_t input_channels(size_t i = 0) const { return network.input_shape(layer, i).c; }
};

/// f(channel) of every channel.
template <typename Function>
ChannelValues per_channel(const Site& site, Function f) {
  if (site.channels() > kMaxChannels) return {};
  std::vector<std::optional<float>> values(site.channels());
  for (size_t c = 0; c < values.size(); ++c) values[c] = f(c);
  return ChannelValues(std::move(values));
}

/// f(value, channel) of every channel that has a value.
template <typename Function>
ChannelValues mapped(const Site& site, Function f) {
  if (site.inputs[0]->is_empty()) return {};
  return per_channel(site, [&](size_t c) -> std::optional<float> {
    const auto x = (*site.inputs[0])[c];
    return x ? rounded(site.layer.activation, f(double{*x}, c)) : std::nullopt;
  });
}

/// A row of weights [places][channels]: the sum of their products with x[first ...], if everything that is not
/// multiplied by zero is constant.
std::optional<double> constant_sum(std::span<const float> row, size_t channels, const ChannelValues& x, size_t first,
                                   const Window& window) {
  double sum = 0;
  for (size_t i = 0; i < row.size(); ++i) {
    if (row[i] == 0) continue;
    const auto value = x[first + i % channels];
    if (!value || !is_uniform(window, *value)) return std::nullopt;
    sum += double{row[i]} * double{*value};
  }
  return sum;
}

std::optional<float> with_bias(const Site& site, const std::vector<float>& bias, size_t o, std::optional<double> sum) {
  if (!sum) return std::nullopt;
  return rounded(site.layer.activation, *sum + (bias.empty() ? 0 : double{bias[o]}));
}

ChannelValues values_after(const Convolution& c, const Site& site) {
  const size_t channels = c.channels_per_group(site.input_channels()), outputs = c.output_channels / c.groups,
               row = c.weights.size() / c.output_channels;
  return per_channel(site, [&](size_t o) {
    const auto weights = std::span(c.weights).subspan(o * row, row);
    return with_bias(site, c.bias, o,
                     constant_sum(weights, channels, *site.inputs[0], o / outputs * channels, c.window));
  });
}

ChannelValues values_after(const FullyConnected& f, const Site& site) {
  const size_t channels = site.input_channels();
  return per_channel(site, [&](size_t o) {
    const auto weights = std::span(f.weights).subspan(o * channels, channels);
    return with_bias(site, f.bias, o, constant_sum(weights, channels, *site.inputs[0], 0, Window{}));
  });
}

std::optional<double> combined(BinaryKind kind, std::optional<float> a, std::optional<float> b) {
  if (kind == BinaryKind::kMultiply && (a == 0.0f || b == 0.0f)) return 0;
  if (!a || !b) return std::nullopt;
  const double x = double{*a}, y = double{*b};
  return kind == BinaryKind::kAdd ? x + y : kind == BinaryKind::kSubtract ? x - y : x * y;
}

ChannelValues values_after(const Binary& b, const Site& site) {
  if (site.inputs[0]->is_empty() && site.inputs[1]->is_empty()) return {};
  const auto operand = [&](size_t i, size_t c) { return (*site.inputs[i])[site.input_channels(i) == 1 ? 0 : c]; };
  return per_channel(site, [&](size_t c) -> std::optional<float> {
    const auto result = combined(b.kind, operand(0, c), operand(1, c));
    return result ? rounded(site.layer.activation, *result) : std::nullopt;
  });
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
  if (concat.axis != Axis::kChannel || site.channels() > kMaxChannels) return {};
  std::vector<std::optional<float>> values;
  for (size_t i = 0; i < site.inputs.size(); ++i)
    for (size_t c = 0; c < site.input_channels(i); ++c) values.push_back((*site.inputs[i])[c]);
  return ChannelValues(std::move(values));
}

/// Nothing is said of operations that move channels about, or bring other values in.
template <typename T>
ChannelValues values_after(const T&, const Site&) {
  return {};
}

ChannelValues values_of(const Tensor& tensor) {
  const uint32_t channels = tensor.shape.c;
  if (!tensor.is_constant()) return {};
  std::vector<std::optional<float>> values(tensor.data.begin(), tensor.data.begin() + channels);
  for (size_t i = 0; i < tensor.data.size(); ++i)
    if (values[i % channels] != tensor.data[i]) values[i % channels].reset();
  return ChannelValues(std::move(values));
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
