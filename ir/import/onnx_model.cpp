#include "ir/import/onnx_model.h"

#include <algorithm>
#include <charconv>
#include <climits>
#include <fstream>

#include "ir/import/npy.h"
#include "ir/network/shape.h"

#if defined(ESPALIER_HAS_ONNX)
#include <onnx/onnx_pb.h>
#endif

namespace espalier {

#if defined(ESPALIER_HAS_ONNX)
namespace {

/// Elements that a file may ask for beyond those it holds: sparse tensors of 100 zeros for each entry, and small ones.
constexpr uint64_t kElementsPerByte = 64, kFreeElements = uint64_t{1} << 20;

class Reader {
 public:
  Reader(const std::filesystem::path& folder, uint64_t file_bytes)
      : folder_(folder), left_(file_bytes * kElementsPerByte + kFreeElements) {}

  Result<OnnxTensor> tensor(const onnx::TensorProto& proto) {
    OnnxTensor tensor;
    const auto elements = take_dims(proto.dims(), tensor);
    if (!elements) return elements.error();
    std::string external;
    if (proto.data_location() == onnx::TensorProto::EXTERNAL) {
      auto bytes = external_data(proto);
      if (!bytes) return std::move(bytes).error();
      external = *std::move(bytes);
    }
    const bool is_raw = proto.has_raw_data() || proto.data_location() == onnx::TensorProto::EXTERNAL;
    const std::string& raw = proto.data_location() == onnx::TensorProto::EXTERNAL ? external : proto.raw_data();
    if (Status s = is_raw ? decode_raw(proto.data_type(), raw, tensor) : decode_typed(proto, tensor); !s)
      return std::move(s).error();
    if (tensor.elements() != *elements)
      return bad_input("has {} elements, but its shape {} needs {}", tensor.elements(), shape_of(tensor), *elements);
    return tensor;
  }

  /// Indices are places in row-major order, or one row of coordinates for each.
  Result<OnnxTensor> sparse(const onnx::SparseTensorProto& proto) {
    OnnxTensor dense;
    const auto elements = take_dims(proto.dims(), dense);
    if (!elements) return elements.error();
    const auto values = tensor(proto.values()), indices = tensor(proto.indices());
    if (!values) return values.error();
    if (!indices) return indices.error();
    const bool are_rows = indices->dims.size() == 2;
    const size_t rank = are_rows ? dense.dims.size() : 1;
    if (values->is_integer || !indices->is_integer || indices->elements() != values->elements() * rank)
      return bad_input("has {} values and {} indices, but needs {} for each value", values->elements(),
                       indices->elements(), rank);
    if (are_rows && indices->dims[1] != static_cast<int64_t>(rank))
      return bad_input("has indices of shape {}, but a row for each value has {}", shape_of(*indices), rank);
    if (*elements > left_)
      return limit_exceeded("asks for {} elements, but a file of this size may ask for {} more", *elements, left_);
    left_ -= *elements;
    dense.floats.resize(*elements);
    for (size_t i = 0; i < values->elements(); ++i) {
      int64_t place = 0;
      for (size_t d = 0; d < rank; ++d) {
        const int64_t index = indices->integers[i * rank + d], bound = rank == 1 ? INT64_MAX : dense.dims[d];
        if (index < 0 || index >= bound) return bad_input("has index {}, but dimension {} has {}", index, d, bound);
        place = rank == 1 ? index : place * bound + index;
      }
      if (static_cast<uint64_t>(place) >= *elements)
        return bad_input("has index {}, but {} elements", place, *elements);
      dense.floats[static_cast<size_t>(place)] = values->floats[i];
    }
    return dense;
  }

  OnnxValue value(const onnx::ValueInfoProto& proto) const {
    OnnxValue value;
    value.name = proto.name();
    const auto& type = proto.type().tensor_type();
    value.is_float = !type.has_elem_type() || type.elem_type() == onnx::TensorProto::FLOAT;
    value.has_shape = type.has_shape();
    for (const auto& dim : type.shape().dim()) value.dims.push_back(dim.has_dim_value() ? dim.dim_value() : -1);
    return value;
  }

  Result<OnnxNode> node(const onnx::NodeProto& proto) {
    OnnxNode node{proto.name(), proto.op_type(), proto.domain(), {}, {}, {}};
    node.inputs.assign(proto.input().begin(), proto.input().end());
    node.outputs.assign(proto.output().begin(), proto.output().end());
    for (const auto& a : proto.attribute()) {
      OnnxAttribute attribute;
      if (a.has_i()) attribute.integer = a.i();
      if (a.has_f()) attribute.number = a.f();
      attribute.text = a.s();
      attribute.integers.assign(a.ints().begin(), a.ints().end());
      attribute.numbers.assign(a.floats().begin(), a.floats().end());
      if (a.has_t()) {
        auto decoded = tensor(a.t());
        if (!decoded) return std::move(decoded).error().in(fmt::format("attribute '{}'", printable(a.name())));
        attribute.tensor = *std::move(decoded);
      }
      if (!node.attributes.emplace(a.name(), std::move(attribute)).second)
        return bad_input("has attribute '{}' twice", printable(a.name()));
    }
    return node;
  }

 private:
  static std::string shape_of(const OnnxTensor& tensor) { return fmt::format("({})", fmt::join(tensor.dims, ", ")); }

  template <typename Dims>
  Result<uint64_t> take_dims(const Dims& dims, OnnxTensor& tensor) {
    tensor.dims.assign(dims.begin(), dims.end());
    uint64_t elements = 1;
    for (const int64_t size : tensor.dims) {
      if (size < 0) return bad_input("has shape {}, but sizes may not be negative", shape_of(tensor));
      if (static_cast<uint64_t>(size) > kMaxTensorElements ||
          (elements *= static_cast<uint64_t>(size)) > kMaxTensorElements)
        return limit_exceeded("has shape {}, but a tensor may have at most {} elements", shape_of(tensor),
                              kMaxTensorElements);
    }
    return elements;
  }

  static Status unknown_type(int type) {
    return unsupported("has elements of type {}; export the model in fp32 or fp16",
                       onnx::TensorProto::DataType_Name(static_cast<onnx::TensorProto::DataType>(type)));
  }

  template <typename T, typename Out, typename Convert>
  static Status decode(std::string_view raw, std::vector<Out>& out, Convert convert) {
    if (raw.size() % sizeof(T) != 0)
      return bad_input("has {} bytes of data, but elements of {} bytes", raw.size(), sizeof(T));
    for (size_t at = 0; at < raw.size(); at += sizeof(T)) {
      T element;
      std::memcpy(&element, raw.data() + at, sizeof element);
      out.push_back(convert(element));
    }
    return {};
  }

  static Status decode_raw(int type, std::string_view raw, OnnxTensor& t) {
    const auto to_float = [](auto v) { return static_cast<float>(v); };
    const auto to_integer = [](auto v) { return static_cast<int64_t>(v); };
    switch (type) {
      case onnx::TensorProto::FLOAT:
        return decode<float>(raw, t.floats, to_float);
      case onnx::TensorProto::DOUBLE:
        return decode<double>(raw, t.floats, to_float);
      case onnx::TensorProto::FLOAT16:
        return decode<uint16_t>(raw, t.floats, half_to_float);
      case onnx::TensorProto::INT64:
        t.is_integer = true;
        return decode<int64_t>(raw, t.integers, to_integer);
      case onnx::TensorProto::INT32:
        t.is_integer = true;
        return decode<int32_t>(raw, t.integers, to_integer);
      case onnx::TensorProto::BOOL:
        t.is_integer = true;
        return decode<uint8_t>(raw, t.integers, to_integer);
      default:
        return unknown_type(type);
    }
  }

  static Status decode_typed(const onnx::TensorProto& proto, OnnxTensor& t) {
    switch (proto.data_type()) {
      case onnx::TensorProto::FLOAT:
        t.floats.assign(proto.float_data().begin(), proto.float_data().end());
        return {};
      case onnx::TensorProto::DOUBLE:
        for (const double v : proto.double_data()) t.floats.push_back(static_cast<float>(v));
        return {};
      case onnx::TensorProto::FLOAT16:
        for (const int32_t v : proto.int32_data()) {
          if (v < 0 || v > UINT16_MAX)
            return bad_input("has {} as the bits of an fp16 number, but they are 0 to {}", v, UINT16_MAX);
          t.floats.push_back(half_to_float(static_cast<uint16_t>(v)));
        }
        return {};
      case onnx::TensorProto::INT64:
        t.is_integer = true;
        t.integers.assign(proto.int64_data().begin(), proto.int64_data().end());
        return {};
      case onnx::TensorProto::INT32:
      case onnx::TensorProto::BOOL:
        t.is_integer = true;
        t.integers.assign(proto.int32_data().begin(), proto.int32_data().end());
        return {};
      default:
        return unknown_type(proto.data_type());
    }
  }

  /// A whole decimal number. Errors (kBadInput): anything else.
  static Result<uint64_t> number(const std::map<std::string, std::string>& entries, const std::string& key,
                                 uint64_t fallback) {
    const auto found = entries.find(key);
    if (found == entries.end()) return fallback;
    const std::string& text = found->second;
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
      return bad_input("has external data with {} '{}', which is no number", key, printable(text));
    return value;
  }

  /// A regular file that lies in the model's folder when all links are followed.
  Result<std::filesystem::path> external_file(const std::string& location) const {
    std::error_code error;
    const auto folder = std::filesystem::canonical(folder_.empty() ? "." : folder_, error);
    if (error) return system_error("cannot open the model's folder: {}", error.message());
    const auto file = std::filesystem::canonical(folder / location, error);
    if (error) return system_error("cannot open external data '{}': {}", printable(location), error.message());
    const bool is_inside = std::mismatch(folder.begin(), folder.end(), file.begin(), file.end()).first == folder.end();
    if (!is_inside || !std::filesystem::is_regular_file(file, error))
      return bad_input("has external data in '{}', but it must be a file in the model's folder", printable(location));
    return file;
  }

  Result<std::string> external_data(const onnx::TensorProto& proto) const {
    std::map<std::string, std::string> entries;
    for (const auto& entry : proto.external_data()) entries[entry.key()] = entry.value();
    const auto file = external_file(entries["location"]);
    if (!file) return file.error();
    std::error_code error;
    const uint64_t size = std::filesystem::file_size(*file, error);
    if (error) return system_error("cannot read external data '{}'", printable(entries["location"]));
    const auto offset = number(entries, "offset", 0);
    if (!offset) return offset.error();
    const auto length = number(entries, "length", *offset > size ? 0 : size - *offset);
    if (!length) return length.error();
    if (*offset > size || *length > size - *offset)
      return bad_input("has external data from byte {} on, {} bytes long, but '{}' has {} bytes", *offset, *length,
                       printable(entries["location"]), size);
    std::ifstream stream(*file, std::ios::binary);
    std::string bytes(*length, 0);
    stream.seekg(static_cast<std::streamoff>(*offset));
    if (!stream.read(bytes.data(), static_cast<std::streamsize>(*length)))
      return system_error("cannot read external data '{}'", printable(entries["location"]));
    return bytes;
  }

  const std::filesystem::path& folder_;
  uint64_t left_;
};

}  // namespace

Result<OnnxModel> parse_onnx_model(Bytes bytes, const std::filesystem::path& folder) {
  onnx::ModelProto proto;
  if (bytes.size() > INT_MAX || !proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return bad_input("is no ONNX model: its protobuf cannot be parsed");
  if (!proto.has_graph()) return bad_input("has no graph");
  Reader reader(folder, bytes.size());
  OnnxModel model;
  for (const auto& set : proto.opset_import())
    if (set.domain().empty() || set.domain() == "ai.onnx") model.opset = set.version();
  for (const auto& t : proto.graph().initializer()) {
    auto tensor = reader.tensor(t);
    if (!tensor) return std::move(tensor).error().in(fmt::format("initializer '{}'", printable(t.name())));
    model.initializers.insert_or_assign(t.name(), *std::move(tensor));
  }
  for (const auto& t : proto.graph().sparse_initializer()) {
    auto tensor = reader.sparse(t);
    if (!tensor)
      return std::move(tensor).error().in(fmt::format("sparse initializer '{}'", printable(t.values().name())));
    model.initializers.insert_or_assign(t.values().name(), *std::move(tensor));
  }
  for (const auto& n : proto.graph().node()) {
    auto node = reader.node(n);
    if (!node) return std::move(node).error().in(fmt::format("node {} '{}'", model.nodes.size(), printable(n.name())));
    model.nodes.push_back(*std::move(node));
  }
  for (const auto& v : proto.graph().input())
    if (!model.initializers.contains(v.name())) model.inputs.push_back(reader.value(v));
  for (const auto& v : proto.graph().output()) model.outputs.push_back(reader.value(v));
  for (const auto& v : proto.graph().value_info()) model.others.push_back(reader.value(v));
  return model;
}
#else
Result<OnnxModel> parse_onnx_model(Bytes, const std::filesystem::path&) {
  return unsupported(
      "this espalier was built without ONNX (Debian: libonnx-dev, libprotobuf-dev); convert the model to TFLite");
}
#endif

}  // namespace espalier
