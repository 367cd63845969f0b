#include "ir/export/tflite_builder.h"

#include <flatbuffers/flatbuffers.h>

#include <algorithm>

#include "ir/import/tflite_schema.h"

namespace espalier {
namespace {

namespace fb = flatbuffers;
namespace field = tflite_field;
using Builder = fb::FlatBufferBuilder;
using Table = fb::Offset<void>;

constexpr uint32_t kSchemaVersion = 3;
constexpr size_t kBufferAlignment = 16;
constexpr int32_t kPlaceholder = 127;  ///< of codes that do not fit the old one-byte field

/// The place of a field in its table's vtable.
constexpr fb::voffset_t at(unsigned number) { return static_cast<fb::voffset_t>(4 + 2 * number); }

Table buffer_table(Builder& b, const std::string& data) {
  fb::Offset<fb::Vector<uint8_t>> bytes;
  if (!data.empty()) {
    b.ForceVectorAlignment(data.size(), 1, kBufferAlignment);
    bytes = b.CreateVector(reinterpret_cast<const uint8_t*>(data.data()), data.size());
  }
  const auto start = b.StartTable();
  if (!data.empty()) b.AddOffset(at(field::kData), bytes);
  return Table(b.EndTable(start));
}

constexpr uint8_t kInt32Vector = 1, kUint16Vector = 2, kUint8Vector = 3;
constexpr int8_t kCompressed = 1;

template <typename T>
Table index_table(Builder& b, const std::vector<int32_t>& values) {
  const std::vector<T> narrow(values.begin(), values.end());
  b.ForceVectorAlignment(narrow.size(), sizeof(T), sizeof(int32_t));
  const auto vector = b.CreateVector(narrow);
  const auto start = b.StartTable();
  b.AddOffset(at(field::kValues), vector);
  return Table(b.EndTable(start));
}

/// The narrowest vector that holds the values.
struct Indices {
  uint8_t type;
  Table table;

  Indices(Builder& b, const std::vector<int32_t>& values) {
    const int32_t largest = values.empty() ? 0 : *std::max_element(values.begin(), values.end());
    type = largest <= UINT8_MAX ? kUint8Vector : largest <= UINT16_MAX ? kUint16Vector : kInt32Vector;
    table = type == kUint8Vector    ? index_table<uint8_t>(b, values)
            : type == kUint16Vector ? index_table<uint16_t>(b, values)
                                    : index_table<int32_t>(b, values);
  }
};

Table level_table(Builder& b, const TfliteLevelOut& level) {
  if (level.segments.empty()) {
    const auto start = b.StartTable();
    b.AddElement<int32_t>(at(field::kDenseSize), level.dense_size, 0);
    return Table(b.EndTable(start));
  }
  const Indices segments(b, level.segments), indices(b, level.indices);
  const auto start = b.StartTable();
  b.AddElement<int8_t>(at(field::kFormat), kCompressed, 0);
  b.AddElement<uint8_t>(at(field::kSegmentsType), segments.type, 0);
  b.AddOffset(at(field::kSegments), segments.table);
  b.AddElement<uint8_t>(at(field::kIndicesType), indices.type, 0);
  b.AddOffset(at(field::kIndices), indices.table);
  return Table(b.EndTable(start));
}

Table sparsity_table(Builder& b, const TfliteSparsityOut& sparsity) {
  std::vector<Table> levels;
  for (const TfliteLevelOut& level : sparsity.levels) levels.push_back(level_table(b, level));
  const auto order = b.CreateVector(sparsity.traversal_order), block_map = b.CreateVector(sparsity.block_map);
  const auto metadata = b.CreateVector(levels);
  const auto start = b.StartTable();
  b.AddOffset(at(field::kTraversalOrder), order);
  if (!sparsity.block_map.empty()) b.AddOffset(at(field::kBlockMap), block_map);
  b.AddOffset(at(field::kDimMetadata), metadata);
  return Table(b.EndTable(start));
}

Table tensor_table(Builder& b, const TfliteTensorOut& tensor, uint32_t buffer) {
  const auto name = b.CreateString(tensor.name);
  const auto shape = b.CreateVector(tensor.shape);
  const Table sparsity = tensor.sparsity ? sparsity_table(b, *tensor.sparsity) : Table();
  const auto start = b.StartTable();
  b.AddOffset(at(field::kShape), shape);
  b.AddElement<int8_t>(at(field::kType), tensor.type, 0);
  b.AddElement<uint32_t>(at(field::kBuffer), buffer, 0);
  b.AddOffset(at(field::kName), name);
  if (tensor.sparsity) b.AddOffset(at(field::kSparsity), sparsity);
  return Table(b.EndTable(start));
}

Table options_table(Builder& b, const std::vector<TfliteOption>& options) {
  const auto start = b.StartTable();
  for (const TfliteOption& option : options)
    std::visit([&](auto value) { b.AddElement(at(option.field), value); }, option.value);
  return Table(b.EndTable(start));
}

Table operator_table(Builder& b, const TfliteOperatorOut& op, uint32_t code_index) {
  const auto inputs = b.CreateVector(op.inputs), outputs = b.CreateVector(std::vector<int32_t>{op.output});
  const Table options = options_table(b, op.options);
  const auto start = b.StartTable();
  b.AddElement<uint32_t>(at(field::kOpcodeIndex), code_index, 0);
  b.AddOffset(at(field::kInputs), inputs);
  b.AddOffset(at(field::kOutputs), outputs);
  if (op.options_type != 0) {
    b.AddElement<uint8_t>(at(field::kOptionsType), op.options_type, 0);
    b.AddOffset(at(field::kOptions), options);
  }
  return Table(b.EndTable(start));
}

Table code_table(Builder& b, int32_t code) {
  const auto start = b.StartTable();
  b.AddElement<int8_t>(at(field::kDeprecatedBuiltinCode), static_cast<int8_t>(std::min(code, kPlaceholder)), 0);
  b.AddElement<int32_t>(at(field::kBuiltinCode), code, 0);
  return Table(b.EndTable(start));
}

/// Every code once, in the order of first use.
std::vector<int32_t> distinct_codes(const TfliteModelOut& model) {
  std::vector<int32_t> codes;
  for (const TfliteOperatorOut& op : model.operators)
    if (std::find(codes.begin(), codes.end(), op.code) == codes.end()) codes.push_back(op.code);
  return codes;
}

Table graph_table(Builder& b, const TfliteModelOut& model, const std::vector<int32_t>& codes) {
  std::vector<Table> tensors, operators;
  uint32_t buffers = 0;
  for (const TfliteTensorOut& tensor : model.tensors)
    tensors.push_back(tensor_table(b, tensor, tensor.data.empty() ? 0 : ++buffers));
  for (const TfliteOperatorOut& op : model.operators) {
    const auto place = std::find(codes.begin(), codes.end(), op.code) - codes.begin();
    operators.push_back(operator_table(b, op, static_cast<uint32_t>(place)));
  }
  const auto tensor_vector = b.CreateVector(tensors), operator_vector = b.CreateVector(operators);
  const auto inputs = b.CreateVector(model.inputs), outputs = b.CreateVector(model.outputs);
  const auto start = b.StartTable();
  b.AddOffset(at(field::kTensors), tensor_vector);
  b.AddOffset(at(field::kGraphInputs), inputs);
  b.AddOffset(at(field::kGraphOutputs), outputs);
  b.AddOffset(at(field::kOperators), operator_vector);
  return Table(b.EndTable(start));
}

}  // namespace

std::string built_tflite(const TfliteModelOut& model) {
  Builder b;
  const std::vector<int32_t> codes = distinct_codes(model);
  std::vector<Table> buffers{buffer_table(b, "")}, code_tables;  // the first buffer is empty by convention
  for (const TfliteTensorOut& tensor : model.tensors)
    if (!tensor.data.empty()) buffers.push_back(buffer_table(b, tensor.data));
  for (const int32_t code : codes) code_tables.push_back(code_table(b, code));
  const std::vector<Table> graphs{graph_table(b, model, codes)};
  const auto graph_vector = b.CreateVector(graphs), code_vector = b.CreateVector(code_tables),
             buffer_vector = b.CreateVector(buffers);
  const auto description = b.CreateString(model.description);
  const auto start = b.StartTable();
  b.AddElement<uint32_t>(at(field::kVersion), kSchemaVersion, 0);
  b.AddOffset(at(field::kOperatorCodes), code_vector);
  b.AddOffset(at(field::kSubgraphs), graph_vector);
  b.AddOffset(at(field::kDescription), description);
  b.AddOffset(at(field::kBuffers), buffer_vector);
  b.Finish(Table(b.EndTable(start)), "TFL3");
  return {reinterpret_cast<const char*>(b.GetBufferPointer()), b.GetSize()};
}

}  // namespace espalier
