#include <algorithm>

#include "ir/network/passes/passes.h"
#include "ir/network/passes/rewrite.h"

namespace espalier {
namespace {

/// second(first(x)) as one function, where there is one.
std::optional<Activation> composed(const Activation& first, const Activation& second) {
  if (first.is_none()) return second;
  if (first.kind != ActivationKind::kClamp || second.kind != ActivationKind::kClamp) return std::nullopt;
  const auto within = [&](float bound) { return std::clamp(bound, second.clamp.low, second.clamp.high); };
  return Activation::clamped(within(first.clamp.low), within(first.clamp.high));
}

}  // namespace

void fuse_activations(Network& network) {
  Uses uses(network);
  std::vector<bool> gone(network.layers.size(), false);
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const Layer& layer = network.layers[i];
    const TensorId input = layer.inputs[0];
    const auto producer = uses.producer(input);
    if (layer.as<Unary>() == nullptr || !producer || !uses.is_read_once(input)) continue;
    Layer& before = network.layers[*producer];
    const auto fused = composed(before.activation, layer.activation);
    if (!fused || !takes_activation(before.operation)) continue;
    before.activation = *fused;
    take_over(network, uses, *producer, i, gone);
  }
  remove_layers(network, gone);
}

}  // namespace espalier
