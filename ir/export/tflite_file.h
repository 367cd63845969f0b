// Networks as TFLite models.
#pragma once

#include "ir/network/network.h"

namespace espalier {

enum class WeightStore : uint8_t {
  kDense,  ///< zeros are stored
  kSparse  ///< pruned weights as sparse constants with a DENSIFY behind each (ir/export/tflite_sparse.h)
};

/// The bytes of a model that parse_tflite_network and LiteRT read: fp32, builtin operators of version 1. Padding that
/// is neither SAME nor VALID becomes a PAD before the convolution; an activation that TFLite cannot fuse becomes
/// operators behind the layer (swish: LOGISTIC and MUL; hard sigmoid: MUL, ADD and MUL). What fully connected layers
/// make, and activations and softmax of it, has two dimensions, everything else four. The same network gives the same
/// bytes.
///
/// Errors: verify's; kUnsupported for batch norms (fold them first), fully connected layers on more than one pixel,
/// resizing, concatenation, leaky ReLU, PReLU, other clamps than TFLite's, reshapes, pools of other padding.
Result<std::string> tflite_bytes(const Network& network, WeightStore store = WeightStore::kDense);

}  // namespace espalier
