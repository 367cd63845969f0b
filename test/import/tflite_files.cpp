#include "tflite_files.h"

#include <flatbuffers/flatbuffers.h>

#include "ir/import/tflite_schema.h"

namespace espalier::test {
namespace {

namespace fb = flatbuffers;
namespace field = espalier::tflite_field;
using Builder = fb::FlatBufferBuilder;
using Table = fb::Offset<void>;

/// The place of a field in its table's vtable.
constexpr fb::voffset_t at(unsigned number) { return static_cast<fb::voffset_t>(4 + 2 * number); }

template <typename T>
fb::Offset<fb::Vector<T>> narrow(Builder& b, const std::vector<int32_t>& values) {
  std::vector<T> typed;
  for (const int32_t v : values) typed.push_back(static_cast<T>(v));
  return b.CreateVector(typed);
}

Table index_vector(Builder& b, uint8_t type, const std::vector<int32_t>& values) {
  const fb::uoffset_t vector = type == 1   ? narrow<int32_t>(b, values).o
                               : type == 2 ? narrow<uint16_t>(b, values).o
                                           : narrow<uint8_t>(b, values).o;
  const auto start = b.StartTable();
  b.AddOffset(at(field::kValues), Table(vector));
  return Table(b.EndTable(start));
}

Table level_table(Builder& b, const TestLevel& level) {
  const bool compressed = level.format != 0;
  Table segments, indices;
  if (compressed) segments = index_vector(b, level.segments_type, level.segments);
  if (compressed) indices = index_vector(b, level.indices_type, level.indices);
  const auto start = b.StartTable();
  b.AddElement<int8_t>(at(field::kFormat), level.format, 0);
  b.AddElement<int32_t>(at(field::kDenseSize), level.dense_size, 0);
  if (compressed) {
    b.AddElement<uint8_t>(at(field::kSegmentsType), level.segments_type, 0);
    b.AddOffset(at(field::kSegments), segments);
    b.AddElement<uint8_t>(at(field::kIndicesType), level.indices_type, 0);
    b.AddOffset(at(field::kIndices), indices);
  }
  return Table(b.EndTable(start));
}

Table sparsity_table(Builder& b, const TestSparsity& sparsity) {
  std::vector<Table> levels;
  for (const TestLevel& level : sparsity.levels) levels.push_back(level_table(b, level));
  const auto order = b.CreateVector(sparsity.traversal_order), map = b.CreateVector(sparsity.block_map);
  const auto metadata = b.CreateVector(levels);
  const auto start = b.StartTable();
  b.AddOffset(at(field::kTraversalOrder), order);
  if (!sparsity.block_map.empty()) b.AddOffset(at(field::kBlockMap), map);
  b.AddOffset(at(field::kDimMetadata), metadata);
  return Table(b.EndTable(start));
}

Table quantization_table(Builder& b, const TestTensor& tensor) {
  const auto scales = b.CreateVector(tensor.scales);
  const auto zeros = b.CreateVector(tensor.zero_points);
  const auto start = b.StartTable();
  b.AddOffset(at(field::kScale), scales);
  b.AddOffset(at(field::kZeroPoint), zeros);
  b.AddElement<int32_t>(at(field::kQuantizedDimension), tensor.quantized_dimension, 0);
  return Table(b.EndTable(start));
}

Table tensor_table(Builder& b, const TestTensor& tensor, uint32_t own_buffer) {
  const auto name = b.CreateString(tensor.name);
  const auto shape = b.CreateVector(tensor.shape);
  Table sparsity, quantization;
  if (tensor.sparsity) sparsity = sparsity_table(b, *tensor.sparsity);
  if (!tensor.scales.empty()) quantization = quantization_table(b, tensor);
  const auto start = b.StartTable();
  b.AddOffset(at(field::kShape), shape);
  b.AddElement<int8_t>(at(field::kType), tensor.type, 0);
  b.AddElement<uint32_t>(at(field::kBuffer), tensor.buffer.value_or(own_buffer), 0);
  b.AddOffset(at(field::kName), name);
  if (!tensor.scales.empty()) b.AddOffset(at(field::kQuantization), quantization);
  if (tensor.sparsity) b.AddOffset(at(field::kSparsity), sparsity);
  return Table(b.EndTable(start));
}

Table buffer_table(Builder& b, const std::string& data, uint64_t outside = 0) {
  fb::Offset<fb::Vector<uint8_t>> bytes;
  if (!data.empty()) bytes = b.CreateVector(reinterpret_cast<const uint8_t*>(data.data()), data.size());
  const auto start = b.StartTable();
  if (!data.empty()) b.AddOffset(at(field::kData), bytes);
  b.AddElement<uint64_t>(at(field::kDataOffset), outside, 0);
  return Table(b.EndTable(start));
}

Table code_table(Builder& b, const TestOperator& op) {
  const int32_t code = op.code;
  fb::Offset<fb::String> custom;
  if (!op.custom_code.empty()) custom = b.CreateString(op.custom_code);
  const auto start = b.StartTable();
  b.AddElement<int8_t>(at(field::kDeprecatedBuiltinCode), static_cast<int8_t>(code < 127 ? code : 127), 0);
  if (!op.custom_code.empty()) b.AddOffset(at(field::kCustomCode), custom);
  b.AddElement<int32_t>(at(field::kBuiltinCode), code, 0);
  return Table(b.EndTable(start));
}

Table listed_options(Builder& b, const std::vector<TestOption>& options) {
  std::vector<fb::Offset<fb::Vector<int32_t>>> vectors;
  for (const TestOption& option : options)
    if (const auto* values = std::get_if<std::vector<int32_t>>(&option.value))
      vectors.push_back(b.CreateVector(*values));
  const auto start = b.StartTable();
  size_t next = 0;
  for (const TestOption& option : options) {
    if (const auto* v = std::get_if<int8_t>(&option.value)) b.AddElement<int8_t>(at(option.field), *v);
    if (const auto* v = std::get_if<int32_t>(&option.value)) b.AddElement<int32_t>(at(option.field), *v);
    if (const auto* v = std::get_if<float>(&option.value)) b.AddElement<float>(at(option.field), *v);
    if (std::holds_alternative<std::vector<int32_t>>(option.value)) b.AddOffset(at(option.field), vectors[next++]);
  }
  return Table(b.EndTable(start));
}

Table options_table(Builder& b, const TestOperator& op) {
  if (op.options) return listed_options(b, *op.options);
  const auto start = b.StartTable();
  if (op.code == 9) {
    b.AddElement<int8_t>(at(field::kFullyConnectedActivation), op.activation, 0);
    b.AddElement<int8_t>(at(field::kWeightsFormat), op.weights_format, 0);
  } else {
    b.AddElement<int32_t>(at(field::kConvStrideW), op.stride, 0);
    b.AddElement<int32_t>(at(field::kConvStrideH), op.stride, 0);
    b.AddElement<int8_t>(at(field::kConvActivation), op.activation, 0);
  }
  return Table(b.EndTable(start));
}

Table operator_table(Builder& b, const TestOperator& op, uint32_t own_code) {
  const auto inputs = b.CreateVector(op.inputs), outputs = b.CreateVector(op.outputs);
  const Table options = options_table(b, op);
  const auto start = b.StartTable();
  b.AddElement<uint32_t>(at(field::kOpcodeIndex), op.code_index.value_or(own_code), 0);
  b.AddOffset(at(field::kInputs), inputs);
  b.AddOffset(at(field::kOutputs), outputs);
  b.AddElement<uint8_t>(at(field::kOptionsType), op.code == 9 ? 8 : 1, 0);
  b.AddOffset(at(field::kOptions), options);
  return Table(b.EndTable(start));
}

}  // namespace

std::string tflite_file(const TestModel& model) {
  Builder b;
  std::vector<Table> tensors, operators, codes, buffers{buffer_table(b, "")};
  for (uint32_t i = 0; i < model.tensors.size(); ++i) {
    tensors.push_back(tensor_table(b, model.tensors[i], model.tensors[i].data.empty() ? 0 : i + 1));
    buffers.push_back(buffer_table(b, model.tensors[i].data, model.tensors[i].outside));
  }
  for (uint32_t i = 0; i < model.operators.size(); ++i) {
    operators.push_back(operator_table(b, model.operators[i], i));
    codes.push_back(code_table(b, model.operators[i]));
  }
  for (uint32_t i = 0; i < model.more_codes; ++i) codes.push_back(codes[0]);
  const auto tensor_vector = b.CreateVector(tensors), operator_vector = b.CreateVector(operators);
  fb::Offset<fb::Vector<int32_t>> inputs, outputs;
  if (!model.inputs.empty()) inputs = b.CreateVector(model.inputs);
  if (!model.outputs.empty()) outputs = b.CreateVector(model.outputs);
  auto start = b.StartTable();
  b.AddOffset(at(field::kTensors), tensor_vector);
  if (!model.inputs.empty()) b.AddOffset(at(field::kGraphInputs), inputs);
  if (!model.outputs.empty()) b.AddOffset(at(field::kGraphOutputs), outputs);
  b.AddOffset(at(field::kOperators), operator_vector);
  const std::vector<Table> graphs{Table(b.EndTable(start))};
  const auto graph_vector = b.CreateVector(graphs), code_vector = b.CreateVector(codes),
             buffer_vector = b.CreateVector(buffers);
  start = b.StartTable();
  b.AddElement<uint32_t>(at(field::kVersion), model.version, 0);
  b.AddOffset(at(field::kOperatorCodes), code_vector);
  b.AddOffset(at(field::kSubgraphs), graph_vector);
  b.AddOffset(at(field::kBuffers), buffer_vector);
  b.Finish(Table(b.EndTable(start)), "TFL3");
  return {reinterpret_cast<const char*>(b.GetBufferPointer()), b.GetSize()};
}

std::vector<float> fixture_dense() {
  return {1.5f, 0, 0, -2, 0, 0, /**/ 0, 0.25f, 0, 0, 0, 3, /**/ 0, 0, 0, 0, 0, 0, /**/ -1, 0, 4, 0, 0.5f, 0};
}

TestModel sparse_conv_model() {
  TestModel model;
  TestTensor packed{.name = "kernel", .shape = {4, 1, 1, 6}, .data = raw<float>({1.5f, -2, 0.25f, 3, -1, 4, 0.5f})};
  packed.sparsity =
      TestSparsity{{0, 1, 2, 3}, {}, {{0, 4}, {0, 1}, {0, 1}, {1, 0, {0, 2, 4, 4, 7}, {0, 3, 1, 5, 0, 2, 4}}}};
  model.tensors = {{.name = "input", .shape = {1, 5, 7, 6}},
                   packed,
                   {.name = "kernel_dense", .shape = {4, 1, 1, 6}},
                   {.name = "bias", .shape = {4}, .data = raw<float>({0, 1, 2, 3})},
                   {.name = "layer/Relu6;fused/BiasAdd", .shape = {1, 5, 7, 4}}};
  model.operators = {{.code = 124, .inputs = {1}, .outputs = {2}},
                     {.code = 3, .inputs = {0, 2, 3}, .outputs = {4}, .activation = 3}};
  return model;
}

TestModel dense_conv_model() {
  TestModel model;
  model.tensors = {{.name = "input", .shape = {1, 5, 7, 6}},
                   {.name = "kernel", .shape = {4, 1, 1, 6}, .data = raw(fixture_dense())},
                   {.name = "bias", .shape = {4}, .data = raw<float>({0, 1, 2, 3})},
                   {.name = "layer", .shape = {1, 5, 7, 4}}};
  model.operators = {{.code = 3, .inputs = {0, 1, 2}, .outputs = {3}}};
  return model;
}

}  // namespace espalier::test
