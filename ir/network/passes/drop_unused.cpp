#include "ir/network/passes/passes.h"
#include "ir/network/passes/rewrite.h"

namespace espalier {
namespace {

std::vector<bool> needed_tensors(const Network& network) {
  std::vector<bool> needed(network.tensors.size(), false);
  for (const TensorId output : network.outputs) needed[output] = true;
  for (auto layer = network.layers.rbegin(); layer != network.layers.rend(); ++layer)
    if (needed[layer->output])
      for (const TensorId input : layer->inputs) needed[input] = true;
  for (const TensorId input : network.inputs) needed[input] = true;
  return needed;
}

void renumber(std::vector<TensorId>& ids, const std::vector<TensorId>& numbers) {
  for (TensorId& id : ids) id = numbers[id];
}

}  // namespace

void drop_unused(Network& network) {
  const std::vector<bool> needed = needed_tensors(network);
  std::vector<bool> gone;
  for (const Layer& layer : network.layers) gone.push_back(!needed[layer.output]);
  remove_layers(network, gone);
  std::vector<TensorId> numbers(network.tensors.size(), 0);
  std::vector<Tensor> kept;
  for (size_t t = 0; t < network.tensors.size(); ++t) {
    numbers[t] = static_cast<TensorId>(kept.size());
    if (needed[t]) kept.push_back(std::move(network.tensors[t]));
  }
  network.tensors = std::move(kept);
  for (Layer& layer : network.layers) {
    renumber(layer.inputs, numbers);
    layer.output = numbers[layer.output];
  }
  renumber(network.inputs, numbers);
  renumber(network.outputs, numbers);
}

}  // namespace espalier
