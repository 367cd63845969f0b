#include "ir/export/tflite_file.h"

#include <bit>

#include "ir/export/tflite_builder.h"
#include "ir/import/tflite_schema.h"

namespace espalier {
namespace {

namespace field = tflite_field;

enum Code : int32_t {
  kAdd = 0,
  kAveragePool = 1,
  kConv2d = 3,
  kDepthwise = 4,
  kDepthToSpace = 5,
  kFullyConnected = 9,
  kLogistic = 14,
  kMaxPool = 17,
  kMul = 18,
  kRelu = 19,
  kReluN1To1 = 20,
  kRelu6 = 21,
  kSoftmax = 25,
  kTanh = 28,
  kPad = 34,
  kMean = 40,
  kSub = 41,
  kPadV2 = 60,
  kHardSwish = 117,
  kDensify = 124
};
/// Numbers of the schema's union BuiltinOptions.
enum OptionsType : uint8_t {
  kNoOptions = 0,
  kConvOptions = 1,
  kDepthwiseOptions = 2,
  kPoolOptions = 5,
  kFullyConnectedOptions = 8,
  kSoftmaxOptions = 9,
  kAddOptions = 11,
  kMulOptions = 21,
  kPadOptions = 22,
  kReducerOptions = 27,
  kSubOptions = 28,
  kDepthToSpaceOptions = 94
};

constexpr int8_t kSame = 0, kValid = 1;
constexpr int8_t kNoActivation = 0;
constexpr int32_t kNoTensor = -1;

TfliteOption word(unsigned number, uint32_t value) { return {number, static_cast<int32_t>(value)}; }

template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// An activation as TFLite says it: the code to fuse, and the operator.
struct ActivationRow {
  Activation activation;
  int8_t fused;  ///< 0: cannot be fused
  int32_t code;
};
const ActivationRow kActivations[] = {{Activation::relu(), 1, kRelu},
                                      {Activation::clamped(-1, 1), 2, kReluN1To1},
                                      {Activation::relu6(), 3, kRelu6},
                                      {Activation::of(ActivationKind::kTanh), 0, kTanh},
                                      {Activation::of(ActivationKind::kSigmoid), 0, kLogistic},
                                      {Activation::of(ActivationKind::kHardSwish), 0, kHardSwish}};

const ActivationRow* find_activation(const Activation& activation) {
  for (const ActivationRow& row : kActivations)
    if (row.activation == activation) return &row;
  return nullptr;
}

class Exporter {
 public:
  Exporter(const Network& network, WeightStore store)
      : network_(network), store_(store), is_row_(network.tensors.size(), false) {}

  Result<std::string> run() {
    model_.description = network_.name;
    for (const Tensor& tensor : network_.tensors)
      add_tensor({tensor.name, shape_of(tensor.shape, false), bytes_of(tensor.data), 0});
    for (const Layer& layer : network_.layers)
      if (Status s = write(layer); !s) return std::move(s).error().in(fmt::format("layer '{}'", layer.name));
    for (const TensorId id : network_.inputs) model_.inputs.push_back(static_cast<int32_t>(id));
    for (const TensorId id : network_.outputs) model_.outputs.push_back(static_cast<int32_t>(id));
    return built_tflite(model_);
  }

 private:
  static std::vector<int32_t> shape_of(const Shape& s, bool is_row) {
    const auto size = [](uint32_t value) { return static_cast<int32_t>(value); };
    if (is_row) return {size(s.n), size(s.c)};
    return {size(s.n), size(s.h), size(s.w), size(s.c)};
  }

  int32_t add_tensor(TfliteTensorOut tensor) {
    model_.tensors.push_back(std::move(tensor));
    return static_cast<int32_t>(model_.tensors.size() - 1);
  }
  int32_t add_floats(const std::string& name, std::vector<int32_t> shape, const std::vector<float>& values) {
    return add_tensor({name, std::move(shape), bytes_of(values), 0});
  }
  /// The dense tensor, which a DENSIFY makes where it is stored sparsely.
  int32_t add_weights(const std::string& name, const std::vector<int32_t>& shape, const std::vector<float>& values) {
    std::optional<TflitePacked> packed;
    if (store_ == WeightStore::kSparse) packed = packed_sparse(shape, values);
    if (!packed) return add_floats(name, shape, values);
    const int32_t stored =
        add_tensor({name + "/packed", shape, bytes_of(packed->values), 0, std::move(packed->sparsity)});
    const int32_t dense = add_tensor({name, shape, {}, 0});
    model_.operators.push_back({kDensify, {stored}, dense});
    return dense;
  }
  int32_t add_integers(const std::string& name, std::vector<int32_t> shape, const std::vector<int32_t>& values) {
    return add_tensor({name, std::move(shape), bytes_of(values), 2});
  }
  /// A tensor between two operators of one layer.
  int32_t add_inner(const Layer& layer, const char* suffix) {
    const std::vector<int32_t> shape = model_.tensors[layer.output].shape;
    return add_tensor({layer.name + suffix, shape, {}, 0});
  }

  void make_row(TensorId tensor) {
    is_row_[tensor] = true;
    model_.tensors[tensor].shape = shape_of(network_.shape_of(tensor), true);
  }

  Status write(const Layer& layer) {
    return std::visit([&](const auto& operation) { return write(operation, layer); }, layer.operation);
  }

  template <typename T>
  Status write(const T&, const Layer& layer) {
    return unsupported("a layer of kind {} cannot be written as TFLite", kind_name(layer.operation));
  }

  /// The operator with its activation, fused or behind it. `activation_field` is where its options keep that.
  Status write_activated(const Layer& layer, TfliteOperatorOut op, unsigned activation_field) {
    const ActivationRow* row = find_activation(layer.activation);
    const bool is_fused = layer.activation.is_none() || (row != nullptr && row->fused != 0);
    op.options.push_back({activation_field, is_fused && row != nullptr ? row->fused : kNoActivation});
    op.output = is_fused ? static_cast<int32_t>(layer.output) : add_inner(layer, "/plain");
    const int32_t plain = op.output;
    model_.operators.push_back(std::move(op));
    return is_fused ? Status() : write_function(layer, plain);
  }

  Status write_function(const Layer& layer, int32_t input) {
    const auto output = static_cast<int32_t>(layer.output);
    if (layer.activation.kind == ActivationKind::kSwish) {
      const int32_t gate = add_inner(layer, "/gate");
      model_.operators.push_back({kLogistic, {input}, gate});
      model_.operators.push_back({kMul, {input, gate}, output, kMulOptions, {}});
      return {};
    }
    if (layer.activation.kind == ActivationKind::kHardSigmoid) return write_hard_sigmoid(layer, input);
    const ActivationRow* row = find_activation(layer.activation);
    if (row == nullptr) return unsupported("activation {} cannot be written as TFLite", to_string(layer.activation));
    model_.operators.push_back({row->code, {input}, output});
    return {};
  }

  /// relu6(6 * alpha * x + 6 * beta) / 6
  Status write_hard_sigmoid(const Layer& layer, int32_t input) {
    constexpr int8_t kFusedRelu6 = 3;
    const std::string& name = layer.name;
    const int32_t slope = add_floats(name + "/slope", {1}, {6 * layer.activation.alpha}),
                  offset = add_floats(name + "/offset", {1}, {6 * layer.activation.beta}),
                  sixth = add_floats(name + "/sixth", {1}, {1.0f / 6});
    const int32_t scaled = add_inner(layer, "/scaled"), clamped = add_inner(layer, "/clamped");
    model_.operators.push_back({kMul, {input, slope}, scaled, kMulOptions, {}});
    model_.operators.push_back(
        {kAdd, {scaled, offset}, clamped, kAddOptions, {{field::kBinaryActivation, kFusedRelu6}}});
    model_.operators.push_back({kMul, {clamped, sixth}, static_cast<int32_t>(layer.output), kMulOptions, {}});
    return {};
  }

  /// Padding before the layer where TFLite has no name for it.
  int32_t padded(const Layer& layer, const Padding& p) {
    Shape shape = network_.input_shape(layer);
    shape.h += p.top + p.bottom;
    shape.w += p.left + p.right;
    const auto size = [](uint32_t value) { return static_cast<int32_t>(value); };
    const int32_t paddings = add_integers(layer.name + "/paddings", {4, 2},
                                          {0, 0, size(p.top), size(p.bottom), size(p.left), size(p.right), 0, 0});
    const int32_t output = add_tensor({layer.name + "/padded", shape_of(shape, false), {}, 0});
    model_.operators.push_back({kPad, {static_cast<int32_t>(layer.inputs[0]), paddings}, output, kPadOptions, {}});
    return output;
  }

  static bool is_same(const Window& window, const Shape& input) {
    return window.padding == same_padding(window, input);
  }

  Status write(const Convolution& c, const Layer& layer) {
    const Shape& in = network_.input_shape(layer);
    const Window& w = c.window;
    const bool depthwise = c.groups > 1 && c.groups == in.c, same = w.is_padded() && is_same(w, in);
    const int32_t input = same || !w.is_padded() ? static_cast<int32_t>(layer.inputs[0]) : padded(layer, w.padding);
    TfliteOperatorOut op{depthwise ? kDepthwise : kConv2d, {input, weights_of(c, layer, depthwise)}, kNoTensor};
    op.inputs.push_back(bias_of(layer, c.bias, c.output_channels));
    op.options_type = depthwise ? kDepthwiseOptions : kConvOptions;
    op.options = {{field::kWindowPadding, same ? kSame : kValid},
                  word(field::kWindowStrideW, w.stride_width),
                  word(field::kWindowStrideH, w.stride_height),
                  word(depthwise ? field::kDepthwiseDilationW : unsigned{field::kConvDilationW}, w.dilation_width),
                  word(depthwise ? field::kDepthwiseDilationH : unsigned{field::kConvDilationH}, w.dilation_height)};
    if (depthwise) op.options.push_back(word(field::kDepthMultiplier, c.output_channels / in.c));
    return write_activated(layer, std::move(op),
                           depthwise ? field::kDepthwiseActivation : unsigned{field::kConvActivation});
  }

  int32_t weights_of(const Convolution& c, const Layer& layer, bool depthwise) {
    const Shape shape = c.weight_shape(network_.input_shape(layer).c);
    const std::string name = layer.name + "/weights";
    if (!depthwise) return add_weights(name, shape_of(shape, false), c.weights);
    // [channels][h][w][1] to [1][h][w][channels]
    const uint64_t places = shape.pixels();
    std::vector<float> turned(c.weights.size());
    for (uint64_t o = 0; o < shape.n; ++o)
      for (uint64_t p = 0; p < places; ++p) turned[p * shape.n + o] = c.weights[o * places + p];
    return add_floats(name, shape_of({1, shape.h, shape.w, shape.n}, false), turned);
  }

  /// Interpreters want one, also of zeros.
  int32_t bias_of(const Layer& layer, std::vector<float> bias, uint32_t outputs) {
    bias.resize(outputs, 0.0f);
    return add_floats(layer.name + "/bias", {static_cast<int32_t>(outputs)}, bias);
  }

  Status write(const FullyConnected& f, const Layer& layer) {
    const Shape& in = network_.input_shape(layer);
    if (in.pixels() != 1)
      return unsupported("is fully connected on {} pixels, but only 1 can be written as TFLite", in.pixels());
    make_row(layer.output);
    const auto outputs = static_cast<int32_t>(f.output_features);
    const int32_t weights = add_weights(layer.name + "/weights", {outputs, static_cast<int32_t>(in.c)}, f.weights);
    return write_activated(layer,
                           {kFullyConnected,
                            {static_cast<int32_t>(layer.inputs[0]), weights, bias_of(layer, f.bias, f.output_features)},
                            kNoTensor,
                            kFullyConnectedOptions,
                            {}},
                           field::kFullyConnectedActivation);
  }

  Status write(const Binary& b, const Layer& layer) {
    constexpr int32_t kCodes[] = {kAdd, kSub, kMul};
    constexpr uint8_t kTypes[] = {kAddOptions, kSubOptions, kMulOptions};
    const auto kind = static_cast<size_t>(b.kind);
    if (is_row_[layer.inputs[0]] != is_row_[layer.inputs[1]])
      return unsupported("combines what a fully connected layer made with what another layer made");
    if (is_row_[layer.inputs[0]]) make_row(layer.output);
    return write_activated(layer,
                           {kCodes[kind],
                            {static_cast<int32_t>(layer.inputs[0]), static_cast<int32_t>(layer.inputs[1])},
                            kNoTensor,
                            kTypes[kind],
                            {}},
                           field::kBinaryActivation);
  }

  Status write(const Unary&, const Layer& layer) {
    if (is_row_[layer.inputs[0]]) make_row(layer.output);
    return write_function(layer, static_cast<int32_t>(layer.inputs[0]));
  }

  Status write_plain(const Layer& layer, int32_t code, uint8_t options_type, std::vector<TfliteOption> options,
                     std::vector<int32_t> more_inputs = {}) {
    more_inputs.insert(more_inputs.begin(), static_cast<int32_t>(layer.inputs[0]));
    model_.operators.push_back(
        {code, std::move(more_inputs), static_cast<int32_t>(layer.output), options_type, std::move(options)});
    return {};
  }

  Status write(const Softmax& s, const Layer& layer) {
    if (is_row_[layer.inputs[0]]) make_row(layer.output);
    return write_plain(layer, kSoftmax, kSoftmaxOptions, {{field::kBeta, s.beta}});
  }

  Status write(const Mean&, const Layer& layer) {
    const int32_t axes = add_integers(layer.name + "/axes", {2}, {1, 2});
    return write_plain(layer, kMean, kReducerOptions, {{field::kKeepDims, int8_t{1}}}, {axes});
  }

  Status write(const DepthToSpace& d, const Layer& layer) {
    if (d.order != DepthOrder::kBlockFirst)
      return unsupported("has its channels first, but TFLite has its blocks first");
    return write_plain(layer, kDepthToSpace, kDepthToSpaceOptions, {word(field::kBlockSize, d.block)});
  }

  Status write(const Pool& p, const Layer& layer) {
    const Window& w = p.window;
    const bool same = w.is_padded() && is_same(w, network_.input_shape(layer));
    if (w.is_padded() && !same) return unsupported("is a pool whose padding is neither SAME nor VALID");
    return write_plain(layer, p.kind == PoolKind::kAverage ? kAveragePool : kMaxPool, kPoolOptions,
                       {{field::kWindowPadding, same ? kSame : kValid},
                        word(field::kWindowStrideW, w.stride_width),
                        word(field::kWindowStrideH, w.stride_height),
                        word(field::kPoolWidth, w.width),
                        word(field::kPoolHeight, w.height)});
  }

  Status write(const Pad& p, const Layer& layer) {
    std::vector<int32_t> lines;
    for (size_t a = 0; a < kAxes; ++a)
      for (const uint32_t count : {p.before[a], p.after[a]}) lines.push_back(static_cast<int32_t>(count));
    const int32_t paddings = add_integers(layer.name + "/paddings", {4, 2}, lines);
    if (p.value == 0) return write_plain(layer, kPad, kPadOptions, {}, {paddings});
    const int32_t value = add_floats(layer.name + "/value", {1}, {p.value});
    return write_plain(layer, kPadV2, kNoOptions, {}, {paddings, value});
  }

  const Network& network_;
  const WeightStore store_;
  std::vector<bool> is_row_;  ///< has two dimensions in the file
  TfliteModelOut model_;
};

}  // namespace

Result<std::string> tflite_bytes(const Network& network, WeightStore store) {
  if (Status s = verify(network); !s) return std::move(s).error();
  return Exporter(network, store).run();
}

}  // namespace espalier
