// Operators with constant weights.
#include "ir/import/tflite_graph_import.h"
#include "ir/import/tflite_schema.h"

namespace espalier {
namespace {

namespace field = tflite_field;

enum Inputs : size_t { kInput = 0, kWeights = 1, kBias = 2 };

/// Where an operator's options keep what Conv2DOptions and DepthwiseConv2DOptions keep in different places.
struct ConvFields {
  unsigned dilation_w, dilation_h, activation;
};
constexpr ConvFields kConvFields = {field::kConvDilationW, field::kConvDilationH, field::kConvActivation};
constexpr ConvFields kDepthwiseFields = {field::kDepthwiseDilationW, field::kDepthwiseDilationH,
                                         field::kDepthwiseActivation};

Result<TfliteConstant> read_weights(TfliteOperatorImport& op, size_t rank) {
  if (!op.is_constant(kWeights))
    return unsupported("its weights (tensor {}) are computed at run time, but must be constant",
                       op.input_index(kWeights));
  Result<TfliteConstant> weights = op.constant(kWeights);
  if (!weights) return std::move(weights).error().in("weights");
  if (weights->shape.size() != rank)
    return bad_input("has weights of {} dimensions, but must have {}", weights->shape.size(), rank);
  for (const uint64_t size : weights->shape)
    if (size > kMaxTensorElements)
      return limit_exceeded("has weights of shape ({}), but a tensor may have at most {} elements",
                            fmt::join(weights->shape, ", "), kMaxTensorElements);
  return weights;
}

Result<std::vector<float>> read_bias(TfliteOperatorImport& op) {
  if (!op.has_input(kBias)) return std::vector<float>{};
  Result<TfliteConstant> bias = op.constant(kBias);
  if (!bias) return std::move(bias).error().in("bias");
  return std::move(bias->values);
}

Result<Window> read_window(TfliteOperatorImport& op, const TfliteConstant& weights, const ConvFields& fields,
                           const Shape& input) {
  const Result<uint32_t> stride_h = op.option(field::kWindowStrideH, 0, 1, kMaxWindow, "stride_h"),
                         stride_w = op.option(field::kWindowStrideW, 0, 1, kMaxWindow, "stride_w"),
                         dilation_h = op.option(fields.dilation_h, 1, 1, kMaxWindow, "dilation_h_factor"),
                         dilation_w = op.option(fields.dilation_w, 1, 1, kMaxWindow, "dilation_w_factor");
  for (const auto* option : {&stride_h, &stride_w, &dilation_h, &dilation_w})
    if (!*option) return option->error();
  if (weights.shape[1] > kMaxWindow || weights.shape[2] > kMaxWindow)
    return limit_exceeded("has a window of {}x{}, but at most {} is allowed", weights.shape[1], weights.shape[2],
                          kMaxWindow);
  Window window{static_cast<uint32_t>(weights.shape[1]),
                static_cast<uint32_t>(weights.shape[2]),
                *stride_h,
                *stride_w,
                *dilation_h,
                *dilation_w,
                {}};
  const Result<Padding> padding = op.padding(window, input);
  if (!padding) return padding.error();
  window.padding = *padding;
  return window;
}

/// [1, h, w, output channels] to [output channels, h, w, 1].
std::vector<float> channels_to_front(const TfliteConstant& weights) {
  const uint64_t channels = weights.shape[3], places = weights.shape[1] * weights.shape[2];
  std::vector<float> turned(weights.values.size());
  for (uint64_t p = 0; p < places; ++p)
    for (uint64_t c = 0; c < channels; ++c) turned[c * places + p] = weights.values[p * channels + c];
  return turned;
}

/// A convolution with everything but its weights, groups and channels.
Result<Convolution> read_convolution(TfliteOperatorImport& op, const TfliteConstant& weights, const ConvFields& fields,
                                     const Shape& input) {
  Result<Window> window = read_window(op, weights, fields, input);
  if (!window) return std::move(window).error();
  Result<std::vector<float>> bias = read_bias(op);
  if (!bias) return std::move(bias).error();
  return Convolution{*window, 1, 0, {}, *std::move(bias)};
}

Status take_conv2d(TfliteOperatorImport& op) {
  const Result<TensorId> input = op.value(kInput);
  if (!input) return input.error();
  Result<TfliteConstant> weights = read_weights(op, 4);
  if (!weights) return std::move(weights).error();
  const Shape shape = op.shape_of(*input);
  const auto per_group = static_cast<uint32_t>(weights->shape[3]);
  if (shape.c % per_group != 0)
    return bad_input("has {} input channels, but its weights are for {} in each group", shape.c, per_group);
  Result<Convolution> c = read_convolution(op, *weights, kConvFields, shape);
  if (!c) return std::move(c).error();
  c->groups = shape.c / per_group;
  c->output_channels = static_cast<uint32_t>(weights->shape[0]);
  c->weights = std::move(weights->values);
  const Result<Activation> activation = op.fused_activation(kConvFields.activation);
  if (!activation) return activation.error();
  return op.emit(*std::move(c), {*input}, *activation);
}

Status take_depthwise(TfliteOperatorImport& op) {
  const Result<TensorId> input = op.value(kInput);
  if (!input) return input.error();
  Result<TfliteConstant> weights = read_weights(op, 4);
  if (!weights) return std::move(weights).error();
  const Shape shape = op.shape_of(*input);
  if (weights->shape[0] != 1 || weights->shape[3] % shape.c != 0)
    return bad_input("has weights of shape ({}), but must have (1, height, width, a multiple of {} input channels)",
                     fmt::join(weights->shape, ", "), shape.c);
  Result<Convolution> c = read_convolution(op, *weights, kDepthwiseFields, shape);
  if (!c) return std::move(c).error();
  c->groups = shape.c;
  c->output_channels = static_cast<uint32_t>(weights->shape[3]);
  c->weights = channels_to_front(*weights);
  const Result<Activation> activation = op.fused_activation(kDepthwiseFields.activation);
  if (!activation) return activation.error();
  return op.emit(*std::move(c), {*input}, *activation);
}

/// The input as rows of as many values as the weights have columns. Unless the operator keeps its dimensions, rows may
/// be cut through them.
Result<TensorId> rows_of(TfliteOperatorImport& op, TensorId input, uint64_t columns) {
  const bool keeps = op.options().scalar<uint8_t>(field::kKeepDimensions, 0, "keep_num_dims") != 0;
  const Shape shape = op.shape_of(input);
  if (shape.c == columns && (keeps || shape.pixels() == 1)) return input;
  if (keeps || shape.elements() % columns != 0)
    return bad_input("has an input of {}, but its weights are for {} values", to_string(shape), columns);
  const Shape rows{static_cast<uint32_t>(shape.elements() / columns), 1, 1, static_cast<uint32_t>(columns)};
  return op.emit_inner("/rows", Reshape{rows, false}, {input});
}

Status take_fully_connected(TfliteOperatorImport& op) {
  if (const auto format = op.options().scalar<int8_t>(field::kWeightsFormat, 0, "a weights format"); format != 0)
    return unsupported("its weights are in format {}, but only 0 (plain) is known", format);
  const Result<TensorId> input = op.value(kInput);
  if (!input) return input.error();
  Result<TfliteConstant> weights = read_weights(op, 2);
  if (!weights) return std::move(weights).error();
  const Result<TensorId> rows = rows_of(op, *input, weights->shape[1]);
  if (!rows) return rows.error();
  Result<std::vector<float>> bias = read_bias(op);
  if (!bias) return std::move(bias).error();
  const Result<Activation> activation = op.fused_activation(field::kFullyConnectedActivation);
  if (!activation) return activation.error();
  return op.emit(FullyConnected{static_cast<uint32_t>(weights->shape[0]), std::move(weights->values), *std::move(bias)},
                 {*rows}, *activation);
}

constexpr TfliteOperatorRow kRows[] = {
    {kTfliteConv2d, 2, 3, take_conv2d},
    {kTfliteDepthwise, 2, 3, take_depthwise},
    {kTfliteFullyConnected, 2, 3, take_fully_connected},
};

}  // namespace

std::span<const TfliteOperatorRow> tflite_weight_operators() { return kRows; }

}  // namespace espalier
