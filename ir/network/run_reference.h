// The definition of a network's answer, in plain sight.
#pragma once

#include <span>

#include "ir/network/network.h"

namespace espalier {

/// Runs every layer in order with plain loops. `inputs` and the result are in the order of network.inputs and
/// network.outputs, each in row-major NHWC order (elements).
///
/// Sums, activations and interpolation are computed in double precision; every tensor is rounded to fp32 once, when its
/// layer is done. So each layer is exact to half an ulp but for the order of its sums in double, and errors come only
/// from rounding tensors between layers. Elements of zero weight contribute nothing.
/// Time grows with multiply-adds (nothing is fast here), memory with the sum of all tensors.
/// Errors: verify's; kBadInput for a wrong number of inputs, or one of the wrong length.
Result<std::vector<std::vector<float>>> run_reference(const Network& network,
                                                      std::span<const std::vector<float>> inputs);

/// The same, but of every tensor (by TensorId, constants included): for comparing layer by layer.
Result<std::vector<std::vector<float>>> run_reference_tensors(const Network& network,
                                                              std::span<const std::vector<float>> inputs);

/// One layer on values: `inputs` in the order of layer.inputs. The caller has verified the network.
std::vector<float> run_reference_layer(const Network& network, const Layer& layer,
                                       std::span<const std::span<const float>> inputs);

}  // namespace espalier
