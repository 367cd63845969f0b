#include "ir/import/tflite_model.h"

#include <algorithm>

#include "ir/import/tflite_schema.h"

namespace espalier {
namespace {

namespace field = tflite_field;

constexpr uint32_t kSchemaVersion = 3;
constexpr uint64_t kMaxItems = uint64_t{1} << 20;
/// Codes from here on do not fit the old one-byte field, which then holds this value.
constexpr int32_t kPlaceholder = 127;

struct Code {
  int32_t number;
  std::string_view custom;
};

std::vector<Code> read_codes(const FlatTables& tables) {
  std::vector<Code> codes;
  for (uint64_t i = 0; i < tables.size(); ++i) {
    const FlatTable code = tables[i];
    const int32_t old = code.scalar<int8_t>(field::kDeprecatedBuiltinCode, 0, "an operator code");
    const int32_t wide = code.scalar<int32_t>(field::kBuiltinCode, 0, "an operator code");
    codes.push_back({std::max(old < 0 ? kPlaceholder : old, wide), code.text(field::kCustomCode, "a custom code")});
    if (!code.present()) break;
  }
  return codes;
}

TfliteTensor read_tensor(const FlatTable& table) {
  return {table.text(field::kName, "a tensor's name"),
          table.vector<int32_t>(field::kShape, "a tensor's shape"),
          table.scalar<int8_t>(field::kType, 0, "a tensor's type"),
          table.scalar<uint32_t>(field::kBuffer, 0, "a tensor's buffer"),
          table.table(field::kQuantization, "a tensor's quantization"),
          table.table(field::kSparsity, "a tensor's sparsity")};
}

Status read_operator(const FlatTable& table, std::span<const Code> codes, TfliteOperator& op) {
  const auto index = table.scalar<uint32_t>(field::kOpcodeIndex, 0, "an operator's code index");
  if (index >= codes.size()) return bad_input("uses operator code {}, but the model has {}", index, codes.size());
  op.code = codes[index].number;
  op.custom_code = codes[index].custom;
  op.inputs = table.vector<int32_t>(field::kInputs, "an operator's inputs");
  op.outputs = table.vector<int32_t>(field::kOutputs, "an operator's outputs");
  op.options = table.table(field::kOptions, "an operator's options");
  return {};
}

class ModelReader {
 public:
  explicit ModelReader(TfliteModel& model) : model_(model), file_(*model.file) {}

  Status read() {
    const FlatTable root = file_.root();
    const auto version = root.scalar<uint32_t>(field::kVersion, 0, "the model's version");
    const FlatTables codes = root.tables(field::kOperatorCodes, "the operator codes");
    const FlatTables graphs = root.tables(field::kSubgraphs, "the subgraphs");
    model_.buffers = root.tables(field::kBuffers, "the buffers");
    if (Status s = count(codes.size() + graphs.size()); !s) return s;
    if (!file_.status()) return file_.status();
    if (version != kSchemaVersion)
      return unsupported("is of TFLite schema version {}, but only {} is read", version, kSchemaVersion);
    codes_ = read_codes(codes);
    for (uint64_t g = 0; g < graphs.size() && file_.status(); ++g)
      if (Status s = read_graph(graphs[g]); !s) return std::move(s).error().in(fmt::format("subgraph {}", g));
    return file_.status();
  }

 private:
  /// Tables can be listed any number of times at 4 bytes each, so what is made of them is counted.
  Status count(uint64_t items) {
    items_ += items;
    if (items_ > kMaxItems)
      return limit_exceeded("the model lists {} things or more, but at most {} are read", items_, kMaxItems);
    return {};
  }

  Status read_graph(const FlatTable& table) {
    const FlatTables tensors = table.tables(field::kTensors, "a subgraph's tensors");
    const FlatTables operators = table.tables(field::kOperators, "a subgraph's operators");
    if (Status s = count(tensors.size() + operators.size()); !s) return s;
    TfliteGraph graph;
    graph.inputs = table.vector<int32_t>(field::kGraphInputs, "a subgraph's inputs");
    graph.outputs = table.vector<int32_t>(field::kGraphOutputs, "a subgraph's outputs");
    for (uint64_t t = 0; t < tensors.size() && file_.status(); ++t) graph.tensors.push_back(read_tensor(tensors[t]));
    for (uint64_t i = 0; i < operators.size() && file_.status(); ++i) {
      TfliteOperator op;
      if (Status s = read_operator(operators[i], codes_, op); !s && file_.status())
        return std::move(s).error().in(fmt::format("operator {}", i));
      if (op.code == kTfliteDensify || op.code == kTfliteDequantize) graph.unpacked_by.emplace(op.output(0), i);
      graph.operators.push_back(op);
    }
    model_.graphs.push_back(std::move(graph));
    return file_.status();
  }

  TfliteModel& model_;
  FlatFile& file_;
  std::vector<Code> codes_;
  uint64_t items_ = 0;
};

/// By the number of the public schema.
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr Clamp kFusedClamps[] = {{}, {0.0f, kInfinity}, {-1.0f, 1.0f}, {0.0f, 6.0f}};

}  // namespace

std::optional<Clamp> tflite_clamp(int8_t fused_activation) {
  if (fused_activation < 0 || static_cast<size_t>(fused_activation) >= std::size(kFusedClamps)) return std::nullopt;
  return kFusedClamps[fused_activation];
}

const TfliteTensor* TfliteGraph::find(int32_t tensor) const {
  return tensor >= 0 && static_cast<uint64_t>(tensor) < tensors.size() ? &tensors[tensor] : nullptr;
}

std::string TfliteGraph::layer_name(size_t operator_index) const {
  constexpr size_t kMaxName = 256;
  const TfliteTensor* output = find(operators[operator_index].output(0));
  const std::string_view name = output == nullptr ? "" : output->name.substr(0, output->name.find(';'));
  return name.empty() ? fmt::format("operator_{}", operator_index) : std::string(name.substr(0, kMaxName));
}

Result<Bytes> TfliteModel::constant(const TfliteTensor& tensor) const {
  if (tensor.buffer >= buffers.size())
    return bad_input("is in buffer {}, but the model has {}", tensor.buffer, buffers.size());
  const FlatTable buffer = buffers[tensor.buffer];
  const Bytes data = buffer.vector<uint8_t>(field::kData, "a buffer's data").bytes();
  // Large models (over 2 GiB) keep data behind the flatbuffer; 0 and 1 mean "not there".
  const auto outside = buffer.scalar<uint64_t>(field::kDataOffset, 0, "a buffer's offset");
  if (!file->status()) return file->status().error();
  if (outside > 1) return unsupported("has its data outside of the flatbuffer, at byte {}", outside);
  return data;
}

Result<TfliteModel> parse_tflite(Bytes bytes) {
  if (bytes.size() < 8 || as_text(bytes.subspan(4, 4)) != "TFL3")
    return bad_input("has '{}' at byte 4, but a TFLite model has 'TFL3'",
                     printable(bytes.size() < 8 ? "" : as_text(bytes.subspan(4, 4))));
  TfliteModel model{std::make_unique<FlatFile>(bytes), {}, {}};
  if (Status s = ModelReader(model).read(); !s) return std::move(s).error();
  return model;
}

}  // namespace espalier
