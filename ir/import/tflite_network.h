// A whole TFLite model as a Network.
#pragma once

#include "ir/import/bytes.h"
#include "ir/network/network.h"

namespace espalier {

/// Reads the first subgraph: every operator as one or two layers, fp32, fp16 and int8 weights (dense, or sparse behind
/// DENSIFY) as dense fp32, SAME and VALID as explicit padding, fused activations as the layer's activation (as a layer
/// of its own behind pools and concatenations). Nothing is simplified: see ir/network/passes. The table of operators is
/// in docs/networks.md.
///
/// A layer's name is that of its output tensor up to the first ';', printable. Tensors of fewer than four dimensions
/// get ones (Shape). Errors: parse_tflite's and decode_tensor's; kUnsupported for operators and attributes that are not
/// supported, naming them and what would help; kBadInput for operators that do not fit their tensors and shapes that
/// the file gives other than they come out; kLimit. Every message starts with `file_name`, and with operator and layer
/// where it has one. The file is untrusted; memory stays in proportion to its size.
Result<Network> parse_tflite_network(std::string_view file_name, Bytes bytes);

}  // namespace espalier
