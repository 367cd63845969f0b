#include "ir/import/tflite_graph_import.h"

#include <algorithm>

#include "ir/import/tflite_operators.h"
#include "ir/import/tflite_schema.h"

namespace espalier {
namespace {

/// What the whole network may decode in proportion to its file: four times what a weight listing may, as sparse weights
/// become dense ones here. (98 % zeros in fp16 with two-byte indices take 12 dense elements per byte.)
constexpr uint64_t kBudgetFactor = 4;
/// Most whole numbers in an attribute that is stored as a tensor (axes, sizes, paddings).
constexpr uint64_t kMaxIntegers = 64;

const TfliteOperatorRow* find_row(int32_t code) {
  for (const auto rows :
       {tflite_weight_operators(), tflite_window_operators(), tflite_elementwise_operators(), tflite_shape_operators()})
    for (const TfliteOperatorRow& row : rows)
      if (row.code == code) return &row;
  return nullptr;
}

Status check_counts(const TfliteOperatorRow& row, const TfliteOperator& op) {
  const uint64_t inputs = op.inputs.size(), most = row.most_inputs == 0 ? UINT64_MAX : row.most_inputs;
  if (inputs < row.least_inputs) return bad_input("has {} inputs, but needs at least {}", inputs, row.least_inputs);
  if (inputs > most) return bad_input("has {} inputs, but takes at most {}", inputs, most);
  if (op.outputs.size() != 1) return bad_input("has {} outputs, but needs 1", op.outputs.size());
  return {};
}

template <typename T>
std::vector<int64_t> whole_numbers(Bytes data) {
  std::vector<int64_t> numbers;
  for (size_t at = 0; at + sizeof(T) <= data.size(); at += sizeof(T)) numbers.push_back(load_little<T>(data, at));
  return numbers;
}

}  // namespace

Result<Shape> logical_shape(std::span<const uint64_t> sizes) {
  if (sizes.size() > kAxes)
    return unsupported("has {} dimensions, but at most {} are supported (batch, height, width, channels)", sizes.size(),
                       kAxes);
  std::array<uint32_t, kAxes> full{1, 1, 1, 1};
  for (size_t d = 0; d < sizes.size(); ++d) {
    if (sizes[d] > kMaxTensorElements)
      return limit_exceeded("has shape ({}), but a tensor may have at most {} elements", fmt::join(sizes, ", "),
                            kMaxTensorElements);
    full[static_cast<size_t>(*logical_axis(static_cast<int64_t>(d), sizes.size()))] = static_cast<uint32_t>(sizes[d]);
  }
  return Shape::from_sizes(full);
}

Result<Axis> logical_axis(int64_t dimension, size_t rank) {
  const auto signed_rank = static_cast<int64_t>(rank);
  const int64_t d = dimension < 0 ? dimension + signed_rank : dimension;
  if (d < 0 || d >= signed_rank)
    return bad_input("names dimension {}, but its tensor has {} dimensions", dimension, rank);
  // The first of several is the batch, the rest are the last ones of height, width and channels.
  if (d == 0 && rank > 1) return Axis::kBatch;
  return static_cast<Axis>(d + static_cast<int64_t>(kAxes) - signed_rank);
}

TfliteGraphImport::TfliteGraphImport(const TfliteModel& model, const TfliteGraph& graph, uint64_t file_bytes)
    : model_(model), graph_(graph), budget_(file_bytes * kBudgetFactor) {}

Result<Network> TfliteGraphImport::run() {
  if (Status s = take_inputs(); !s) return std::move(s).error();
  for (size_t i = 0; i < graph_.operators.size(); ++i)
    if (Status s = take_operator(i); !s)
      return std::move(s).error().in(fmt::format("operator {} '{}' ({})", i, printable(graph_.layer_name(i)),
                                                 tflite_operator_name(graph_.operators[i])));
  if (Status s = take_outputs(); !s) return std::move(s).error();
  if (Status s = verify(network_); !s) return std::move(s).error();
  return std::move(network_);
}

Status TfliteGraphImport::take_inputs() {
  for (uint64_t i = 0; i < graph_.inputs.size(); ++i) {
    const int32_t index = graph_.inputs[i];
    const std::string place = fmt::format("input {}", i);
    const Result<std::vector<uint64_t>> sizes = this->sizes(index);
    if (!sizes) return Error(sizes.error()).in(place);
    const Result<Shape> shape = logical_shape(*sizes);
    if (!shape) return Error(shape.error()).in(place);
    if (Status s = check_float(index); !s) return std::move(s).error().in(place);
    if (Status s = check_unbound(index); !s) return std::move(s).error().in(place);
    ids_[index] = add_input(network_, printable(graph_.tensors[index].name), *shape);
  }
  return {};
}

Status TfliteGraphImport::take_operator(size_t index) {
  const TfliteOperator& op = graph_.operators[index];
  const bool unpacks = op.code == kTfliteDensify || op.code == kTfliteDequantize;
  if (unpacks && find_constant(model_, graph_, op.output(0))) return {};  // read where it is used
  const TfliteOperatorRow* row = find_row(op.code);
  if (row == nullptr) return unsupported("is not supported; {}", tflite_operator_advice(op));
  if (Status s = check_counts(*row, op); !s) return s;
  if (Status s = check_float(op.output(0)); !s) return s;
  TfliteOperatorImport work(*this, op, printable(graph_.layer_name(index)));
  return row->take(work);
}

Status TfliteGraphImport::take_outputs() {
  for (uint64_t i = 0; i < graph_.outputs.size(); ++i) {
    const Result<TensorId> id = value(graph_.outputs[i]);
    if (!id) return Error(id.error()).in(fmt::format("output {}", i));
    network_.outputs.push_back(*id);
  }
  return {};
}

Result<const TfliteTensor*> TfliteGraphImport::tensor(int32_t index) const {
  if (const TfliteTensor* found = graph_.find(index)) return found;
  return bad_input("refers to tensor {}, but the subgraph has {}", index, graph_.tensors.size());
}

Result<std::vector<uint64_t>> TfliteGraphImport::sizes(int32_t index) const {
  if (const auto made = made_constants_.find(index); made != made_constants_.end()) return made->second.shape;
  const Result<const TfliteTensor*> found = tensor(index);
  if (!found) return found.error();
  Result<std::vector<uint64_t>> shape = tflite_shape(**found);
  if (!shape) return std::move(shape).error().in(fmt::format("tensor {} '{}'", index, printable((*found)->name)));
  return shape;
}

bool TfliteGraphImport::is_constant(int32_t index) const {
  if (made_constants_.contains(index)) return true;
  return !ids_.contains(index) && graph_.find(index) != nullptr && find_constant(model_, graph_, index);
}

bool TfliteGraphImport::is_graph_output(int32_t index) const {
  for (uint64_t i = 0; i < graph_.outputs.size(); ++i)
    if (graph_.outputs[i] == index) return true;
  return false;
}

Status TfliteGraphImport::check_float(int32_t index) const {
  const Result<const TfliteTensor*> found = tensor(index);
  if (!found) return found.error();
  if ((*found)->type == kTfliteFloat32) return {};
  return unsupported(
      "tensor {} '{}' has element type {}, but only 0 (float32) is computed with; export the network "
      "with float activations, weights may be fp16 or int8",
      index, printable((*found)->name), (*found)->type);
}

Status TfliteGraphImport::check_unbound(int32_t index) const {
  if (!ids_.contains(index) && !is_constant(index)) return {};
  return bad_input("makes tensor {} '{}', which already has a value", index, printable(graph_.tensors[index].name));
}

Status TfliteGraphImport::check_sizes(int32_t index, const Shape& made) const {
  const Result<std::vector<uint64_t>> sizes = this->sizes(index);
  if (!sizes) return sizes.error();
  const Result<Shape> shape = logical_shape(*sizes);
  if (!shape) return shape.error();
  if (*shape == made) return {};
  return bad_input("makes {}, but the file gives its output shape ({})", to_string(made), fmt::join(*sizes, ", "));
}

Result<TensorId> TfliteGraphImport::value(int32_t index) {
  if (const auto found = ids_.find(index); found != ids_.end()) return found->second;
  const Result<const TfliteTensor*> found = tensor(index);
  if (!found) return found.error();
  if (!is_constant(index))
    return bad_input("reads tensor {} '{}', which nothing before it makes", index, printable((*found)->name));
  Result<TfliteConstant> decoded = constant(index);
  if (!decoded) return std::move(decoded).error();
  const Result<Shape> shape = logical_shape(decoded->shape);
  if (!shape) return Error(shape.error()).in(fmt::format("tensor {} '{}'", index, printable((*found)->name)));
  const TensorId id = add_constant(network_, printable((*found)->name), *shape, std::move(decoded->values));
  ids_[index] = id;
  return id;
}

Result<TfliteConstant> TfliteGraphImport::constant(int32_t index) {
  if (const auto made = made_constants_.find(index); made != made_constants_.end()) {
    if (Status s = budget_.spend(made->second.values.size()); !s) return std::move(s).error();
    return made->second;
  }
  const Result<const TfliteTensor*> source = find_constant(model_, graph_, index);
  if (!source) return source.error();
  Result<TfliteEntries> entries = decode_tensor(model_, **source, budget_);
  if (!entries) return std::move(entries).error();
  if (!(*source)->sparsity.present()) return TfliteConstant{std::move(entries->shape), std::move(entries->values)};
  uint64_t elements = 1;
  for (const uint64_t size : entries->shape) elements *= size;  // at most 2^40, says tflite_shape
  if (Status s = budget_.spend(elements); !s) return std::move(s).error();
  std::vector<float> dense(elements);
  for (size_t i = 0; i < entries->values.size(); ++i) dense[entries->places[i]] = entries->values[i];
  return TfliteConstant{std::move(entries->shape), std::move(dense)};
}

Result<std::vector<int64_t>> TfliteGraphImport::integers(int32_t index) const {
  const Result<const TfliteTensor*> found = tensor(index);
  if (!found) return found.error();
  const std::string place = fmt::format("tensor {} '{}'", index, printable((*found)->name));
  const Result<Bytes> data = model_.constant(**found);
  if (!data) return Error(data.error()).in(place);
  const bool wide = (*found)->type == kTfliteInt64;
  const uint64_t width = wide ? 8 : 4;
  if (!wide && (*found)->type != kTfliteInt32)
    return bad_input("{}: has element type {}, but must have 2 (int32) or 4 (int64)", place, (*found)->type);
  if (data->empty())
    return unsupported("{}: is computed at run time, but must be constant; export the network with fixed shapes",
                       place);
  if (data->size() % width != 0 || data->size() / width > kMaxIntegers)
    return bad_input("{}: has {} bytes, but must hold at most {} values of {}", place, data->size(), kMaxIntegers,
                     width);
  return wide ? whole_numbers<int64_t>(*data) : whole_numbers<int32_t>(*data);
}

Status TfliteGraphImport::bind(int32_t index, TensorId id) {
  if (Status s = check_unbound(index); !s) return s;
  if (Status s = check_sizes(index, network_.shape_of(id)); !s) return s;
  ids_[index] = id;
  return {};
}

Status TfliteGraphImport::bind_constant(int32_t index, TfliteConstant constant) {
  if (Status s = check_unbound(index); !s) return s;
  const Result<std::vector<uint64_t>> sizes = this->sizes(index);
  if (!sizes) return sizes.error();
  if (*sizes != constant.shape)
    return bad_input("makes ({}), but the file gives its output shape ({})", fmt::join(constant.shape, ", "),
                     fmt::join(*sizes, ", "));
  made_constants_[index] = std::move(constant);
  return {};
}

Result<uint32_t> TfliteOperatorImport::option(unsigned field, int32_t fallback, uint32_t least, uint32_t most,
                                              std::string_view what) const {
  const auto value = op_.options.scalar<int32_t>(field, fallback, what);
  if (value < static_cast<int64_t>(least) || value > static_cast<int64_t>(most))
    return bad_input("{} is {}, but must be in {}..{}", what, value, least, most);
  return static_cast<uint32_t>(value);
}

Result<Activation> TfliteOperatorImport::fused_activation(unsigned field) const {
  constexpr int8_t kTanh = 4;
  const auto code = op_.options.scalar<int8_t>(field, 0, "a fused activation");
  if (code == 0) return Activation{};
  if (code == kTanh) return Activation::of(ActivationKind::kTanh);
  if (const std::optional<Clamp> clamp = tflite_clamp(code)) return Activation::clamped(clamp->low, clamp->high);
  return unsupported(
      "its fused activation is {}, but only 0 (none), 1 (relu), 2 (relu_n1_to_1), 3 (relu6) and "
      "4 (tanh) are known",
      code);
}

Result<Padding> TfliteOperatorImport::padding(const Window& window, const Shape& input) const {
  constexpr int8_t kSame = 0, kValid = 1;
  const auto code = op_.options.scalar<int8_t>(tflite_field::kWindowPadding, kSame, "padding");
  if (code == kSame) return same_padding(window, input);
  if (code == kValid) return Padding{};
  return bad_input("its padding is {}, but must be 0 (SAME) or 1 (VALID)", code);
}

Status TfliteOperatorImport::emit(Operation operation, std::vector<TensorId> inputs, const Activation& activation) {
  const bool apart = !activation.is_none() && !takes_activation(operation);
  Result<TensorId> id = apart ? emit_inner("/plain", std::move(operation), std::move(inputs))
                              : emit_inner("", std::move(operation), std::move(inputs), activation);
  if (apart && id) id = emit_inner("", Unary{}, {*id}, activation);
  if (!id) return std::move(id).error();
  return graph_.bind(op_.output(0), *id);
}

Result<TensorId> TfliteOperatorImport::emit_inner(std::string_view suffix, Operation operation,
                                                  std::vector<TensorId> inputs, const Activation& activation) {
  return add_layer(graph_.network(), name_ + std::string(suffix), std::move(operation), std::move(inputs), activation);
}

Status TfliteOperatorImport::emit_reshape(std::span<const uint64_t> sizes) {
  if (is_constant(0)) {
    Result<TfliteConstant> constant = this->constant(0);
    if (!constant) return std::move(constant).error();
    const Result<Shape> from = logical_shape(constant->shape), to = logical_shape(sizes);
    for (const auto* shape : {&from, &to})
      if (!*shape) return shape->error();
    if (Result<Shape> s = inferred_shape(Reshape{*to, false}, {&*from, 1}); !s) return std::move(s).error();
    constant->shape.assign(sizes.begin(), sizes.end());
    return graph_.bind_constant(op_.output(0), *std::move(constant));
  }
  const Result<TensorId> input = value(0);
  if (!input) return input.error();
  const Result<Shape> shape = logical_shape(sizes);
  if (!shape) return shape.error();
  if (*shape == shape_of(*input) && !graph_.is_graph_output(op_.output(0))) return graph_.bind(op_.output(0), *input);
  return emit(Reshape{*shape, false}, {*input});
}

}  // namespace espalier
