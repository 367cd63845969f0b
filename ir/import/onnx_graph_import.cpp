#include "ir/import/onnx_graph_import.h"

#include <algorithm>

#include "ir/import/onnx_attributes.h"
#include "ir/import/onnx_network.h"
#include "ir/matrix_transpose.h"
#include "ir/network/passes/passes.h"

namespace espalier {
namespace {

constexpr int64_t kLeastOpset = 7, kMostOpset = 23;

const OnnxOperatorRow* find_row(const OnnxNode& node) {
  if (!node.domain.empty() && node.domain != "ai.onnx") return nullptr;
  for (const auto rows : {onnx_window_operators(), onnx_element_operators(), onnx_shape_operators()})
    for (const OnnxOperatorRow& row : rows)
      if (row.op == node.op) return &row;
  return nullptr;
}

/// What would help, by operator.
struct Advice {
  std::string_view op, text;
};
constexpr Advice kAdvice[] = {
    {"QuantizeLinear", "export the model without quantisation"},
    {"DequantizeLinear", "export the model without quantisation"},
    {"QLinearConv", "export the model without quantisation"},
    {"ConvTranspose", "upsample with Resize, then convolve"},
    {"LSTM", "networks are without recurrence"},
    {"GRU", "networks are without recurrence"},
    {"If", "export the model for inference, with control flow folded"},
    {"Loop", "export the model for inference, with control flow folded"},
};
std::string_view advice_for(std::string_view op) {
  for (const Advice& row : kAdvice)
    if (row.op == op) return row.text;
  return "the supported operators are in docs/networks.md";
}

std::string dims_text(std::span<const int64_t> dims) { return fmt::format("({})", fmt::join(dims, ", ")); }

}  // namespace

Result<Shape> shape_of_dims(std::span<const int64_t> dims) {
  if (dims.size() > kAxes)
    return unsupported("has {} dimensions, but at most {} are supported (batch, channels, height, width)", dims.size(),
                       kAxes);
  std::array<uint32_t, kAxes> sizes{1, 1, 1, 1};
  for (size_t d = 0; d < dims.size(); ++d) {
    if (dims[d] < 1) return bad_input("has shape {}, but sizes must be positive", dims_text(dims));
    if (dims[d] > static_cast<int64_t>(kMaxTensorElements))
      return limit_exceeded("has shape {}, but a tensor may have at most {} elements", dims_text(dims),
                            kMaxTensorElements);
    sizes[static_cast<size_t>(*axis_of_dim(static_cast<int64_t>(d), dims.size()))] = static_cast<uint32_t>(dims[d]);
  }
  const Shape shape = Shape::from_sizes(sizes);
  if (Status s = check_shape(shape); !s) return std::move(s).error();
  return shape;
}

Result<Axis> axis_of_dim(int64_t dimension, size_t rank) {
  static constexpr Axis kByRank[kAxes][kAxes] = {{Axis::kChannel},
                                                 {Axis::kBatch, Axis::kChannel},
                                                 {Axis::kBatch, Axis::kChannel, Axis::kWidth},
                                                 {Axis::kBatch, Axis::kChannel, Axis::kHeight, Axis::kWidth}};
  const auto signed_rank = static_cast<int64_t>(rank);
  const int64_t d = dimension < 0 ? dimension + signed_rank : dimension;
  if (rank > kAxes || d < 0 || d >= signed_rank)
    return bad_input("names dimension {}, but its tensor has {} dimensions", dimension, rank);
  return kByRank[rank - 1][d];
}

OnnxGraphImport::OnnxGraphImport(const OnnxModel& model) : model_(model) {
  constexpr uint64_t kTimes = 16, kFree = uint64_t{1} << 22;
  for (const auto& [name, tensor] : model.initializers) left_ += tensor.elements();
  for (const OnnxNode& node : model.nodes)
    for (const auto& [name, attribute] : node.attributes)
      if (attribute.tensor) left_ += attribute.tensor->elements();
  left_ = left_ * kTimes + kFree;
}

Status OnnxGraphImport::spend(uint64_t elements) {
  if (elements > left_)
    return limit_exceeded("makes {} more elements of constants, but a file with these weights may make {}", elements,
                          left_);
  left_ -= elements;
  return {};
}

Result<Network> OnnxGraphImport::run() {
  if (model_.opset < kLeastOpset || model_.opset > kMostOpset)
    return unsupported("is of opset {}, but {} to {} are read; export it with one of those", model_.opset, kLeastOpset,
                       kMostOpset);
  if (Status s = take_inputs(); !s) return std::move(s).error();
  for (size_t i = 0; i < model_.nodes.size(); ++i)
    if (Status s = take_node(i); !s)
      return std::move(s).error().in(
          fmt::format("node {} '{}' ({})", i, printable(model_.nodes[i].name), printable(model_.nodes[i].op)));
  if (Status s = take_outputs(); !s) return std::move(s).error();
  if (Status s = verify(network_); !s) return std::move(s).error();
  drop_unused(network_);
  return std::move(network_);
}

Status OnnxGraphImport::take_inputs() {
  for (const OnnxValue& input : model_.inputs) {
    const std::string place = fmt::format("input '{}'", printable(input.name));
    OnnxOperand operand;
    operand.dims = input.dims;
    if (!input.is_float) return unsupported("{}: is not fp32", place);
    if (!input.has_shape) return bad_input("{}: has no shape", place);
    if (!operand.dims.empty() && operand.dims[0] == -1) operand.dims[0] = 1;  // an open batch
    for (const int64_t size : operand.dims)
      if (size == -1)
        return unsupported("{}: has shape {} with open sizes; export the model for one size", place,
                           dims_text(operand.dims));
    operand.is_channels_last = operand.dims.size() == kAxes && is_read_only_by_transposes(input.name);
    std::vector<int64_t> dims = operand.dims;
    if (operand.is_channels_last) dims = {dims[0], dims[3], dims[1], dims[2]};
    const auto shape = shape_of_dims(dims);
    if (!shape) return Error(shape.error()).in(place);
    operand.id = add_input(network_, printable(input.name), *shape);
    if (Status s = bind(input.name, std::move(operand)); !s) return std::move(s).error().in(place);
  }
  return {};
}

bool OnnxGraphImport::is_read_only_by_transposes(const std::string& name) const {
  size_t readers = 0;
  for (const OnnxNode& node : model_.nodes)
    for (const std::string& input : node.inputs)
      if (input == name) {
        if (node.op != "Transpose") return false;
        ++readers;
      }
  for (const OnnxValue& output : model_.outputs)
    if (output.name == name) return false;
  return readers > 0;
}

Status OnnxGraphImport::take_node(size_t index) {
  const OnnxNode& node = model_.nodes[index];
  const OnnxOperatorRow* row = find_row(node);
  if (row == nullptr) return unsupported("is not supported; {}", advice_for(node.op));
  if (node.inputs.size() < row->least_inputs || node.inputs.size() > row->most_inputs)
    return bad_input("has {} inputs, but takes {} to {}", node.inputs.size(), row->least_inputs, row->most_inputs);
  if (node.outputs.empty()) return bad_input("has no output");
  if (Status s = check_attributes(node); !s) return s;
  OnnxNodeImport work(*this, node, printable(node.name.empty() ? node.outputs[0] : node.name));
  return row->take(work);
}

Status OnnxGraphImport::take_outputs() {
  if (model_.outputs.empty()) return bad_input("has no outputs");
  for (const OnnxValue& output : model_.outputs) {
    const auto found = operand(output.name);
    if (!found) return Error(found.error()).in(fmt::format("output '{}'", printable(output.name)));
    const auto id = tensor(*found, printable(output.name));
    if (!id) return Error(id.error()).in(fmt::format("output '{}'", printable(output.name)));
    network_.outputs.push_back(*id);
  }
  return {};
}

Result<OnnxOperand> OnnxGraphImport::operand(const std::string& name) const {
  if (const auto found = values_.find(name); found != values_.end()) return found->second;
  const auto initializer = model_.initializers.find(name);
  if (initializer == model_.initializers.end())
    return bad_input("reads '{}', which nothing before it makes", printable(name));
  OnnxOperand operand;
  operand.dims = initializer->second.dims;
  operand.constant = std::shared_ptr<const OnnxTensor>(std::shared_ptr<void>(), &initializer->second);
  return operand;
}

Result<TensorId> OnnxGraphImport::tensor(const OnnxOperand& operand, const std::string& name) {
  if (!operand.is_constant()) return operand.id;
  if (operand.constant->is_integer) return bad_input("'{}' has whole numbers, but floats are needed", name);
  const auto shape = shape_of_dims(operand.dims);
  if (!shape) return shape.error();
  if (Status s = spend(operand.constant->elements()); !s) return std::move(s).error();
  return add_constant(network_, name, *shape, transposed_matrices(operand.constant->floats, shape->c, shape->pixels()));
}

Status OnnxGraphImport::bind(const std::string& name, OnnxOperand operand) {
  if (Status s = check_dims(name, operand.dims); !s) return s;
  if (!values_.emplace(name, std::move(operand)).second || model_.initializers.contains(name))
    return bad_input("makes '{}', which is there already", printable(name));
  return {};
}

/// What the file says of shapes has to hold, but for sizes it leaves open.
Status OnnxGraphImport::check_dims(const std::string& name, const std::vector<int64_t>& dims) const {
  for (const auto* values : {&model_.outputs, &model_.others})
    for (const OnnxValue& value : *values) {
      if (value.name != name || !value.has_shape) continue;
      bool is_same = value.dims.size() == dims.size();
      for (size_t d = 0; is_same && d < dims.size(); ++d) is_same = value.dims[d] == -1 || value.dims[d] == dims[d];
      if (!is_same)
        return bad_input("makes {}, but the file gives '{}' shape {}", dims_text(dims), printable(name),
                         dims_text(value.dims));
    }
  return {};
}

Result<OnnxOperand> OnnxNodeImport::operand(size_t i) const {
  if (!has_input(i)) return bad_input("has no input {}", i);
  return graph_.operand(node_.inputs[i]);
}

Result<OnnxOperand> OnnxNodeImport::image(size_t i) const {
  auto found = operand(i);
  if (found && found->is_channels_last)
    return unsupported("reads '{}' with its channels last; only Transpose may", printable(node_.inputs[i]));
  return found;
}

Result<TensorId> OnnxNodeImport::tensor(size_t i) {
  const auto found = image(i);
  if (!found) return found.error();
  return graph_.tensor(*found, printable(node_.inputs[i]));
}

Result<std::vector<float>> OnnxNodeImport::floats(size_t i) {
  const auto found = operand(i);
  if (!found) return found.error();
  if (!found->is_constant() || found->constant->is_integer)
    return unsupported("input {} '{}' must be a constant of floats", i, printable(node_.inputs[i]));
  if (Status s = graph_.spend(found->constant->elements()); !s) return std::move(s).error();
  return found->constant->floats;
}

Result<std::vector<int64_t>> OnnxNodeImport::integers(size_t i) {
  const auto found = operand(i);
  if (!found) return found.error();
  if (!found->is_constant() || !found->constant->is_integer)
    return unsupported("input {} '{}' must be a constant of whole numbers", i, printable(node_.inputs[i]));
  if (Status s = graph_.spend(found->constant->elements()); !s) return std::move(s).error();
  return found->constant->integers;
}

int64_t OnnxNodeImport::integer(std::string_view attribute, int64_t fallback) const {
  const auto found = node_.attributes.find(attribute);
  return found == node_.attributes.end() ? fallback : found->second.integer.value_or(fallback);
}
float OnnxNodeImport::number(std::string_view attribute, float fallback) const {
  const auto found = node_.attributes.find(attribute);
  return found == node_.attributes.end() ? fallback : found->second.number.value_or(fallback);
}
std::string OnnxNodeImport::text(std::string_view attribute, std::string_view fallback) const {
  const auto found = node_.attributes.find(attribute);
  return found == node_.attributes.end() || found->second.text.empty() ? std::string(fallback) : found->second.text;
}
std::vector<int64_t> OnnxNodeImport::list(std::string_view attribute) const {
  const auto found = node_.attributes.find(attribute);
  return found == node_.attributes.end() ? std::vector<int64_t>() : found->second.integers;
}

namespace {

std::vector<int64_t> dims_of_shape(const Shape& s, size_t rank) {
  switch (rank) {
    case 1:
      return {s.c};
    case 2:
      return {s.n, s.c};
    case 3:
      return {s.n, s.c, s.w};
    default:
      return {s.n, s.c, s.h, s.w};
  }
}

}  // namespace

Status OnnxNodeImport::emit(Operation operation, std::vector<TensorId> inputs, size_t rank,
                            const Activation& activation) {
  const auto id = add_layer(graph_.network(), name_, std::move(operation), std::move(inputs), activation);
  if (!id) return Error(id.error());
  OnnxOperand made;
  made.id = *id;
  made.dims = dims_of_shape(graph_.network().shape_of(*id), rank);
  return bind(std::move(made));
}

Result<TensorId> OnnxNodeImport::emit_inner(std::string_view suffix, Operation operation,
                                            std::vector<TensorId> inputs) {
  return add_layer(graph_.network(), fmt::format("{}/{}", name_, suffix), std::move(operation), std::move(inputs));
}

Status OnnxNodeImport::emit_reshape(TensorId id, const std::vector<int64_t>& dims) {
  const auto shape = shape_of_dims(dims);
  if (!shape) return shape.error();
  OnnxOperand made;
  made.dims = dims;
  made.id = id;
  const bool is_given_out = std::ranges::any_of(
      graph_.model().outputs, [&](const OnnxValue& o) { return !node_.outputs.empty() && o.name == node_.outputs[0]; });
  if (*shape != graph_.network().shape_of(id) || is_given_out) {
    const auto reshaped = add_layer(graph_.network(), name_, Reshape{*shape, true}, {id});
    if (!reshaped) return reshaped.error();
    made.id = *reshaped;
  }
  return bind(std::move(made));
}

Status OnnxNodeImport::bind(OnnxOperand operand) { return graph_.bind(node_.outputs[0], std::move(operand)); }

Status OnnxNodeImport::bind_constant(OnnxTensor tensor) {
  if (Status s = graph_.spend(tensor.elements()); !s) return s;
  OnnxOperand operand;
  operand.dims = tensor.dims;
  operand.constant = std::make_shared<const OnnxTensor>(std::move(tensor));
  return bind(std::move(operand));
}

Result<Network> parse_onnx_network(std::string_view file_name, Bytes bytes) {
  const std::filesystem::path path(file_name);
  const auto model = parse_onnx_model(bytes, path.has_parent_path() ? path.parent_path() : ".");
  if (!model) return Error(model.error()).in(file_name);
  auto network = OnnxGraphImport(*model).run();
  if (!network) return std::move(network).error().in(file_name);
  network->name = printable(path.stem().string());
  return network;
}

}  // namespace espalier
