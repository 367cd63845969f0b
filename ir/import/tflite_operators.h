// What TFLite's builtin operators are called.
#pragma once

#include <string>

#include "ir/import/tflite_model.h"

namespace espalier {

/// `CONV_2D`, `custom operator 'TFLite_Detection_PostProcess'`, or `operator code 999` for one without a known name.
/// Source: tensorflow/lite/schema/schema.fbs.
std::string tflite_operator_name(const TfliteOperator& op);

/// What would help the author of a network that uses an operator which is not supported.
std::string tflite_operator_advice(const TfliteOperator& op);

}  // namespace espalier
