// A TFLite model while it is written.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "ir/export/tflite_sparse.h"

namespace espalier {

/// A field of an operator's options, by its number in the schema.
struct TfliteOption {
  unsigned field;
  std::variant<int8_t, int32_t, float> value;
};

struct TfliteTensorOut {
  std::string name;
  std::vector<int32_t> shape;
  std::string data{};  ///< of a constant: its bytes
  int8_t type = 0;     ///< 0 float32, 2 int32
  std::optional<TfliteSparsityOut> sparsity{};
};

struct TfliteOperatorOut {
  int32_t code;
  std::vector<int32_t> inputs;
  int32_t output;
  uint8_t options_type = 0;  ///< number of the options' table in the schema's union; 0: none
  std::vector<TfliteOption> options{};
};

struct TfliteModelOut {
  std::string description;
  std::vector<TfliteTensorOut> tensors;
  std::vector<TfliteOperatorOut> operators;
  std::vector<int32_t> inputs, outputs;
};

/// The flatbuffer of schema version 3. Source: tensorflow/lite/schema/schema.fbs.
std::string built_tflite(const TfliteModelOut& model);

}  // namespace espalier
