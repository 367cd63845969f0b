#include <algorithm>

#include "ir/network/passes/passes.h"
#include "ir/network/passes/rewrite.h"
#include "ir/network/run_reference.h"

namespace espalier {
namespace {

bool has_constant_inputs(const Network& network, const Layer& layer) {
  return std::all_of(layer.inputs.begin(), layer.inputs.end(),
                     [&](TensorId input) { return network.tensors[input].is_constant(); });
}

/// Constants grow in the compiler's memory, not in the file, so what they may grow by is limited; and nobody multiplies
/// constants by weights.
constexpr uint64_t kMaxFoldedElements = uint64_t{1} << 22;

bool is_cheap(const Operation& operation) {
  return !std::holds_alternative<Convolution>(operation) && !std::holds_alternative<FullyConnected>(operation) &&
         !std::holds_alternative<Pool>(operation);
}

std::vector<float> result_of(const Network& network, const Layer& layer) {
  std::vector<std::span<const float>> inputs;
  for (const TensorId input : layer.inputs) inputs.emplace_back(network.tensors[input].data);
  return run_reference_layer(network, layer, inputs);
}

}  // namespace

void fold_constants(Network& network) {
  std::vector<bool> gone(network.layers.size(), false);
  uint64_t left = kMaxFoldedElements;
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const Layer& layer = network.layers[i];
    const uint64_t elements = network.output_shape(layer).elements();
    if (elements > left || !is_cheap(layer.operation) || !has_constant_inputs(network, layer)) continue;
    std::vector<float> result = result_of(network, layer);
    if (!all_finite(result)) continue;  // no constant of a Network may be that
    network.tensors[layer.output].data = std::move(result);
    left -= elements;
    gone[i] = true;
  }
  remove_layers(network, gone);
}

}  // namespace espalier
