// Convolution and fully-connected weights of a TFLite model.
#pragma once

#include "ir/import/bytes.h"
#include "ir/import/named_matrix.h"

namespace espalier {

/// Every CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED operator with constant weights, in the model's order, over all
/// subgraphs. Weights may be dense or sparse, fp32, fp16 or int8, in place or behind DENSIFY and DEQUANTIZE operators.
///
/// A layer's name is that of its output tensor, up to the first ';' (converters list all fused operators there). Kinds:
/// "conv1x1" and "conv1x1_strided" (weights [output, 1, 1, input]) and "fully_connected" ([output, input]) are
/// matrices; "conv", "grouped_conv" and "depthwise" are listed only. Fused activations NONE, RELU, RELU6 and
/// RELU_N1_TO_1 become a clamp. Errors: parse_tflite's and decode_tensor's; kBadInput for shapes that do not fit each
/// other; kUnsupported on decoding for other activations and shuffled weights. Every message starts with `file_name`.
Result<std::vector<WeightSource>> tflite_sources(std::string_view file_name, Bytes bytes);

}  // namespace espalier
