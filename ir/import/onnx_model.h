// ONNX files as plain data: the only place that knows protobuf.
#pragma once

#include <map>
#include <optional>

#include "ir/import/bytes.h"

namespace espalier {

/// A constant in the file's own dimensions: floats, or whole numbers (shapes, axes).
struct OnnxTensor {
  std::vector<int64_t> dims;  ///< all >= 0; none: a scalar
  bool is_integer = false;
  std::vector<float> floats;
  std::vector<int64_t> integers;

  uint64_t elements() const { return is_integer ? integers.size() : floats.size(); }
};

struct OnnxAttribute {
  std::optional<int64_t> integer;
  std::optional<float> number;
  std::string text;
  std::vector<int64_t> integers;
  std::vector<float> numbers;
  std::optional<OnnxTensor> tensor;
};

struct OnnxNode {
  std::string name, op, domain;
  std::vector<std::string> inputs, outputs;  ///< an empty name: left out
  std::map<std::string, OnnxAttribute, std::less<>> attributes;

  bool has_input(size_t i) const { return i < inputs.size() && !inputs[i].empty(); }
};

/// A value with the shape that the file gives it.
struct OnnxValue {
  std::string name;
  bool has_shape = false, is_float = true;
  std::vector<int64_t> dims;  ///< -1: open
};

struct OnnxModel {
  int64_t opset = 0;
  std::vector<OnnxNode> nodes;
  std::map<std::string, OnnxTensor, std::less<>> initializers;
  std::vector<OnnxValue> inputs, outputs, others;
};

/// Decodes a ModelProto. Initializers may be fp32, fp16, double or whole numbers; raw or typed; sparse; in external
/// files under `folder` (none where it is empty). Decoding costs memory in proportion to the file's size. Errors:
/// kBadInput for damage, for lengths that do not fit dimensions, for external data outside the folder; kLimit;
/// kUnsupported for other element types, and where Espalier was built without ONNX. No file name in front yet.
Result<OnnxModel> parse_onnx_model(Bytes bytes, const std::filesystem::path& folder);

}  // namespace espalier
