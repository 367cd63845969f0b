// ONNX models as networks.
#pragma once

#include "ir/import/bytes.h"
#include "ir/network/network.h"

namespace espalier {

/// Reads the main graph (opset 9 to 21) as docs/networks.md lists it. Images of the network are NHWC, whatever the
/// file's order; a batch that the file leaves open is 1. `file_name`'s folder is where external data lies. Errors:
/// kBadInput, kLimit, kUnsupported; every message begins with the file's name and names the node.
Result<Network> parse_onnx_network(std::string_view file_name, Bytes bytes);

}  // namespace espalier
