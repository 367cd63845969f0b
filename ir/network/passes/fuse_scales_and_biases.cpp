#include "ir/network/passes/passes.h"
#include "ir/network/passes/rewrite.h"

namespace espalier {
namespace {

/// An element-wise operation with a constant per channel: factor * x + term.
struct Affine {
  TensorId variable;
  std::vector<double> factors, terms;
};

std::vector<double> doubled(const std::vector<float>& values, double factor = 1) {
  std::vector<double> wide;
  for (const float value : values) wide.push_back(factor * double{value});
  return wide;
}

Affine affine_of(BinaryKind kind, TensorId variable, bool constant_first, const std::vector<float>& constant) {
  const size_t channels = constant.size();
  if (kind == BinaryKind::kMultiply) return {variable, doubled(constant), std::vector<double>(channels, 0)};
  if (kind == BinaryKind::kAdd) return {variable, std::vector<double>(channels, 1), doubled(constant)};
  if (constant_first) return {variable, std::vector<double>(channels, -1), doubled(constant)};
  return {variable, std::vector<double>(channels, 1), doubled(constant, -1)};
}

/// Which operand is constant per channel, if the other one has the result's shape.
std::optional<Affine> find_affine(const Network& network, const Layer& layer) {
  const auto* binary = layer.as<Binary>();
  if (binary == nullptr) return std::nullopt;
  const Shape& shape = network.output_shape(layer);
  for (const size_t constant : {size_t{0}, size_t{1}}) {
    const auto values = channel_constant(network, layer.inputs[constant], shape.c);
    const TensorId variable = layer.inputs[1 - constant];
    if (values && network.shape_of(variable) == shape) return affine_of(binary->kind, variable, constant == 0, *values);
  }
  return std::nullopt;
}

}  // namespace

void fuse_scales_and_biases(Network& network) {
  Uses uses(network);
  std::vector<bool> gone(network.layers.size(), false);
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const auto affine = find_affine(network, network.layers[i]);
    if (!affine) continue;
    const auto producer = uses.producer(affine->variable);
    if (!producer || !uses.is_read_once(affine->variable) || !has_plain_weights(network.layers[*producer])) continue;
    if (!scale_outputs(network.layers[*producer], affine->factors, affine->terms)) continue;
    network.layers[*producer].activation = network.layers[i].activation;
    take_over(network, uses, *producer, i, gone);
  }
  remove_layers(network, gone);
  drop_unused(network);
}

}  // namespace espalier
