// Operators that compute every element, or every channel vector, on its own.
#include <algorithm>

#include "ir/import/tflite_graph_import.h"
#include "ir/import/tflite_schema.h"

namespace espalier {
namespace {

namespace field = tflite_field;

enum Code : int32_t {
  kAdd = 0,
  kLogistic = 14,
  kMul = 18,
  kRelu = 19,
  kReluN1To1 = 20,
  kRelu6 = 21,
  kSoftmax = 25,
  kTanh = 28,
  kSub = 41,
  kPrelu = 54,
  kLeakyRelu = 98,
  kHardSwish = 117,
  kRelu0To1 = 152
};

/// TFLite aligns shapes at their last dimension, a Network's shapes are also aligned at the batch. Both say the same
/// when the shorter one begins with 1.
Status check_alignment(TfliteOperatorImport& op) {
  const Result<std::vector<uint64_t>> a = op.sizes(0), b = op.sizes(1);
  for (const auto* sizes : {&a, &b})
    if (!*sizes) return sizes->error();
  const auto& shorter = a->size() < b->size() ? *a : *b;
  if (a->size() == b->size() || shorter.size() < 2 || shorter[0] == 1) return {};
  return unsupported("combines shapes ({}) and ({}), but the shorter one must begin with 1", fmt::join(*a, ", "),
                     fmt::join(*b, ", "));
}

template <BinaryKind kKind>
Status take_binary(TfliteOperatorImport& op) {
  if (Status s = check_alignment(op); !s) return s;
  const Result<TensorId> a = op.value(0), b = op.value(1);
  for (const auto* id : {&a, &b})
    if (!*id) return id->error();
  const Result<Activation> activation = op.fused_activation(field::kBinaryActivation);
  if (!activation) return activation.error();
  return op.emit(Binary{kKind}, {*a, *b}, *activation);
}

Status take_unary(TfliteOperatorImport& op, const Activation& activation) {
  const Result<TensorId> input = op.value(0);
  if (!input) return input.error();
  return op.emit(Unary{}, {*input}, activation);
}

template <ActivationKind kKind>
Status take_function(TfliteOperatorImport& op) {
  return take_unary(op, Activation::of(kKind));
}

Status take_relu(TfliteOperatorImport& op) { return take_unary(op, Activation::relu()); }
Status take_relu6(TfliteOperatorImport& op) { return take_unary(op, Activation::relu6()); }
Status take_relu_n1_to_1(TfliteOperatorImport& op) { return take_unary(op, Activation::clamped(-1, 1)); }
Status take_relu_0_to_1(TfliteOperatorImport& op) { return take_unary(op, Activation::clamped(0, 1)); }

Status take_leaky_relu(TfliteOperatorImport& op) {
  Activation activation = Activation::of(ActivationKind::kLeakyRelu);
  activation.alpha = op.options().scalar<float>(field::kAlpha, 0, "alpha");
  return take_unary(op, activation);
}

/// Slopes must be per channel (shape [1, 1, c] or [c]) or one for all.
Status take_prelu(TfliteOperatorImport& op) {
  const Result<TensorId> input = op.value(0);
  if (!input) return input.error();
  Result<TfliteConstant> slopes = op.constant(1);
  if (!slopes) return std::move(slopes).error().in("slopes");
  const uint32_t channels = op.shape_of(*input).c;
  const bool one_for_all = slopes->values.size() == 1;
  if (one_for_all) slopes->values.resize(channels, slopes->values[0]);
  if (!one_for_all && (slopes->values.size() != channels || slopes->shape.back() != channels))
    return unsupported("has slopes of shape ({}), but only one for each of {} channels, or one for all, is supported",
                       fmt::join(slopes->shape, ", "), channels);
  return op.emit(Prelu{std::move(slopes->values)}, {*input});
}

Status take_softmax(TfliteOperatorImport& op) {
  const Result<TensorId> input = op.value(0);
  if (!input) return input.error();
  return op.emit(Softmax{op.options().scalar<float>(field::kBeta, 0, "beta")}, {*input});
}

constexpr TfliteOperatorRow kRows[] = {
    {kAdd, 2, 2, take_binary<BinaryKind::kAdd>},
    {kSub, 2, 2, take_binary<BinaryKind::kSubtract>},
    {kMul, 2, 2, take_binary<BinaryKind::kMultiply>},
    {kLogistic, 1, 1, take_function<ActivationKind::kSigmoid>},
    {kTanh, 1, 1, take_function<ActivationKind::kTanh>},
    {kHardSwish, 1, 1, take_function<ActivationKind::kHardSwish>},
    {kRelu, 1, 1, take_relu},
    {kRelu6, 1, 1, take_relu6},
    {kReluN1To1, 1, 1, take_relu_n1_to_1},
    {kRelu0To1, 1, 1, take_relu_0_to_1},
    {kLeakyRelu, 1, 1, take_leaky_relu},
    {kPrelu, 2, 2, take_prelu},
    {kSoftmax, 1, 1, take_softmax},
};

}  // namespace

std::span<const TfliteOperatorRow> tflite_elementwise_operators() { return kRows; }

}  // namespace espalier
