#include "ir/network/network.h"

#include <span>

namespace espalier {
namespace {

/// By the place of the operation in the variant.
constexpr std::string_view kKindNames[] = {
    "convolution",    "fully_connected", "batch_norm", "",        "activation", "prelu", "", "mean", "",
    "depth_to_space", "concat",          "pad",        "reshape", "softmax"};
static_assert(std::size(kKindNames) == std::variant_size_v<Operation>);

constexpr std::string_view kBinaryNames[] = {"add", "subtract", "multiply"};
constexpr std::string_view kPoolNames[] = {"average_pool", "max_pool"};
constexpr std::string_view kResizeNames[] = {"resize_nearest", "resize_bilinear"};

bool is_depthwise(const Convolution& c, uint32_t input_channels) { return c.groups > 1 && c.groups == input_channels; }

TensorId add_tensor(Network& network, Tensor tensor) {
  network.tensors.push_back(std::move(tensor));
  return static_cast<TensorId>(network.tensors.size() - 1);
}

std::vector<Shape> shapes_of(const Network& network, std::span<const TensorId> tensors) {
  std::vector<Shape> shapes;
  for (const TensorId tensor : tensors) shapes.push_back(network.shape_of(tensor));
  return shapes;
}

}  // namespace

std::string_view kind_name(const Operation& operation, uint32_t input_channels) {
  if (const auto* c = std::get_if<Convolution>(&operation); c != nullptr && is_depthwise(*c, input_channels))
    return "depthwise_convolution";
  if (const auto* b = std::get_if<Binary>(&operation)) return kBinaryNames[static_cast<size_t>(b->kind)];
  if (const auto* p = std::get_if<Pool>(&operation)) return kPoolNames[static_cast<size_t>(p->kind)];
  if (const auto* r = std::get_if<Resize>(&operation)) return kResizeNames[static_cast<size_t>(r->kind)];
  return kKindNames[operation.index()];
}

bool takes_activation(const Operation& operation) {
  return std::holds_alternative<Convolution>(operation) || std::holds_alternative<FullyConnected>(operation) ||
         std::holds_alternative<Binary>(operation) || std::holds_alternative<Unary>(operation);
}

TensorId add_input(Network& network, std::string name, const Shape& shape) {
  network.inputs.push_back(add_tensor(network, {std::move(name), shape, {}}));
  return network.inputs.back();
}

TensorId add_constant(Network& network, std::string name, const Shape& shape, std::vector<float> data) {
  return add_tensor(network, {std::move(name), shape, std::move(data)});
}

Result<TensorId> add_layer(Network& network, std::string name, Operation operation, std::vector<TensorId> inputs,
                           const Activation& activation) {
  for (const TensorId input : inputs)
    if (input >= network.tensors.size())
      return bad_input("reads tensor {}, but the network has {}", input, network.tensors.size());
  const std::vector<Shape> shapes = shapes_of(network, inputs);
  Layer layer{std::move(name), std::move(operation), std::move(inputs), 0, activation};
  const Result<Shape> shape = inferred_shape(layer.operation, shapes);
  if (!shape) return shape.error();
  if (Status s = check_layer(layer, shapes); !s) return std::move(s).error();
  layer.output = add_tensor(network, {layer.name, *shape, {}});
  network.layers.push_back(std::move(layer));
  return network.layers.back().output;
}

}  // namespace espalier
