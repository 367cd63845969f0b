// Operators that only move elements.
#include <algorithm>
#include <numeric>

#include "ir/import/tflite_graph_import.h"
#include "ir/import/tflite_schema.h"

namespace espalier {
namespace {

namespace field = tflite_field;

enum Code : int32_t { kConcatenation = 2, kReshape = 22, kTranspose = 39, kSqueeze = 43, kExpandDims = 70 };

using Sizes = std::vector<uint64_t>;

template <typename T>
std::vector<int64_t> widened(const FlatVector<T>& numbers, uint64_t most) {
  std::vector<int64_t> wide;
  for (uint64_t i = 0; i < std::min(numbers.size(), most); ++i) wide.push_back(numbers[i]);
  return wide;
}

/// Cut one above what tflite_shape reads, so that more is still refused.
constexpr uint64_t kMostDimensions = 9;

/// The new shape as the file asks for it: a constant input, or an option.
Result<std::vector<int64_t>> requested_shape(TfliteOperatorImport& op) {
  if (op.has_input(1)) return op.integers(1);
  return widened(op.options().vector<int32_t>(field::kNewShape, "new_shape"), kMostDimensions);
}

/// `requested` with -1 replaced by what is left of `from`.
Result<Sizes> completed_shape(const std::vector<int64_t>& requested, const Sizes& from) {
  const uint64_t elements = std::accumulate(from.begin(), from.end(), uint64_t{1}, saturating_product);
  const auto open = std::count(requested.begin(), requested.end(), -1);
  uint64_t known = 1;
  for (const int64_t size : requested) {
    if (size != -1 && (size < 1 || size > static_cast<int64_t>(kMaxTensorElements)))
      return bad_input("asks for shape ({}), but sizes must be in 1..{}", fmt::join(requested, ", "),
                       kMaxTensorElements);
    if (size != -1) known = saturating_product(known, static_cast<uint64_t>(size));
  }
  if (open > 1 || (open == 1 && elements % known != 0))
    return bad_input("asks for shape ({}), but {} elements do not say what -1 is", fmt::join(requested, ", "),
                     elements);
  Sizes sizes;
  for (const int64_t size : requested) sizes.push_back(size == -1 ? elements / known : static_cast<uint64_t>(size));
  return sizes;
}

Status take_reshape(TfliteOperatorImport& op) {
  const Result<Sizes> from = op.sizes(0);
  if (!from) return from.error();
  const Result<std::vector<int64_t>> requested = requested_shape(op);
  if (!requested) return Error(requested.error()).in("shape");
  const Result<Sizes> sizes = completed_shape(*requested, *from);
  if (!sizes) return sizes.error();
  return op.emit_reshape(*sizes);
}

/// Without the named dimensions, or without all of size 1 where none is named.
Status take_squeeze(TfliteOperatorImport& op) {
  const Result<Sizes> from = op.sizes(0);
  if (!from) return from.error();
  const auto named = widened(op.options().vector<int32_t>(field::kSqueezeDimensions, "squeeze_dims"), kMostDimensions);
  const auto rank = static_cast<int64_t>(from->size());
  std::vector<bool> goes(from->size(), false);
  for (const int64_t name : named) {
    const int64_t d = name < 0 ? name + rank : name;
    if (d < 0 || d >= rank) return bad_input("squeezes dimension {}, but its input has {} dimensions", name, rank);
    if ((*from)[d] != 1) return bad_input("squeezes dimension {} of size {}, but it must be 1", name, (*from)[d]);
    goes[d] = true;
  }
  Sizes sizes;
  for (int64_t d = 0; d < rank; ++d)
    if (!goes[d] && !(named.empty() && (*from)[d] == 1)) sizes.push_back((*from)[d]);
  return op.emit_reshape(sizes);
}

Status take_expand_dims(TfliteOperatorImport& op) {
  Result<Sizes> sizes = op.sizes(0);
  if (!sizes) return std::move(sizes).error();
  const Result<std::vector<int64_t>> axis = op.integers(1);
  if (!axis) return Error(axis.error()).in("axis");
  if (axis->size() != 1) return bad_input("has {} axes, but needs 1", axis->size());
  const auto rank = static_cast<int64_t>(sizes->size());
  const int64_t d = axis->front() < 0 ? axis->front() + rank + 1 : axis->front();
  if (d < 0 || d > rank) return bad_input("expands dimension {}, but its input has {} dimensions", axis->front(), rank);
  sizes->insert(sizes->begin() + d, 1);
  return op.emit_reshape(*sizes);
}

Status take_concatenation(TfliteOperatorImport& op) {
  const Result<Sizes> sizes = op.sizes(0);
  if (!sizes) return sizes.error();
  const auto dimension = op.options().scalar<int32_t>(field::kConcatAxis, 0, "axis");
  const Result<Axis> axis = logical_axis(dimension, sizes->size());
  if (!axis) return axis.error();
  std::vector<TensorId> inputs;
  for (size_t i = 0; i < op.input_count(); ++i) {
    const Result<Sizes> others = op.sizes(i);
    if (!others) return others.error();
    if (others->size() != sizes->size())
      return bad_input("its inputs have {} and {} dimensions, but must have equally many", sizes->size(),
                       others->size());
    const Result<TensorId> input = op.value(i);
    if (!input) return input.error();
    inputs.push_back(*input);
  }
  const Result<Activation> activation = op.fused_activation(field::kConcatActivation);
  if (!activation) return activation.error();
  return op.emit(Concat{*axis}, std::move(inputs), *activation);
}

Result<Sizes> read_order(TfliteOperatorImport& op, size_t rank) {
  const Result<std::vector<int64_t>> order = op.integers(1);
  if (!order) return Error(order.error()).in("order");
  Sizes dimensions, ascending(rank);
  for (const int64_t d : *order)
    dimensions.push_back(static_cast<uint64_t>(d < 0 ? d + static_cast<int64_t>(rank) : d));
  Sizes sorted = dimensions;
  std::sort(sorted.begin(), sorted.end());
  std::iota(ascending.begin(), ascending.end(), 0);
  if (sorted != ascending)
    return bad_input("has order ({}), but it must name each of {} dimensions once", fmt::join(*order, ", "), rank);
  return dimensions;
}

TfliteConstant transposed(const TfliteConstant& from, const Sizes& order) {
  const size_t rank = order.size();
  Sizes strides(rank, 1);  // of `from`
  for (size_t d = rank; d-- > 1;) strides[d - 1] = strides[d] * from.shape[d];
  TfliteConstant to;
  for (const uint64_t d : order) to.shape.push_back(from.shape[d]);
  Sizes at(rank, 0);
  for (size_t i = 0; i < from.values.size(); ++i) {
    uint64_t place = 0;
    for (size_t d = 0; d < rank; ++d) place += at[d] * strides[order[d]];
    to.values.push_back(from.values[place]);
    for (size_t d = rank; d-- > 0 && ++at[d] == to.shape[d];) at[d] = 0;
  }
  return to;
}

/// Whether only dimensions of size 1 change places, so that the elements stay in order.
bool keeps_elements(const Sizes& from, Sizes order) {
  std::erase_if(order, [&](uint64_t d) { return from[d] == 1; });
  return std::is_sorted(order.begin(), order.end());
}

Status take_transpose(TfliteOperatorImport& op) {
  const Result<Sizes> from = op.sizes(0);
  if (!from) return from.error();
  const Result<Sizes> order = read_order(op, from->size());
  if (!order) return order.error();
  Sizes sizes;
  for (const uint64_t d : *order) sizes.push_back((*from)[d]);
  if (keeps_elements(*from, *order)) return op.emit_reshape(sizes);
  if (!op.is_constant(0))
    return unsupported(
        "transposes ({}) to ({}) at run time; keep the network in NHWC order, constants may be "
        "transposed",
        fmt::join(*from, ", "), fmt::join(sizes, ", "));
  const Result<TfliteConstant> constant = op.constant(0);
  if (!constant) return constant.error();
  return op.graph().bind_constant(op.output_index(), transposed(*constant, *order));
}

constexpr TfliteOperatorRow kRows[] = {
    {kReshape, 1, 2, take_reshape},        {kSqueeze, 1, 1, take_squeeze},
    {kExpandDims, 2, 2, take_expand_dims}, {kConcatenation, 1, 0, take_concatenation},
    {kTranspose, 2, 2, take_transpose},
};

}  // namespace

std::span<const TfliteOperatorRow> tflite_shape_operators() { return kRows; }

}  // namespace espalier
