#include "ir/export/onnx_file.h"

#if defined(ESPALIER_HAS_ONNX)
#include <onnx/onnx_pb.h>

#include "ir/matrix_transpose.h"
#endif

namespace espalier {

#if defined(ESPALIER_HAS_ONNX)
namespace {

constexpr int64_t kOpset = 13, kIrVersion = 7;

class Writer {
 public:
  explicit Writer(const Network& network) : network_(network), graph_(*model_.mutable_graph()) {}

  Result<std::string> run() {
    model_.set_ir_version(kIrVersion);
    model_.set_producer_name("espalier");
    model_.add_opset_import()->set_version(kOpset);
    graph_.set_name(network_.name);
    for (const TensorId id : network_.inputs) write_value(*graph_.add_input(), id);
    for (TensorId id = 0; id < network_.tensors.size(); ++id)
      if (network_.tensors[id].is_constant()) write_constant(id);
    for (const Layer& layer : network_.layers)
      if (Status s = write_layer(layer); !s) return std::move(s).error().in(fmt::format("layer '{}'", layer.name));
    for (const TensorId id : network_.outputs) write_value(*graph_.add_output(), id);
    std::string bytes;
    if (!model_.SerializeToString(&bytes)) return limit_exceeded("an ONNX file may have at most 2 GiB");
    return bytes;
  }

 private:
  static std::string name_of(TensorId id) { return fmt::format("t{}", id); }

  /// Vectors have two dimensions, everything else four.
  std::vector<int64_t> dims_of(TensorId id) const {
    const Shape& s = network_.shape_of(id);
    if (is_vector(id)) return {s.n, s.c};
    return {s.n, s.c, s.h, s.w};
  }
  /// Outputs of fully connected layers, and what follows from them.
  bool is_vector(TensorId id) const {
    for (const Layer& layer : network_.layers) {
      if (layer.output != id) continue;
      if (layer.as<FullyConnected>()) return true;
      const bool keeps = layer.as<Unary>() || layer.as<Softmax>() || layer.as<Binary>();
      return keeps && is_vector(layer.inputs[0]);
    }
    return false;
  }

  void write_value(onnx::ValueInfoProto& value, TensorId id) {
    value.set_name(name_of(id));
    auto& type = *value.mutable_type()->mutable_tensor_type();
    type.set_elem_type(onnx::TensorProto::FLOAT);
    for (const int64_t size : dims_of(id)) type.mutable_shape()->add_dim()->set_dim_value(size);
  }

  template <typename T>
  std::string initializer(const std::string& name, const std::vector<int64_t>& dims, const std::vector<T>& values) {
    auto& t = *graph_.add_initializer();
    t.set_name(name);
    t.set_data_type(std::is_same_v<T, float> ? onnx::TensorProto::FLOAT : onnx::TensorProto::INT64);
    for (const int64_t size : dims) t.add_dims(size);
    t.set_raw_data(values.data(), values.size() * sizeof(T));
    return name;
  }

  void write_constant(TensorId id) {
    const Tensor& t = network_.tensors[id];
    const Shape& s = t.shape;
    initializer(name_of(id), {s.n, s.c, s.h, s.w}, transposed_matrices(t.data, s.pixels(), s.c));
  }

  onnx::NodeProto& node(std::string_view op, const std::vector<std::string>& inputs, const std::string& output) {
    auto& n = *graph_.add_node();
    n.set_op_type(std::string(op));
    n.set_name(fmt::format("{}_{}", op, graph_.node_size()));
    for (const std::string& input : inputs) n.add_input(input);
    n.add_output(output);
    return n;
  }
  static void set(onnx::NodeProto& n, const char* name, int64_t value) {
    auto& a = *n.add_attribute();
    a.set_name(name);
    a.set_type(onnx::AttributeProto::INT);
    a.set_i(value);
  }
  static void set(onnx::NodeProto& n, const char* name, float value) {
    auto& a = *n.add_attribute();
    a.set_name(name);
    a.set_type(onnx::AttributeProto::FLOAT);
    a.set_f(value);
  }
  static void set(onnx::NodeProto& n, const char* name, const std::vector<int64_t>& values) {
    auto& a = *n.add_attribute();
    a.set_name(name);
    a.set_type(onnx::AttributeProto::INTS);
    for (const int64_t value : values) a.add_ints(value);
  }

  /// A layer's nodes write to `inner`; its activation, if it has one, from there to the output.
  Status write_layer(const Layer& layer) {
    const std::string output = name_of(layer.output);
    const bool has_activation = !layer.activation.is_none() && !layer.as<Unary>();
    const std::string inner = has_activation ? output + "_sum" : output;
    if (Status s = write_operation(layer, inner); !s) return s;
    return has_activation ? write_activation(layer.activation, inner, output) : Status();
  }

  Status write_operation(const Layer& layer, const std::string& to) {
    const std::string from = name_of(layer.inputs[0]);
    if (const auto* c = layer.as<Convolution>()) {
      write_convolution(*c, network_.input_shape(layer).c, from, to);
      return {};
    }
    if (const auto* f = layer.as<FullyConnected>()) return write_product(*f, layer, from, to);
    if (const auto* b = layer.as<Binary>()) {
      static constexpr std::string_view kOps[] = {"Add", "Sub", "Mul"};
      node(kOps[static_cast<size_t>(b->kind)], {from, name_of(layer.inputs[1])}, to);
      return {};
    }
    if (layer.as<Unary>()) return write_activation(layer.activation, from, to);
    if (const auto* p = layer.as<Pool>()) {
      auto& n = node(p->kind == PoolKind::kMax ? "MaxPool" : "AveragePool", {from}, to);
      set(n, "kernel_shape", {p->window.height, p->window.width});
      write_window(n, p->window);
      return {};
    }
    if (layer.as<Mean>()) {
      node("GlobalAveragePool", {from}, to);
      return {};
    }
    if (const auto* s = layer.as<Softmax>(); s != nullptr && s->beta == 1) {
      set(node("Softmax", {from}, to), "axis", int64_t{1});
      return {};
    }
    if (layer.as<Concat>() && layer.as<Concat>()->axis == Axis::kChannel) {
      std::vector<std::string> parts;
      for (const TensorId input : layer.inputs) parts.push_back(name_of(input));
      set(node("Concat", parts, to), "axis", int64_t{1});
      return {};
    }
    return unsupported("{} is not written as ONNX", kind_name(layer.operation, network_.input_shape(layer).c));
  }

  static void write_window(onnx::NodeProto& n, const Window& w) {
    set(n, "strides", {w.stride_height, w.stride_width});
    set(n, "pads", {w.padding.top, w.padding.left, w.padding.bottom, w.padding.right});
  }

  void write_convolution(const Convolution& c, uint32_t inputs, const std::string& from, const std::string& to) {
    const uint32_t in = c.channels_per_group(inputs), taps = c.window.height * c.window.width;
    std::vector<std::string> operands = {from};
    operands.push_back(initializer(to + "_w", {c.output_channels, in, c.window.height, c.window.width},
                                   transposed_matrices(c.weights, taps, in)));
    if (!c.bias.empty()) operands.push_back(initializer(to + "_b", {c.output_channels}, c.bias));
    auto& n = node("Conv", operands, to);
    write_window(n, c.window);
    set(n, "dilations", {c.window.dilation_height, c.window.dilation_width});
    set(n, "group", int64_t{c.groups});
  }

  Status write_product(const FullyConnected& f, const Layer& layer, const std::string& from, const std::string& to) {
    if (network_.input_shape(layer).pixels() != 1) return unsupported("a matrix product on many pixels is not written");
    std::string vector = from;
    if (!is_vector(layer.inputs[0])) {
      vector = to + "_flat";
      set(node("Flatten", {from}, vector), "axis", int64_t{1});
    }
    std::vector<std::string> operands = {vector};
    operands.push_back(initializer(to + "_w", {f.output_features, network_.input_shape(layer).c}, f.weights));
    if (!f.bias.empty()) operands.push_back(initializer(to + "_b", {f.output_features}, f.bias));
    set(node("Gemm", operands, to), "transB", int64_t{1});
    return {};
  }

  Status write_activation(const Activation& a, const std::string& from, const std::string& to) {
    switch (a.kind) {
      case ActivationKind::kClamp: {
        const std::string low = a.clamp.has_low() ? initializer<float>(to + "_low", {}, {a.clamp.low}) : "";
        const std::string high = a.clamp.has_high() ? initializer<float>(to + "_high", {}, {a.clamp.high}) : "";
        node("Clip", {from, low, high}, to);
        return {};
      }
      case ActivationKind::kSigmoid:
        node("Sigmoid", {from}, to);
        return {};
      case ActivationKind::kTanh:
        node("Tanh", {from}, to);
        return {};
      case ActivationKind::kSwish:
        node("Sigmoid", {from}, to + "_gate");
        node("Mul", {from, to + "_gate"}, to);
        return {};
      case ActivationKind::kHardSwish:
        write_hard_sigmoid(1.0f / 6, 0.5f, from, to + "_gate");
        node("Mul", {from, to + "_gate"}, to);
        return {};
      case ActivationKind::kHardSigmoid:
        write_hard_sigmoid(a.alpha, a.beta, from, to);
        return {};
      case ActivationKind::kLeakyRelu:
        set(node("LeakyRelu", {from}, to), "alpha", a.alpha);
        return {};
      case ActivationKind::kNone:
        node("Identity", {from}, to);
        return {};
    }
    return {};
  }
  void write_hard_sigmoid(float alpha, float beta, const std::string& from, const std::string& to) {
    auto& n = node("HardSigmoid", {from}, to);
    set(n, "alpha", alpha);
    set(n, "beta", beta);
  }

  const Network& network_;
  onnx::ModelProto model_;
  onnx::GraphProto& graph_;
};

}  // namespace

Result<std::string> onnx_bytes(const Network& network) { return Writer(network).run(); }
#else
Result<std::string> onnx_bytes(const Network&) {
  return unsupported("this espalier was built without ONNX (Debian: libonnx-dev, libprotobuf-dev)");
}
#endif

}  // namespace espalier
