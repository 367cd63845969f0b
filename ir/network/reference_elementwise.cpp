// Layers that compute every element, or every channel vector, on its own.
#include <algorithm>
#include <cmath>

#include "ir/network/reference_layers.h"

namespace espalier {
namespace {

double combined(BinaryKind kind, double a, double b) {
  switch (kind) {
    case BinaryKind::kAdd:
      return a + b;
    case BinaryKind::kSubtract:
      return a - b;
    case BinaryKind::kMultiply:
      return a * b;
  }
  return 0;
}

/// The element of an operand that belongs to a place of the output; sizes of 1 repeat.
double broadcast_at(const Shape& shape, std::span<const float> values, uint32_t n, uint32_t h, uint32_t w, uint32_t c) {
  return double{
      values[shape.index(shape.n == 1 ? 0 : n, shape.h == 1 ? 0 : h, shape.w == 1 ? 0 : w, shape.c == 1 ? 0 : c)]};
}

/// Every element with its channel: store(index, f(value, channel)).
template <typename Function>
void for_each_element(const ReferenceCall& call, Function f) {
  const std::span<const float> x = call.inputs[0];
  for (uint64_t i = 0; i < x.size(); ++i) call.store(i, f(double{x[i]}, i % call.in().c));
}

}  // namespace

void run_layer(const Binary& operation, const ReferenceCall& call) {
  const Shape& out = call.shape;
  for (uint32_t n = 0; n < out.n; ++n)
    for (uint32_t h = 0; h < out.h; ++h)
      for (uint32_t w = 0; w < out.w; ++w)
        for (uint32_t c = 0; c < out.c; ++c) {
          const double a = broadcast_at(call.shapes[0], call.inputs[0], n, h, w, c);
          const double b = broadcast_at(call.shapes[1], call.inputs[1], n, h, w, c);
          call.store(out.index(n, h, w, c), combined(operation.kind, a, b));
        }
}

void run_layer(const Unary&, const ReferenceCall& call) {
  for_each_element(call, [](double x, uint64_t) { return x; });  // store applies the layer's activation
}

void run_layer(const Prelu& operation, const ReferenceCall& call) {
  for_each_element(call, [&](double x, uint64_t c) { return x < 0 ? double{operation.slopes[c]} * x : x; });
}

void run_layer(const BatchNorm& b, const ReferenceCall& call) {
  for_each_element(call, [&](double x, uint64_t c) {
    const double deviation = std::sqrt(double{b.variance[c]} + double{b.epsilon});
    return double{b.scale[c]} * (x - double{b.mean[c]}) / deviation + double{b.offset[c]};
  });
}

void run_layer(const Softmax& operation, const ReferenceCall& call) {
  const uint32_t channels = call.in().c;
  for (uint64_t begin = 0; begin < call.inputs[0].size(); begin += channels) {
    const auto x = call.inputs[0].subspan(begin, channels);
    // The largest exponent becomes 0, so that nothing overflows.
    const double beta = double{operation.beta};
    double largest = -HUGE_VAL, sum = 0;
    for (const float value : x) largest = std::max(largest, beta * double{value});
    for (const float value : x) sum += std::exp(beta * double{value} - largest);
    for (uint32_t c = 0; c < channels; ++c) call.store(begin + c, std::exp(beta * double{x[c]} - largest) / sum);
  }
}

}  // namespace espalier
