// Operators on elements and vectors: activations, sums and products, matrix products, batch norms, softmax.
#include <algorithm>
#include <cmath>

#include "ir/import/onnx_graph_import.h"

namespace espalier {
namespace {

Status emit_activation(OnnxNodeImport& node, const Activation& activation) {
  const auto x = node.image(0);
  if (!x) return x.error();
  const auto id = node.tensor(0);
  if (!id) return id.error();
  return node.emit(Unary{}, {*id}, x->dims.size(), activation);
}

template <ActivationKind kKind>
Status take_plain(OnnxNodeImport& node) {
  return emit_activation(node, Activation::of(kKind));
}
Status take_relu(OnnxNodeImport& node) { return emit_activation(node, Activation::relu()); }
Status take_leaky_relu(OnnxNodeImport& node) {
  return emit_activation(node, {ActivationKind::kLeakyRelu, {}, node.number("alpha", 0.01f), 0});
}
Status take_hard_sigmoid(OnnxNodeImport& node) {
  return emit_activation(node,
                         {ActivationKind::kHardSigmoid, {}, node.number("alpha", 0.2f), node.number("beta", 0.5f)});
}

/// A bound: an input in newer opsets, an attribute in older ones.
Result<float> bound(OnnxNodeImport& node, size_t input, std::string_view attribute, float fallback) {
  if (!node.has_input(input)) return node.number(attribute, fallback);
  const auto value = node.floats(input);
  if (!value) return value.error();
  if (value->size() != 1) return bad_input("has a bound of {} values, but needs 1", value->size());
  return (*value)[0];
}

Status take_clip(OnnxNodeImport& node) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const auto low = bound(node, 1, "min", -kInfinity), high = bound(node, 2, "max", kInfinity);
  if (!low) return low.error();
  if (!high) return high.error();
  // Exporters write the largest finite numbers for no bound.
  const auto open = [](float v, float most) { return std::abs(v) >= std::numeric_limits<float>::max() ? most : v; };
  return emit_activation(node, Activation::clamped(open(*low, -kInfinity), open(*high, kInfinity)));
}

Status take_prelu(OnnxNodeImport& node) {
  const auto x = node.image(0);
  if (!x) return x.error();
  const auto id = node.tensor(0);
  if (!id) return id.error();
  auto slopes = node.floats(1);
  if (!slopes) return std::move(slopes).error();
  const uint32_t channels = node.graph().network().shape_of(*id).c;
  if (slopes->size() == 1) slopes->assign(channels, (*slopes)[0]);
  // [channels, 1, 1] of an image: aligned at the end, behind it only ones.
  const std::vector<int64_t> dims = node.operand(1)->dims;
  const size_t behind = x->dims.size() - 2;
  const bool is_per_channel = slopes->size() == channels && x->dims.size() >= 2 &&
                              (channels == 1 || node.operand(1)->constant->elements() == 1 ||
                               (dims.size() > behind && dims[dims.size() - behind - 1] == int64_t{channels}));
  if (!is_per_channel)
    return unsupported("has {} slopes, but one for each of {} channels is supported", slopes->size(), channels);
  return node.emit(Prelu{*std::move(slopes)}, {*id}, x->dims.size());
}

/// Sizes of a sum of shapes, aligned at the end.
Result<std::vector<int64_t>> broadcast(const std::vector<int64_t>& a, const std::vector<int64_t>& b) {
  const size_t rank = std::max(a.size(), b.size());
  std::vector<int64_t> dims(rank);
  for (size_t d = 0; d < rank; ++d) {
    const auto size = [&](const std::vector<int64_t>& of) {
      return d + of.size() < rank ? 1 : of[d + of.size() - rank];
    };
    if (size(a) != size(b) && size(a) != 1 && size(b) != 1)
      return bad_input("cannot combine shapes ({}) and ({})", fmt::join(a, ", "), fmt::join(b, ", "));
    dims[d] = std::max(size(a), size(b));
  }
  return dims;
}

double combined(std::string_view op, double a, double b) {
  if (op == "Add") return a + b;
  if (op == "Sub") return a - b;
  return op == "Mul" ? a * b : a / b;
}

/// The same of whole numbers. Errors (kBadInput): overflow, division by 0.
Result<int64_t> combined_numbers(std::string_view op, int64_t a, int64_t b) {
  int64_t made = 0;
  bool is_wrong = false;
  if (op == "Div") {
    is_wrong = b == 0 || (b == -1 && a == INT64_MIN);
    if (!is_wrong) made = a / b;
  } else {
    is_wrong = op == "Add"   ? __builtin_add_overflow(a, b, &made)
               : op == "Sub" ? __builtin_sub_overflow(a, b, &made)
                             : __builtin_mul_overflow(a, b, &made);
  }
  if (is_wrong) return bad_input("makes no whole number of {} and {}", a, b);
  return made;
}

/// Constants among themselves: shapes' arithmetic and folded scales. Of equal shapes, or with one of one element.
Status fold(OnnxNodeImport& node, const OnnxTensor& a, const OnnxTensor& b) {
  const bool a_repeats = a.elements() == 1 && b.dims.size() >= a.dims.size();
  const bool b_repeats = b.elements() == 1 && a.dims.size() >= b.dims.size();
  if ((a.dims != b.dims && !a_repeats && !b_repeats) || a.is_integer != b.is_integer)
    return unsupported("combines constants of different shapes or types");
  OnnxTensor made;
  made.dims = b_repeats ? a.dims : b.dims;
  made.is_integer = a.is_integer;
  const uint64_t count = b_repeats ? a.elements() : b.elements();
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t ia = a.elements() == 1 ? 0 : i, ib = b.elements() == 1 ? 0 : i;
    if (!made.is_integer) {
      made.floats.push_back(static_cast<float>(combined(node.node().op, a.floats[ia], b.floats[ib])));
      continue;
    }
    const auto value = combined_numbers(node.node().op, a.integers[ia], b.integers[ib]);
    if (!value) return value.error();
    made.integers.push_back(*value);
  }
  return node.bind_constant(std::move(made));
}

/// An operand as a tensor of `rank` dimensions: constants get ones in front, and x / c becomes x * (1 / c).
Result<TensorId> operand_of_rank(OnnxNodeImport& node, size_t i, size_t rank) {
  auto x = node.image(i);
  if (!x) return x.error();
  if (!x->is_constant()) {
    if (x->dims.size() != rank)
      return unsupported("combines tensors of {} and {} dimensions; reshape them to the same", x->dims.size(), rank);
    return x->id;
  }
  OnnxTensor constant = *x->constant;
  constant.dims.insert(constant.dims.begin(), rank - constant.dims.size(), 1);
  if (i == 1 && node.node().op == "Div")
    for (float& value : constant.floats) value = static_cast<float>(1.0 / double{value});
  OnnxOperand operand{constant.dims, std::make_shared<const OnnxTensor>(constant), 0, false};
  return node.graph().tensor(operand, printable(node.node().inputs[i]));
}

Status take_binary(OnnxNodeImport& node) {
  const auto a = node.image(0), b = node.image(1);
  if (!a) return a.error();
  if (!b) return b.error();
  if (a->is_constant() && b->is_constant()) return fold(node, *a->constant, *b->constant);
  const auto dims = broadcast(a->dims, b->dims);
  if (!dims) return dims.error();
  const std::string& op = node.node().op;
  if (op == "Div" && !b->is_constant()) return unsupported("divides by a tensor; division by constants is supported");
  const auto first = operand_of_rank(node, 0, dims->size()), second = operand_of_rank(node, 1, dims->size());
  if (!first) return first.error();
  if (!second) return second.error();
  const BinaryKind kind = op == "Add" ? BinaryKind::kAdd : op == "Sub" ? BinaryKind::kSubtract : BinaryKind::kMultiply;
  return node.emit(Binary{kind}, {*first, *second}, dims->size());
}

/// W[out][in] of a matrix constant [in][out] (or the other way round), times a factor.
std::vector<float> matrix(const OnnxTensor& t, bool is_transposed, float factor) {
  const auto rows = static_cast<size_t>(t.dims[0]), columns = static_cast<size_t>(t.dims[1]);
  std::vector<float> values(t.floats.size());
  for (size_t r = 0; r < rows; ++r)
    for (size_t c = 0; c < columns; ++c)
      values[is_transposed ? r * columns + c : c * rows + r] = factor * t.floats[r * columns + c];
  return values;
}

Status emit_product(OnnxNodeImport& node, bool is_transposed, float alpha, std::vector<float> bias) {
  const auto x = node.image(0), w = node.operand(1);
  if (!x) return x.error();
  if (!w) return w.error();
  if (!w->is_constant() || w->constant->is_integer || w->dims.size() != 2)
    return unsupported("multiplies by what is no constant matrix of floats");
  if (x->dims.size() != 2)
    return unsupported("multiplies a tensor of {} dimensions, but 2 are supported", x->dims.size());
  const auto id = node.tensor(0);
  if (!id) return id.error();
  const int64_t in = w->dims[is_transposed ? 1 : 0], out = w->dims[is_transposed ? 0 : 1];
  if (in != x->dims[1]) return bad_input("has a matrix for {} inputs, but {} come in", in, x->dims[1]);
  if (Status s = node.graph().spend(w->constant->elements()); !s) return s;
  if (bias.size() == 1) bias.assign(static_cast<size_t>(out), bias[0]);
  FullyConnected layer{static_cast<uint32_t>(out), matrix(*w->constant, is_transposed, alpha), std::move(bias)};
  return node.emit(std::move(layer), {*id}, 2);
}

Status take_matmul(OnnxNodeImport& node) { return emit_product(node, false, 1, {}); }

Status take_gemm(OnnxNodeImport& node) {
  if (node.integer("transA", 0) != 0) return unsupported("transposes its input (transA)");
  std::vector<float> bias;
  if (node.has_input(2)) {
    auto given = node.floats(2);
    if (!given) return std::move(given).error();
    bias = *std::move(given);
    const std::vector<int64_t> dims = node.operand(2)->dims;
    if (bias.size() != 1 && dims.back() != static_cast<int64_t>(bias.size()))
      return unsupported("adds a matrix ({}); one value for each output is supported", fmt::join(dims, ", "));
    for (float& value : bias) value *= node.number("beta", 1);
  }
  return emit_product(node, node.integer("transB", 0) != 0, node.number("alpha", 1), std::move(bias));
}

Status take_batch_norm(OnnxNodeImport& node) {
  const auto x = node.image(0);
  if (!x) return x.error();
  const auto id = node.tensor(0);
  if (!id) return id.error();
  auto scale = node.floats(1), offset = node.floats(2), mean = node.floats(3), variance = node.floats(4);
  for (const auto* values : {&scale, &offset, &mean, &variance})
    if (!*values) return values->error();
  return node.emit(BatchNorm{*scale, *offset, *mean, *variance, node.number("epsilon", 1e-5f)}, {*id}, x->dims.size());
}

/// Over channels: dimension 1; before opset 13 over all dimensions from `axis` on, which of vectors is the same.
Status take_softmax(OnnxNodeImport& node) {
  const auto x = node.image(0);
  if (!x) return x.error();
  const size_t rank = x->dims.size();
  const auto axis = axis_of_dim(node.integer("axis", node.opset() < 13 ? 1 : -1), rank);
  if (!axis) return axis.error();
  const bool is_vector = rank == 2;
  if (*axis != Axis::kChannel || (node.opset() < 13 && !is_vector))
    return unsupported("is over other dimensions than channels");
  const auto id = node.tensor(0);
  if (!id) return id.error();
  return node.emit(Softmax{1}, {*id}, rank);
}

constexpr OnnxOperatorRow kRows[] = {
    {"Relu", 1, 1, take_relu},
    {"Clip", 1, 3, take_clip},
    {"LeakyRelu", 1, 1, take_leaky_relu},
    {"PRelu", 2, 2, take_prelu},
    {"Sigmoid", 1, 1, take_plain<ActivationKind::kSigmoid>},
    {"Tanh", 1, 1, take_plain<ActivationKind::kTanh>},
    {"HardSwish", 1, 1, take_plain<ActivationKind::kHardSwish>},
    {"HardSigmoid", 1, 1, take_hard_sigmoid},
    {"Add", 2, 2, take_binary},
    {"Sub", 2, 2, take_binary},
    {"Mul", 2, 2, take_binary},
    {"Div", 2, 2, take_binary},
    {"MatMul", 2, 2, take_matmul},
    {"Gemm", 2, 3, take_gemm},
    {"BatchNormalization", 5, 5, take_batch_norm},
    {"Softmax", 1, 1, take_softmax},
};

}  // namespace

std::span<const OnnxOperatorRow> onnx_element_operators() { return kRows; }

}  // namespace espalier
