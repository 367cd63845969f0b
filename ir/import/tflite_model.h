// The structure of a TFLite model.
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>

#include "ir/import/flat_file.h"
#include "ir/kernel_spec.h"

namespace espalier {

/// Builtin operators, by the numbers of the public schema. Others keep their number.
enum TfliteOp : int32_t {
  kTfliteConv2d = 3,
  kTfliteDepthwise = 4,
  kTfliteDequantize = 6,
  kTfliteFullyConnected = 9,
  kTfliteDensify = 124
};

/// Element types, by the numbers of the public schema.
enum TfliteType : int8_t {
  kTfliteFloat32 = 0,
  kTfliteFloat16 = 1,
  kTfliteInt32 = 2,
  kTfliteInt64 = 4,
  kTfliteInt8 = 9
};

struct TfliteTensor {
  std::string_view name;
  FlatVector<int32_t> shape;
  int8_t type = kTfliteFloat32;
  uint32_t buffer = 0;
  FlatTable quantization, sparsity;
};

struct TfliteOperator {
  int32_t code = -1;
  std::string_view custom_code;  ///< the name of a custom operator
  FlatVector<int32_t> inputs, outputs;
  FlatTable options;

  int32_t input(size_t i) const { return i < inputs.size() ? inputs[i] : -1; }
  int32_t output(size_t i) const { return i < outputs.size() ? outputs[i] : -1; }
};

struct TfliteGraph {
  std::vector<TfliteTensor> tensors;
  std::vector<TfliteOperator> operators;
  FlatVector<int32_t> inputs, outputs;
  /// Tensor -> the DENSIFY or DEQUANTIZE operator that makes it.
  std::unordered_map<int32_t, size_t> unpacked_by;

  /// The tensor of that number, or null.
  const TfliteTensor* find(int32_t tensor) const;
  /// The name of an operator's first output up to the first ';' (converters list all fused operators there), at most
  /// 256 bytes; `operator_7` where it has none. Raw bytes of the file: show it through printable().
  std::string layer_name(size_t operator_index) const;
};

/// A model's structure; views into the file's bytes, which must outlive it.
struct TfliteModel {
  std::unique_ptr<FlatFile> file;
  FlatTables buffers;
  std::vector<TfliteGraph> graphs;

  /// The constant bytes of a tensor; empty where it has none.
  Result<Bytes> constant(const TfliteTensor& tensor) const;
};

/// The bounds of the fused activations 0 (none), 1 (relu), 2 (relu_n1_to_1) and 3 (relu6).
std::optional<Clamp> tflite_clamp(int8_t fused_activation);

/// Errors (kBadInput): no TFL3 identifier, a schema version other than 3, anything outside of the file, an operator
/// code that is not listed; kLimit: more than 2^20 tensors and operators (hostile files can list one table many times).
/// Source: tensorflow/lite/schema/schema.fbs.
Result<TfliteModel> parse_tflite(Bytes bytes);

}  // namespace espalier
