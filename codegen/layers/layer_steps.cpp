#include "codegen/layers/layer_steps.h"

#include <algorithm>
#include <iterator>

#include "codegen/layers/element_layers.h"
#include "codegen/layers/fully_connected.h"
#include "codegen/layers/image_layers.h"
#include "codegen/layers/movement_layers.h"
#include "codegen/layers/softmax_layer.h"
#include "codegen/layers/window_layers.h"
#include "ir/half_vectors.h"

namespace espalier {
namespace {

/// By the place of the kind in Operation.
using Generator = LayerSteps (*)(const LayerRequest&);
constexpr Generator kGenerators[] = {
    convolution_steps, fully_connected_steps, batch_norm_steps, binary_steps,
    unary_steps,       prelu_steps,           pool_steps,       mean_steps,
    resize_steps,      depth_to_space_steps,  concat_steps,     pad_steps,
    reshape_steps,     softmax_steps,
};
static_assert(std::size(kGenerators) == std::variant_size_v<Operation>);

/// Half vectors for windows over rows that would leave a fifth of whole ones empty, where empty lanes cost time.
Target target_for(const Layer& layer, const LayerTensor& output, const Target& target) {
  const auto* c = layer.as<Convolution>();
  const bool is_in_rows = (c != nullptr && c->groups > 1) || layer.as<Pool>() != nullptr;
  const auto half = with_half_vectors(target);
  if (!half || !is_in_rows || !splits_vectors(target)) return target;
  const auto computed = [&](uint32_t lanes) { return (output.shape.w + lanes - 1) / lanes * lanes; };
  return 4 * computed(target.vector->lanes) >= 5 * computed(half->vector->lanes) ? *half : target;
}

Status check_batches(const LayerRequest& r) {
  for (const LayerTensor& tensor : r.inputs)
    if (tensor.shape.n != 1) return unsupported("has an input of batch {}, but loops are for 1", tensor.shape.n);
  if (r.output.shape.n != 1) return unsupported("has an output of batch {}, but loops are for 1", r.output.shape.n);
  return {};
}

}  // namespace

Result<std::vector<LayerStep>> layer_steps(const Layer& layer, std::span<const LayerTensor> inputs,
                                           const LayerTensor& output, const Target& target, std::string name,
                                           const Activation& input_activation, uint32_t strip_rows) {
  const Target chosen = target_for(layer, output, target);
  const LayerRequest request{layer, inputs, output, chosen, std::move(name), input_activation, strip_rows};
  if (Status s = check_batches(request); !s) return std::move(s).error();
  return kGenerators[layer.operation.index()](request);
}

bool has_loops(const Layer& layer, std::span<const Shape> inputs) {
  return layer.as<FullyConnected>() == nullptr || inputs[0].pixels() == 1;
}

bool takes_input_activation(const Layer& layer, const Shape& input) {
  const auto* c = layer.as<Convolution>();
  return c != nullptr && c->groups == input.c && c->groups > 1 && c->output_channels == c->groups;
}

// Windows slide over rows; a first convolution takes the few channels of an interleaved image as they are.
bool takes_layout(const Layer& layer, const Shape& input, LayoutKind kind) {
  const auto* c = layer.as<Convolution>();
  if (c == nullptr && layer.as<Pool>() == nullptr) return has_loops(layer, {&input, 1});
  if (kind == LayoutKind::kChannelRows || input.pixels() == 1) return true;
  return kind == LayoutKind::kInterleaved && c != nullptr && c->groups == 1 && input.c <= 4;
}
bool makes_layout(const Layer&, const Shape&, LayoutKind) { return true; }

}  // namespace espalier
