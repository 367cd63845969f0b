#include "ir/import/onnx_attributes.h"

#include <algorithm>
#include <span>

namespace espalier {
namespace {

enum class Kind : uint8_t { kInteger, kNumber, kText, kIntegers, kNumbers, kTensor, kNoEffect };

struct AttributeRow {
  std::string_view op, name;
  Kind kind;
  std::optional<int64_t> only{};  ///< the one value that is read; others would compute something else
};

constexpr AttributeRow kAttributes[] = {
    {"AveragePool", "auto_pad", Kind::kText},
    {"AveragePool", "ceil_mode", Kind::kInteger},
    {"AveragePool", "count_include_pad", Kind::kInteger},
    {"AveragePool", "dilations", Kind::kIntegers},
    {"AveragePool", "kernel_shape", Kind::kIntegers},
    {"AveragePool", "pads", Kind::kIntegers},
    {"AveragePool", "strides", Kind::kIntegers},
    {"BatchNormalization", "epsilon", Kind::kNumber},
    {"BatchNormalization", "momentum", Kind::kNoEffect},
    {"BatchNormalization", "spatial", Kind::kInteger, 1},
    {"BatchNormalization", "training_mode", Kind::kInteger, 0},
    {"Cast", "saturate", Kind::kNoEffect},  // of 8-bit floats, which are refused
    {"Cast", "to", Kind::kInteger},
    {"Clip", "max", Kind::kNumber},
    {"Clip", "min", Kind::kNumber},
    {"Concat", "axis", Kind::kInteger},
    {"Constant", "value", Kind::kTensor},
    {"Constant", "value_float", Kind::kNumber},
    {"Constant", "value_floats", Kind::kNumbers},
    {"Constant", "value_int", Kind::kInteger},
    {"Constant", "value_ints", Kind::kIntegers},
    {"ConstantOfShape", "value", Kind::kTensor},
    {"Conv", "auto_pad", Kind::kText},
    {"Conv", "dilations", Kind::kIntegers},
    {"Conv", "group", Kind::kInteger},
    {"Conv", "kernel_shape", Kind::kIntegers},
    {"Conv", "pads", Kind::kIntegers},
    {"Conv", "strides", Kind::kIntegers},
    {"DepthToSpace", "blocksize", Kind::kInteger},
    {"DepthToSpace", "mode", Kind::kText},
    {"Dropout", "ratio", Kind::kNoEffect},
    {"Dropout", "seed", Kind::kNoEffect},
    {"Flatten", "axis", Kind::kInteger},
    {"Gather", "axis", Kind::kInteger},
    {"Gemm", "alpha", Kind::kNumber},
    {"Gemm", "beta", Kind::kNumber},
    {"Gemm", "transA", Kind::kInteger},
    {"Gemm", "transB", Kind::kInteger},
    {"HardSigmoid", "alpha", Kind::kNumber},
    {"HardSigmoid", "beta", Kind::kNumber},
    {"LeakyRelu", "alpha", Kind::kNumber},
    {"MaxPool", "auto_pad", Kind::kText},
    {"MaxPool", "ceil_mode", Kind::kInteger},
    {"MaxPool", "dilations", Kind::kIntegers},
    {"MaxPool", "kernel_shape", Kind::kIntegers},
    {"MaxPool", "pads", Kind::kIntegers},
    {"MaxPool", "storage_order", Kind::kNoEffect},  // of the second output, which nothing can read
    {"MaxPool", "strides", Kind::kIntegers},
    {"Pad", "mode", Kind::kText},
    {"Pad", "pads", Kind::kIntegers},
    {"Pad", "value", Kind::kNumber},
    {"ReduceMean", "axes", Kind::kIntegers},
    {"ReduceMean", "keepdims", Kind::kInteger},
    {"ReduceMean", "noop_with_empty_axes", Kind::kNoEffect},  // without axes it is refused
    {"Reshape", "allowzero", Kind::kInteger},
    {"Reshape", "shape", Kind::kIntegers},
    {"Resize", "antialias", Kind::kInteger},
    {"Resize", "axes", Kind::kIntegers},
    {"Resize", "coordinate_transformation_mode", Kind::kText},
    {"Resize", "cubic_coeff_a", Kind::kNoEffect},  // of mode cubic, which is refused
    {"Resize", "exclude_outside", Kind::kInteger},
    {"Resize", "extrapolation_value", Kind::kNoEffect},  // of tf_crop_and_resize, which is refused
    {"Resize", "keep_aspect_ratio_policy", Kind::kText},
    {"Resize", "mode", Kind::kText},
    {"Resize", "nearest_mode", Kind::kText},
    {"Shape", "end", Kind::kInteger},
    {"Shape", "start", Kind::kInteger},
    {"Slice", "axes", Kind::kIntegers},
    {"Slice", "ends", Kind::kIntegers},
    {"Slice", "starts", Kind::kIntegers},
    {"Softmax", "axis", Kind::kInteger},
    {"Squeeze", "axes", Kind::kIntegers},
    {"Transpose", "perm", Kind::kIntegers},
    {"Unsqueeze", "axes", Kind::kIntegers},
    {"Upsample", "mode", Kind::kText},
};

constexpr std::string_view kKindNames[] = {"a whole number",    "a number", "a text",  "a list of whole numbers",
                                           "a list of numbers", "a tensor", "anything"};

/// Whether nothing is there that only another type has: an empty text or list looks like nothing.
bool is_of_kind(const OnnxAttribute& a, Kind kind) {
  const bool others[] = {a.integer.has_value(), a.number.has_value(), !a.text.empty(),
                         !a.integers.empty(),   !a.numbers.empty(),   a.tensor.has_value()};
  if (kind == Kind::kNoEffect) return true;
  for (size_t k = 0; k < std::size(others); ++k)
    if (others[k] && k != static_cast<size_t>(kind)) return false;
  const bool may_be_empty = kind == Kind::kText || kind == Kind::kIntegers || kind == Kind::kNumbers;
  return may_be_empty || others[static_cast<size_t>(kind)];
}

std::string known_attributes(std::string_view op) {
  std::string names;
  for (const AttributeRow& row : kAttributes)
    if (row.op == op) names += fmt::format("{}{}", names.empty() ? "" : ", ", row.name);
  return names.empty() ? "none" : names;
}

Status check(const AttributeRow& row, const OnnxAttribute& attribute) {
  if (!is_of_kind(attribute, row.kind))
    return bad_input("has attribute '{}', which is not {}", row.name, kKindNames[static_cast<size_t>(row.kind)]);
  if (row.only && attribute.integer != row.only)
    return unsupported("has {} {}, but only {} is supported", row.name, *attribute.integer, *row.only);
  return {};
}

}  // namespace

Status check_attributes(const OnnxNode& node) {
  for (const auto& [name, attribute] : node.attributes) {
    const auto* row = std::ranges::find_if(
        kAttributes, [&, &name = name](const AttributeRow& r) { return r.op == node.op && r.name == name; });
    if (row == std::end(kAttributes))
      return unsupported("has attribute '{}', which is not read; known are {}", printable(name),
                         known_attributes(node.op));
    if (Status s = check(*row, attribute); !s) return s;
  }
  return {};
}

}  // namespace espalier
