#include "ir/import/tflite_weights.h"

#include <algorithm>

#include "ir/import/tflite_schema.h"
#include "ir/import/tflite_tensor.h"

namespace espalier {
namespace {

namespace field = tflite_field;

/// What the model says about one layer besides its weights' values.
struct Layer {
  const TfliteGraph* graph = nullptr;
  const TfliteOperator* op = nullptr;
  const TfliteTensor* weights = nullptr;
  std::vector<uint64_t> shape;
  std::string name, kind;
  bool is_matrix = false;
};

/// Outlives the closures that decode one layer each.
struct OpenModel {
  explicit OpenModel(TfliteModel parsed, uint64_t file_bytes) : model(std::move(parsed)), budget(file_bytes) {}
  TfliteModel model;
  DecodeBudget budget;
};

struct OpRow {
  int32_t code;
  std::string_view name;
  size_t rank;
};
constexpr OpRow kWeightOps[] = {{kTfliteConv2d, "CONV_2D", 4},
                                {kTfliteDepthwise, "DEPTHWISE_CONV_2D", 4},
                                {kTfliteFullyConnected, "FULLY_CONNECTED", 2}};

const OpRow* find_op(int32_t code) {
  const auto row =
      std::find_if(std::begin(kWeightOps), std::end(kWeightOps), [&](const OpRow& r) { return r.code == code; });
  return row == std::end(kWeightOps) ? nullptr : &*row;
}

std::string_view conv_kind(const Layer& layer) {
  if (layer.shape[1] != 1 || layer.shape[2] != 1) return "conv";
  const TfliteTensor* input = layer.graph->find(layer.op->input(0));
  if (input != nullptr && input->shape.size() == 4 && static_cast<uint64_t>(input->shape[3]) != layer.shape[3])
    return "grouped_conv";
  const FlatTable& options = layer.op->options;
  const bool strided = options.scalar<int32_t>(field::kConvStrideW, 1, "a stride") > 1 ||
                       options.scalar<int32_t>(field::kConvStrideH, 1, "a stride") > 1;
  return strided ? "conv1x1_strided" : "conv1x1";
}

std::string_view kind_of(const Layer& layer) {
  if (layer.op->code == kTfliteDepthwise) return "depthwise";
  return layer.op->code == kTfliteFullyConnected ? "fully_connected" : conv_kind(layer);
}

/// Height x width of a convolution's output, the batch of a fully-connected one's; 0 where the model leaves it open.
uint32_t pixel_count(const Layer& layer) {
  const TfliteTensor* output = layer.graph->find(layer.op->output(0));
  if (output == nullptr || output->shape.size() < 2 || output->shape.size() > 4) return 0;
  const bool conv = layer.op->code == kTfliteConv2d;
  if (conv && output->shape.size() != 4) return 0;
  uint64_t pixels = 1;
  for (uint64_t d = conv ? 1 : 0; d + 1 < output->shape.size(); ++d)
    pixels = saturating_product(pixels, output->shape[d] < 1 ? 0 : static_cast<uint64_t>(output->shape[d]));
  return pixels > UINT32_MAX ? 0 : static_cast<uint32_t>(pixels);
}

Result<Clamp> clamp_of(const Layer& layer) {
  const bool conv = layer.op->code == kTfliteConv2d;
  const auto code = layer.op->options.scalar<int8_t>(
      conv ? unsigned{field::kConvActivation} : unsigned{field::kFullyConnectedActivation}, 0, "a fused activation");
  if (const std::optional<Clamp> clamp = tflite_clamp(code)) return *clamp;
  return unsupported(
      "its fused activation is {}, but only 0 (none), 1 (relu), 2 (relu_n1_to_1) and 3 (relu6) are known", code);
}

Result<std::vector<float>> read_bias(OpenModel& open, const Layer& layer, uint64_t rows) {
  if (layer.op->input(2) < 0) return std::vector<float>{};
  Result<const TfliteTensor*> tensor = find_constant(open.model, *layer.graph, layer.op->input(2));
  if (!tensor) return std::move(tensor).error();
  Result<TfliteEntries> entries = decode_tensor(open.model, **tensor, open.budget);
  if (!entries) return std::move(entries).error();
  if (!entries->places.empty() || entries->values.size() != rows)
    return bad_input("has {} values, but the layer has {} outputs", entries->values.size(), rows);
  return std::move(entries->values);
}

Result<SparseMatrix> read_weights(OpenModel& open, const Layer& layer) {
  const uint64_t rows = layer.shape.front(), columns = layer.shape.back();
  if (Status s = check_dimensions(rows, columns); !s) return std::move(s).error();
  if (Status s = open.budget.spend(rows); !s) return std::move(s).error();
  Result<TfliteEntries> entries = decode_tensor(open.model, *layer.weights, open.budget);
  if (!entries) return std::move(entries).error();
  const auto m = static_cast<uint32_t>(rows), k = static_cast<uint32_t>(columns);
  if (!layer.weights->sparsity.present()) return SparseMatrix::from_dense(m, k, entries->values);
  std::vector<uint32_t> row_indices, column_indices;
  for (const uint64_t place : entries->places) {
    row_indices.push_back(static_cast<uint32_t>(place / columns));
    column_indices.push_back(static_cast<uint32_t>(place % columns));
  }
  return SparseMatrix::from_coo(m, k, row_indices, column_indices, entries->values);
}

Result<NamedMatrix> decode(OpenModel& open, const Layer& layer) {
  if (layer.op->code == kTfliteFullyConnected)
    if (const auto format = layer.op->options.scalar<int8_t>(field::kWeightsFormat, 0, "a weights format"); format != 0)
      return unsupported("its weights are in format {}, but only 0 (plain) is known", format);
  Result<Clamp> clamp = clamp_of(layer);
  if (!clamp) return std::move(clamp).error();
  Result<SparseMatrix> matrix = read_weights(open, layer);
  if (!matrix) return std::move(matrix).error().in("weights");
  Result<std::vector<float>> bias = read_bias(open, layer, layer.shape.front());
  if (!bias) return std::move(bias).error().in("bias");
  if (!open.model.file->status()) return open.model.file->status().error();
  return NamedMatrix{layer.name, *std::move(matrix), *std::move(bias), *clamp, pixel_count(layer), layer.kind};
}

/// Nothing when the weights are computed at run time: then there is no matrix to compile.
Result<std::optional<Layer>> read_layer(const TfliteModel& model, const TfliteGraph& graph, size_t index) {
  Layer layer{&graph, &graph.operators[index], nullptr, {}, graph.layer_name(index), {}, false};
  const OpRow& row = *find_op(layer.op->code);
  const TfliteTensor* operand = graph.find(layer.op->input(1));
  if (operand == nullptr)
    return bad_input("{} has weights in tensor {}, but the subgraph has {}", row.name, layer.op->input(1),
                     graph.tensors.size());
  Result<Bytes> data = model.constant(*operand);
  if (!data) return std::move(data).error();
  if (data->empty() && !graph.unpacked_by.contains(layer.op->input(1))) return std::optional<Layer>();
  Result<const TfliteTensor*> weights = find_constant(model, graph, layer.op->input(1));
  if (!weights) return std::move(weights).error();
  layer.weights = *weights;
  Result<std::vector<uint64_t>> shape = tflite_shape(*layer.weights);
  if (!shape) return std::move(shape).error();
  layer.shape = *std::move(shape);
  if (layer.shape.size() != row.rank)
    return bad_input("{} has weights of {} dimensions, but must have {}", row.name, layer.shape.size(), row.rank);
  layer.kind = kind_of(layer);
  layer.is_matrix = layer.kind == "conv1x1" || layer.kind == "conv1x1_strided" || layer.kind == "fully_connected";
  if (!model.file->status()) return model.file->status().error();
  return std::optional<Layer>(std::move(layer));
}

Result<uint64_t> count_nonzeros(OpenModel& open, const Layer& layer) {
  Result<TfliteEntries> entries = decode_tensor(open.model, *layer.weights, open.budget);
  if (!entries) return std::move(entries).error();
  return entries->values.size() -
         static_cast<uint64_t>(std::count(entries->values.begin(), entries->values.end(), 0.0f));
}

Result<WeightSource> make_source(const std::shared_ptr<OpenModel>& open, Layer layer, size_t index,
                                 const std::string& file_name) {
  Result<uint64_t> nonzeros = count_nonzeros(*open, layer);
  if (!nonzeros) return std::move(nonzeros).error().in("weights");
  WeightListing listing{index, layer.name, layer.kind, layer.shape, *nonzeros, layer.is_matrix};
  return WeightSource{std::move(listing), [open, layer = std::move(layer), file_name]() -> Result<NamedMatrix> {
                        Result<NamedMatrix> matrix = decode(*open, layer);
                        if (!matrix) return std::move(matrix).error().in(printable(layer.name)).in(file_name);
                        return matrix;
                      }};
}

Status add_layers(const std::shared_ptr<OpenModel>& open, const TfliteGraph& graph, const std::string& file_name,
                  std::vector<WeightSource>& sources) {
  for (size_t i = 0; i < graph.operators.size(); ++i) {
    if (find_op(graph.operators[i].code) == nullptr) continue;
    const std::string name = printable(graph.layer_name(i));
    Result<std::optional<Layer>> layer = read_layer(open->model, graph, i);
    if (!layer) return std::move(layer).error().in(name);
    if (!*layer) continue;
    Result<WeightSource> source = make_source(open, **std::move(layer), sources.size(), file_name);
    if (!source) return std::move(source).error().in(name);
    sources.push_back(*std::move(source));
  }
  return {};
}

}  // namespace

Result<std::vector<WeightSource>> tflite_sources(std::string_view file_name, Bytes bytes) {
  Result<TfliteModel> model = parse_tflite(bytes);
  if (!model) return std::move(model).error().in(file_name);
  const auto open = std::make_shared<OpenModel>(*std::move(model), bytes.size());
  std::vector<WeightSource> sources;
  for (const TfliteGraph& graph : open->model.graphs)
    if (Status s = add_layers(open, graph, std::string(file_name), sources); !s)
      return std::move(s).error().in(file_name);
  return sources;
}

}  // namespace espalier
