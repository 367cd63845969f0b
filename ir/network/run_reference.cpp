#include "ir/network/run_reference.h"

#include "ir/network/reference_layers.h"

namespace espalier {
namespace {

using Values = std::vector<std::vector<float>>;

Status check_inputs(const Network& network, std::span<const std::vector<float>> inputs) {
  if (inputs.size() != network.inputs.size())
    return bad_input("{} inputs are given, but the network has {}", inputs.size(), network.inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Tensor& tensor = network.tensors[network.inputs[i]];
    if (inputs[i].size() != tensor.shape.elements())
      return bad_input("input '{}' has {} values, but shape {} needs {}", tensor.name, inputs[i].size(),
                       to_string(tensor.shape), tensor.shape.elements());
  }
  return {};
}

}  // namespace

std::vector<float> run_reference_layer(const Network& network, const Layer& layer,
                                       std::span<const std::span<const float>> inputs) {
  std::vector<Shape> shapes;
  for (const TensorId input : layer.inputs) shapes.push_back(network.shape_of(input));
  const Shape& shape = network.output_shape(layer);
  std::vector<float> output(shape.elements());
  const ReferenceCall call{shapes, inputs, layer.activation, shape, output};
  std::visit([&](const auto& operation) { run_layer(operation, call); }, layer.operation);
  return output;
}

Result<Values> run_reference_tensors(const Network& network, std::span<const std::vector<float>> inputs) {
  if (Status s = verify(network); !s) return std::move(s).error();
  if (Status s = check_inputs(network, inputs); !s) return std::move(s).error();
  Values values;
  for (const Tensor& tensor : network.tensors) values.push_back(tensor.data);
  for (size_t i = 0; i < inputs.size(); ++i) values[network.inputs[i]] = inputs[i];
  for (const Layer& layer : network.layers) {
    std::vector<std::span<const float>> operands;
    for (const TensorId input : layer.inputs) operands.emplace_back(values[input]);
    values[layer.output] = run_reference_layer(network, layer, operands);
  }
  return values;
}

Result<Values> run_reference(const Network& network, std::span<const std::vector<float>> inputs) {
  Result<Values> values = run_reference_tensors(network, inputs);
  if (!values) return values;
  Values outputs;
  // Copied, as one tensor may be several outputs.
  for (const TensorId output : network.outputs) outputs.push_back((*values)[output]);
  return outputs;
}

}  // namespace espalier
