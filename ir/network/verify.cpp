// Everything that network.h promises, checked.
#include <cmath>
#include <span>

#include "ir/network/network.h"

namespace espalier {
namespace {

using Inputs = std::span<const Shape>;

Status check_finite(std::string_view what, std::span<const float> values) {
  for (size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i])) return bad_input("{} {} is {}, but must be finite", what, i, values[i]);
  return {};
}

Status check_values(std::string_view what, std::span<const float> values, uint64_t wanted) {
  if (values.size() != wanted) return bad_input("has {} {} values, but needs {}", values.size(), what, wanted);
  return check_finite(what, values);
}

Status check_bias(std::span<const float> bias, uint64_t wanted) {
  return bias.empty() ? Status() : check_values("bias", bias, wanted);
}

Status check_parameters(const Convolution& c, Inputs in) {
  const Shape shape = c.weight_shape(in[0].c);
  if (c.weights.size() != shape.elements())
    return bad_input("has {} weights, but shape {} needs {}", c.weights.size(), to_string(shape), shape.elements());
  if (Status s = check_finite("weight", c.weights); !s) return s;
  return check_bias(c.bias, c.output_channels);
}

Status check_parameters(const FullyConnected& f, Inputs in) {
  const uint64_t wanted = uint64_t{f.output_features} * in[0].c;
  if (f.weights.size() != wanted)
    return bad_input("has {} weights, but {}x{} needs {}", f.weights.size(), f.output_features, in[0].c, wanted);
  if (Status s = check_finite("weight", f.weights); !s) return s;
  return check_bias(f.bias, f.output_features);
}

Status check_parameters(const BatchNorm& b, Inputs in) {
  const struct {
    std::string_view what;
    const std::vector<float>& values;
  } rows[] = {{"scale", b.scale}, {"offset", b.offset}, {"mean", b.mean}, {"variance", b.variance}};
  for (const auto& row : rows)
    if (Status s = check_values(row.what, row.values, in[0].c); !s) return s;
  for (size_t c = 0; c < b.variance.size(); ++c)
    if (!(double{b.variance[c]} + double{b.epsilon} > 0))
      return bad_input("variance {} is {}, with epsilon {}, but their sum must be positive", c, b.variance[c],
                       b.epsilon);
  return check_finite("epsilon", {&b.epsilon, 1});
}

Status check_parameters(const Prelu& p, Inputs in) { return check_values("slope", p.slopes, in[0].c); }
Status check_parameters(const Pad& p, Inputs) { return check_finite("padding value", {&p.value, 1}); }
Status check_parameters(const Softmax& s, Inputs) { return check_finite("beta", {&s.beta, 1}); }

Status check_parameters(const Resize& r, Inputs) {
  if (r.kind == ResizeKind::kBilinear && r.rounding != ResizeRounding::kFloor)
    return bad_input("is bilinear, but has a rounding");
  return {};
}

template <typename T>
Status check_parameters(const T&, Inputs) {
  return {};
}

/// The state of a walk over the layers: which tensors have a value by now.
class Verifier {
 public:
  explicit Verifier(const Network& network) : network_(network), has_value_(network.tensors.size(), false) {}

  Status run() {
    if (Status s = check_tensors(); !s) return s;
    if (Status s = take_inputs(); !s) return s;
    for (size_t i = 0; i < network_.layers.size(); ++i)
      if (Status s = take_layer(network_.layers[i]); !s)
        return std::move(s).error().in(
            fmt::format("layer {} '{}' ({})", i, network_.layers[i].name, kind_name(network_.layers[i].operation)));
    for (const TensorId output : network_.outputs)
      if (Status s = check_known(output); !s) return std::move(s).error().in("output");
    if (network_.outputs.empty()) return bad_input("the network has no outputs, but needs at least 1");
    return {};
  }

 private:
  Status check_tensors() {
    uint64_t elements = 0;
    for (size_t i = 0; i < network_.tensors.size(); ++i) {
      const Tensor& tensor = network_.tensors[i];
      if (Status s = check_tensor(tensor); !s)
        return std::move(s).error().in(fmt::format("tensor {} '{}'", i, tensor.name));
      elements += tensor.shape.elements();
      if (elements > kMaxNetworkElements)
        return limit_exceeded("its tensors have {} elements or more, but at most {} are allowed", elements,
                              kMaxNetworkElements);
      has_value_[i] = tensor.is_constant();
    }
    return {};
  }

  static Status check_tensor(const Tensor& tensor) {
    if (Status s = check_shape(tensor.shape); !s) return s;
    if (!tensor.is_constant()) return {};
    if (tensor.data.size() != tensor.shape.elements())
      return bad_input("has {} values, but shape {} needs {}", tensor.data.size(), to_string(tensor.shape),
                       tensor.shape.elements());
    return check_finite("value", tensor.data);
  }

  Status take_inputs() {
    for (const TensorId input : network_.inputs)
      if (Status s = define(input); !s) return std::move(s).error().in("input");
    return {};
  }

  Status take_layer(const Layer& layer) {
    std::vector<Shape> shapes;
    for (const TensorId input : layer.inputs) {
      if (Status s = check_known(input); !s) return s;
      shapes.push_back(network_.shape_of(input));
    }
    const Result<Shape> shape = inferred_shape(layer.operation, shapes);
    if (!shape) return shape.error();
    if (Status s = check_layer(layer, shapes); !s) return s;
    if (Status s = define(layer.output); !s) return s;
    if (*shape != network_.output_shape(layer))
      return bad_input("makes {}, but its output tensor '{}' has shape {}", to_string(*shape),
                       network_.tensors[layer.output].name, to_string(network_.output_shape(layer)));
    return {};
  }

  Status check_exists(TensorId tensor) const {
    if (tensor < network_.tensors.size()) return {};
    return bad_input("refers to tensor {}, but the network has {}", tensor, network_.tensors.size());
  }

  Status check_known(TensorId tensor) const {
    if (Status s = check_exists(tensor); !s) return s;
    if (has_value_[tensor]) return {};
    return bad_input("reads tensor {} '{}', which nothing before it makes", tensor, network_.tensors[tensor].name);
  }

  Status define(TensorId tensor) {
    if (Status s = check_exists(tensor); !s) return s;
    if (has_value_[tensor])
      return bad_input("makes tensor {} '{}', which already has a value", tensor, network_.tensors[tensor].name);
    has_value_[tensor] = true;
    return {};
  }

  const Network& network_;
  std::vector<bool> has_value_;
};

}  // namespace

Status check_layer(const Layer& layer, std::span<const Shape> inputs) {
  const bool is_unary = layer.as<Unary>() != nullptr;
  if (is_unary && layer.activation.is_none()) return bad_input("is an activation, but has none");
  if (!layer.activation.is_none() && !takes_activation(layer.operation))
    return bad_input("has activation {}, but a layer of kind {} takes none", to_string(layer.activation),
                     kind_name(layer.operation));
  if (Status s = check_activation(layer.activation); !s) return s;
  return std::visit([&](const auto& typed) { return check_parameters(typed, inputs); }, layer.operation);
}

Status verify(const Network& network) { return Verifier(network).run(); }

}  // namespace espalier
