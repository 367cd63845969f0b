// Networks as ONNX files.
#pragma once

#include <string>

#include "ir/network/network.h"

namespace espalier {

/// The bytes of an ONNX model (opset 13, images NCHW) that computes the network: weights as dense fp32 initializers with
/// their zeros, activations as nodes of their own. Equal networks give equal bytes. Errors: kUnsupported for a kind of
/// layer that is not written (resize, prelu, batch norm, depth to space), and where Espalier was built without ONNX.
Result<std::string> onnx_bytes(const Network& network);

}  // namespace espalier
