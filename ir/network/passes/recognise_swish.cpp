#include <cmath>

#include "ir/network/passes/passes.h"
#include "ir/network/passes/rewrite.h"

namespace espalier {
namespace {

/// 1/6 as exporters write it may be a neighbour of the nearest fp32.
bool is_about(float value, double wanted) { return std::abs(double{value} - wanted) <= 1e-6 * std::abs(wanted); }

/// The constant that a tensor holds in every element.
std::optional<float> scalar(const Network& network, TensorId id) {
  const Tensor& tensor = network.tensors[id];
  if (!tensor.is_constant()) return std::nullopt;
  for (const float value : tensor.data)
    if (value != tensor.data[0]) return std::nullopt;
  return tensor.data[0];
}

class SwishFinder {
 public:
  explicit SwishFinder(const Network& network) : network_(network), uses_(network) {}

  /// What a multiplication is, if it is x times a gate of x; `x` is then the tensor.
  std::optional<ActivationKind> gated(const Layer& product, TensorId& x) const {
    if (!is_multiplication(product)) return std::nullopt;
    for (const size_t i : {size_t{0}, size_t{1}}) {
      x = product.inputs[1 - i];
      if (const auto kind = gate_of(product.inputs[i], x)) return kind;
    }
    return sixth_of_product(product, x);
  }

 private:
  static bool is_multiplication(const Layer& layer) {
    const auto* binary = layer.as<Binary>();
    return binary != nullptr && binary->kind == BinaryKind::kMultiply && layer.activation.is_none();
  }

  const Layer* made_by(TensorId tensor) const {
    const auto producer = uses_.producer(tensor);
    return producer ? &network_.layers[*producer] : nullptr;
  }

  /// sigmoid(x), hard_sigmoid(x), clamp(x + 3, 0, 6) * (1/6).
  std::optional<ActivationKind> gate_of(TensorId gate, TensorId x) const {
    const Layer* layer = made_by(gate);
    if (layer == nullptr) return std::nullopt;
    if (layer->as<Unary>() != nullptr && layer->inputs[0] == x) return gate_function(layer->activation);
    const auto shifted = without_sixth(*layer);
    if (shifted && is_shifted_clamp(*shifted, x)) return ActivationKind::kHardSwish;
    return std::nullopt;
  }

  static std::optional<ActivationKind> gate_function(const Activation& a) {
    if (a.kind == ActivationKind::kSigmoid) return ActivationKind::kSwish;
    const bool sixth = is_about(a.alpha, 1.0 / 6) && is_about(a.beta, 0.5);
    if (a.kind == ActivationKind::kHardSigmoid && sixth) return ActivationKind::kHardSwish;
    return std::nullopt;
  }

  /// (x * clamp(x + 3, 0, 6)) * (1/6).
  std::optional<ActivationKind> sixth_of_product(const Layer& layer, TensorId& x) const {
    const auto inner = without_sixth(layer);
    const Layer* product = inner ? made_by(*inner) : nullptr;
    if (product == nullptr || !is_multiplication(*product)) return std::nullopt;
    for (const size_t i : {size_t{0}, size_t{1}}) {
      x = product->inputs[1 - i];
      if (is_shifted_clamp(product->inputs[i], x)) return ActivationKind::kHardSwish;
    }
    return std::nullopt;
  }

  /// The other factor of a multiplication by 1/6.
  std::optional<TensorId> without_sixth(const Layer& layer) const {
    if (!is_multiplication(layer)) return std::nullopt;
    for (const size_t i : {size_t{0}, size_t{1}}) {
      const auto factor = scalar(network_, layer.inputs[i]);
      if (factor && is_about(*factor, 1.0 / 6)) return layer.inputs[1 - i];
    }
    return std::nullopt;
  }

  /// clamp(x + 3, 0, 6), with the clamp fused into the addition or behind it.
  bool is_shifted_clamp(TensorId tensor, TensorId x) const {
    const Layer* layer = made_by(tensor);
    if (layer == nullptr || layer->activation != Activation::relu6()) return false;
    if (layer->as<Unary>() != nullptr) {
      layer = made_by(layer->inputs[0]);
      if (layer == nullptr || !layer->activation.is_none()) return false;
    }
    const auto* binary = layer->as<Binary>();
    if (binary == nullptr || binary->kind != BinaryKind::kAdd) return false;
    for (const size_t i : {size_t{0}, size_t{1}})
      if (layer->inputs[i] == x && scalar(network_, layer->inputs[1 - i]) == 3.0f) return true;
    return false;
  }

  const Network& network_;
  Uses uses_;
};

}  // namespace

void recognise_swish(Network& network) {
  const SwishFinder finder(network);
  for (Layer& layer : network.layers) {
    TensorId x = 0;
    const auto kind = finder.gated(layer, x);
    if (!kind || network.shape_of(x) != network.output_shape(layer)) continue;
    layer.operation = Unary{};
    layer.inputs = {x};
    layer.activation = Activation::of(*kind);
  }
  drop_unused(network);
}

}  // namespace espalier
