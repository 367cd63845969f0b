#include "ir/network/passes/rewrite.h"

#include <algorithm>
#include <cmath>

namespace espalier {
namespace {

template <typename Weighted>
bool scale(Weighted& layer, std::span<const double> factors, std::span<const double> terms) {
  const size_t outputs = factors.size(), per_output = layer.weights.size() / outputs;
  Weighted scaled = layer;
  scaled.bias.resize(outputs, 0.0f);
  for (size_t o = 0; o < outputs; ++o) {
    for (float& weight : std::span(scaled.weights).subspan(o * per_output, per_output))
      weight = static_cast<float>(double{weight} * factors[o]);
    scaled.bias[o] = static_cast<float>(double{scaled.bias[o]} * factors[o] + terms[o]);
  }
  if (!all_finite(scaled.weights) || !all_finite(scaled.bias)) return false;
  layer = std::move(scaled);
  return true;
}

}  // namespace

Uses::Uses(const Network& network)
    : readers_(network.tensors.size()), producers_(network.tensors.size()), is_output_(network.tensors.size(), false) {
  for (size_t i = 0; i < network.layers.size(); ++i) {
    for (const TensorId input : network.layers[i].inputs) readers_[input].push_back(i);
    producers_[network.layers[i].output] = i;
  }
  for (const TensorId output : network.outputs) is_output_[output] = true;
}

void remove_layers(Network& network, const std::vector<bool>& gone) {
  std::vector<Layer> kept;
  for (size_t i = 0; i < network.layers.size(); ++i)
    if (!gone[i]) kept.push_back(std::move(network.layers[i]));
  network.layers = std::move(kept);
}

std::optional<std::vector<float>> channel_constant(const Network& network, TensorId id, uint32_t channels) {
  const Tensor& tensor = network.tensors[id];
  if (!tensor.is_constant()) return std::nullopt;
  if (tensor.data.size() == 1) return std::vector<float>(channels, tensor.data[0]);
  if (tensor.shape != Shape{1, 1, 1, channels}) return std::nullopt;
  return tensor.data;
}

bool scale_outputs(Layer& layer, std::span<const double> factors, std::span<const double> terms) {
  if (auto* convolution = layer.as<Convolution>()) return scale(*convolution, factors, terms);
  if (auto* connected = layer.as<FullyConnected>()) return scale(*connected, factors, terms);
  return false;
}

bool all_finite(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
}

void take_over(Network& network, Uses& uses, size_t producer, size_t i, std::vector<bool>& gone) {
  network.layers[producer].output = network.layers[i].output;
  uses.set_producer(network.layers[i].output, producer);
  gone[i] = true;
}

bool has_plain_weights(const Layer& layer) {
  const bool has_weights = layer.as<Convolution>() != nullptr || layer.as<FullyConnected>() != nullptr;
  return has_weights && layer.activation.is_none();
}

}  // namespace espalier
