#include "codegen/layers/layer_steps.h"

#include <array>

#include "codegen/layers/generators.h"

namespace espalier {
namespace {

using Generator = LayerSteps (*)(const LayerJob&);

/// By the order of Operation's alternatives.
constexpr std::array<Generator, std::variant_size_v<Operation>> kGenerators = {
    convolution_steps, fully_connected_steps, batch_norm_steps, binary_steps,
    unary_steps,       prelu_steps,           pool_steps,       mean_steps,
    resize_steps,      depth_to_space_steps,  concat_steps,     pad_steps,
    reshape_steps,     softmax_steps};

}  // namespace

Result<std::vector<LayerStep>> layer_steps(const Layer& layer, std::span<const LayerTensor> inputs,
                                           const LayerTensor& output, const Target& target, const std::string& name,
                                           const Activation& input_activation) {
  if (!input_activation.is_none() && !takes_input_activation(layer, inputs[0].shape))
    return internal_error("the layer takes no activation of its input");
  return kGenerators[layer.operation.index()]({layer, inputs, output, target, name, input_activation});
}

bool takes_input_activation(const Layer& layer, const Shape& input) {
  const auto* c = layer.as<Convolution>();
  return c != nullptr && c->groups == input.c && c->groups > 1 && c->output_channels == c->groups;
}

bool wants_rows(const Layer& layer, const LayerTensor& input) {
  const bool is_image = input.shape.pixels() > 1 && input.layout.kind != LayoutKind::kChannelRows;
  if (!is_image) return false;
  if (layer.as<Pool>() != nullptr) return true;
  const auto* c = layer.as<Convolution>();
  if (c == nullptr) return false;
  return input.layout.kind == LayoutKind::kPanels || c->groups != 1 || input.shape.c > 4;
}

}  // namespace espalier
