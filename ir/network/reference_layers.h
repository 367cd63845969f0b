// One plain loop nest per kind of layer; see run_reference.h for what is promised.
#pragma once

#include <span>

#include "ir/network/network.h"

namespace espalier {

/// What a layer reads and where it writes. Values are in NHWC order; results are rounded to fp32 when they are stored.
struct ReferenceCall {
  std::span<const Shape> shapes;
  std::span<const std::span<const float>> inputs;
  const Activation& activation;
  const Shape& shape;  ///< of the output
  std::span<float> output;

  const Shape& in() const { return shapes[0]; }
  void store(uint64_t index, double value) const { output[index] = static_cast<float>(apply(activation, value)); }
};

void run_layer(const Convolution& operation, const ReferenceCall& call);
void run_layer(const FullyConnected& operation, const ReferenceCall& call);
void run_layer(const BatchNorm& operation, const ReferenceCall& call);
void run_layer(const Binary& operation, const ReferenceCall& call);
void run_layer(const Unary& operation, const ReferenceCall& call);
void run_layer(const Prelu& operation, const ReferenceCall& call);
void run_layer(const Pool& operation, const ReferenceCall& call);
void run_layer(const Mean& operation, const ReferenceCall& call);
void run_layer(const Resize& operation, const ReferenceCall& call);
void run_layer(const DepthToSpace& operation, const ReferenceCall& call);
void run_layer(const Concat& operation, const ReferenceCall& call);
void run_layer(const Pad& operation, const ReferenceCall& call);
void run_layer(const Reshape& operation, const ReferenceCall& call);
void run_layer(const Softmax& operation, const ReferenceCall& call);

}  // namespace espalier
