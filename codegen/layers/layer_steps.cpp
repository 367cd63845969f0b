#include "codegen/layers/layer_steps.h"

#include <algorithm>
#include <iterator>

#include "codegen/layers/element_layers.h"
#include "codegen/layers/fully_connected.h"
#include "codegen/layers/image_layers.h"
#include "codegen/layers/movement_layers.h"
#include "codegen/layers/softmax_layer.h"

namespace espalier {
namespace {

LayerSteps no_steps(const LayerRequest& r) {
  return unsupported("layers of kind {} have no loops", kind_name(r.layer.operation, r.inputs[0].shape.c));
}

/// By the place of the kind in Operation.
using Generator = LayerSteps (*)(const LayerRequest&);
constexpr Generator kGenerators[] = {
    no_steps,  // Convolution
    fully_connected_steps,
    batch_norm_steps,
    binary_steps,
    unary_steps,
    prelu_steps,
    no_steps,  // Pool
    mean_steps,
    resize_steps,
    depth_to_space_steps,
    concat_steps,
    pad_steps,
    reshape_steps,
    softmax_steps,
};
static_assert(std::size(kGenerators) == std::variant_size_v<Operation>);

Status check_batches(const LayerRequest& r) {
  for (const LayerTensor& tensor : r.inputs)
    if (tensor.shape.n != 1) return unsupported("has an input of batch {}, but loops are for 1", tensor.shape.n);
  if (r.output.shape.n != 1) return unsupported("has an output of batch {}, but loops are for 1", r.output.shape.n);
  return {};
}

}  // namespace

Result<std::vector<LayerStep>> layer_steps(const Layer& layer, std::span<const LayerTensor> inputs,
                                           const LayerTensor& output, const Target& target, std::string name) {
  const LayerRequest request{layer, inputs, output, target, std::move(name)};
  if (Status s = check_batches(request); !s) return std::move(s).error();
  return kGenerators[layer.operation.index()](request);
}

bool has_loops(const Layer& layer, std::span<const Shape> inputs) {
  if (layer.as<FullyConnected>() != nullptr) return inputs[0].pixels() == 1;
  return kGenerators[layer.operation.index()] != no_steps;
}

bool takes_layout(const Layer& layer, const Shape& input, LayoutKind) { return has_loops(layer, {&input, 1}); }
bool makes_layout(const Layer&, const Shape&, LayoutKind) { return true; }

}  // namespace espalier
