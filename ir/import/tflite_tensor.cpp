#include "ir/import/tflite_tensor.h"

#include <algorithm>
#include <cmath>

#include "ir/import/tflite_schema.h"

namespace espalier {
namespace {

namespace field = tflite_field;

constexpr uint64_t kMaxRank = 8, kMaxElements = uint64_t{1} << 40;
constexpr int kMaxChain = 4;

template <typename T>
float plain(Bytes data, uint64_t i) {
  return static_cast<float>(load_little<T>(data, i * sizeof(T)));
}
float half(Bytes data, uint64_t i) { return half_to_float(load_little<uint16_t>(data, i * 2)); }

struct TypeRow {
  int8_t type;
  uint64_t bytes;
  float (*load)(Bytes, uint64_t);
};
constexpr TypeRow kTypes[] = {
    {kTfliteFloat32, 4, plain<float>}, {kTfliteFloat16, 2, half}, {kTfliteInt8, 1, plain<int8_t>}};

Result<const TypeRow*> type_row(int8_t type) {
  for (const TypeRow& row : kTypes)
    if (row.type == type) return &row;
  return unsupported("has element type {}, but only 0 (float32), 1 (float16) and 9 (int8) are read", type);
}

/// value = scale * (stored - zero point), per tensor or per index of one dimension.
/// Source: TensorFlow Lite 8-bit quantization specification.
Status dequantize(const FlatTable& quantization, TfliteEntries& entries, const FlatFile& file) {
  const auto scales = quantization.vector<float>(field::kScale, "quantization scales");
  const auto zeros = quantization.vector<int64_t>(field::kZeroPoint, "quantization zero points");
  const auto dimension = quantization.scalar<int32_t>(field::kQuantizedDimension, 0, "the quantized dimension");
  if (!file.status()) return file.status();
  if (scales.size() == 0) return bad_input("is int8, but has no quantization scale");
  if (zeros.size() > 1 && zeros.size() != scales.size())
    return bad_input("has {} quantization scales, but {} zero points", scales.size(), zeros.size());
  uint64_t inner = 1, size = 1;
  if (scales.size() > 1) {
    if (dimension < 0 || static_cast<uint64_t>(dimension) >= entries.shape.size() ||
        entries.shape[dimension] != scales.size())
      return bad_input("has {} quantization scales along dimension {} of shape ({})", scales.size(), dimension,
                       fmt::join(entries.shape, ", "));
    size = entries.shape[dimension];
    for (size_t d = dimension + 1; d < entries.shape.size(); ++d) inner *= entries.shape[d];
  }
  for (uint64_t i = 0; i < entries.values.size(); ++i) {
    const uint64_t place = entries.places.empty() ? i : entries.places[i], channel = place / inner % size;
    const int64_t zero = zeros.size() > 1 ? zeros[channel] : zeros[0];
    entries.values[i] =
        scales[channel] * static_cast<float>(static_cast<double>(entries.values[i]) - static_cast<double>(zero));
  }
  return {};
}

Result<const TfliteTensor*> tensor_at(const TfliteGraph& graph, int32_t index) {
  if (index < 0 || static_cast<uint64_t>(index) >= graph.tensors.size())
    return bad_input("refers to tensor {}, but the subgraph has {}", index, graph.tensors.size());
  return &graph.tensors[index];
}

}  // namespace

Result<const TfliteTensor*> find_constant(const TfliteModel& model, const TfliteGraph& graph, int32_t index) {
  for (int step = 0; step <= kMaxChain; ++step) {
    Result<const TfliteTensor*> tensor = tensor_at(graph, index);
    if (!tensor) return tensor;
    const Result<Bytes> data = model.constant(**tensor);
    if (!data) return data.error();
    if (!data->empty()) return tensor;
    const auto producer = graph.unpacked_by.find(index);
    if (producer == graph.unpacked_by.end())
      return bad_input("tensor {} ('{}') is not constant", index, printable((*tensor)->name));
    index = graph.operators[producer->second].input(0);
  }
  return bad_input("more than {} DENSIFY and DEQUANTIZE operators follow each other", kMaxChain);
}

Result<std::vector<uint64_t>> tflite_shape(const TfliteTensor& tensor) {
  const uint64_t rank = tensor.shape.size();
  if (rank > kMaxRank) return limit_exceeded("has {} dimensions, but at most {} are read", rank, kMaxRank);
  std::vector<uint64_t> shape;
  uint64_t elements = 1;
  for (uint64_t d = 0; d < rank; ++d) {
    if (tensor.shape[d] < 1) return bad_input("dimension {} is {}, but must be at least 1", d, tensor.shape[d]);
    shape.push_back(static_cast<uint64_t>(tensor.shape[d]));
    elements = saturating_product(elements, shape.back());
  }
  if (elements > kMaxElements)
    return limit_exceeded("has shape ({}), but at most {} elements are read", fmt::join(shape, ", "), kMaxElements);
  return shape;
}

Result<TfliteEntries> decode_tensor(const TfliteModel& model, const TfliteTensor& tensor, DecodeBudget& budget) {
  Result<std::vector<uint64_t>> shape = tflite_shape(tensor);
  if (!shape) return std::move(shape).error();
  Result<Bytes> data = model.constant(tensor);
  if (!data) return std::move(data).error();
  Result<const TypeRow*> row = type_row(tensor.type);
  if (!row) return std::move(row).error();
  const TypeRow& type = **row;
  uint64_t elements = 1;
  for (const uint64_t size : *shape) elements *= size;
  const uint64_t stored = data->size() / type.bytes;
  const bool sparse = tensor.sparsity.present();
  if (data->size() % type.bytes != 0)
    return bad_input("its buffer has {} bytes, but an element takes {}", data->size(), type.bytes);
  if (!sparse && stored != elements)
    return bad_input("its buffer has {} bytes, but shape ({}) needs {}", data->size(), fmt::join(*shape, ", "),
                     elements * type.bytes);
  if (Status s = budget.spend(stored); !s) return std::move(s).error();
  TfliteEntries entries{*std::move(shape), {}, {}};
  if (sparse) {
    Result<std::vector<uint64_t>> places = sparse_places(tensor.sparsity, entries.shape, stored, *model.file, budget);
    if (!places) return std::move(places).error();
    entries.places = *std::move(places);
  }
  entries.values.resize(stored);
  for (uint64_t i = 0; i < stored; ++i) entries.values[i] = type.load(*data, i);
  if (tensor.type == kTfliteInt8)
    if (Status s = dequantize(tensor.quantization, entries, *model.file); !s) return std::move(s).error();
  return entries;
}

}  // namespace espalier
