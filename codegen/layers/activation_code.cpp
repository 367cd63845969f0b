#include "codegen/layers/activation_code.h"

#include <cmath>

namespace espalier {
namespace {

/// 1 / (1 + exp(-x))
Vec sigmoid(LoopBuilder& b, Vec x) {
  const Vec one = b.constant(1);
  const Vec power = exponential(b, b.subtract(b.constant(0), x));
  return b.divide(one, b.add(one, power));
}

/// 1 - 2 / (exp(2 x) + 1), odd; near 0, where that cancels, a polynomial would be needed: x - x^3 / 3 + 2 x^5 / 15 -
/// ... is taken below 1/4 by a blend with max and min.
Vec tanh_of(LoopBuilder& b, Vec x) {
  const Vec one = b.constant(1), two = b.constant(2);
  const Vec far = b.subtract(one, b.divide(two, b.add(exponential(b, b.multiply(two, x)), one)));
  const Vec limit = b.constant(0.3f);
  const Vec near = b.max(b.min(x, limit), b.constant(-0.3f));
  const Vec square = b.multiply(near, near);
  Vec series = b.constant(-1382.0f / 155925.0f);
  for (const float factor : {62.0f / 2835.0f, -17.0f / 315.0f, 2.0f / 15.0f, -1.0f / 3.0f})
    series = b.fma(series, square, b.constant(factor));
  const Vec small = b.fma(b.multiply(near, square), series, near);
  // tanh(x) = small(near) + (far(x) - far(near)): the second term is exactly 0 inside, and small beside far outside.
  const Vec far_near = b.subtract(one, b.divide(two, b.add(exponential(b, b.multiply(two, near)), one)));
  return b.add(small, b.subtract(far, far_near));
}

Vec clamped(LoopBuilder& b, Vec x, float low, float high) {
  if (!std::isinf(low)) x = b.max(x, b.constant(low));
  if (!std::isinf(high)) x = b.min(x, b.constant(high));
  return x;
}

}  // namespace

Vec exponential(LoopBuilder& b, Vec x) {
  x = b.min(b.max(x, b.constant(-87.3f)), b.constant(88.3f));
  const Vec n = b.round(b.multiply(x, b.constant(1.44269504088896341f)));
  Vec r = b.fma(n, b.constant(-0.693359375f), x);
  r = b.fma(n, b.constant(2.12194440e-4f), r);
  Vec p = b.constant(1.9875691500e-4f);
  for (const float factor : {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f})
    p = b.fma(p, r, b.constant(factor));
  p = b.add(b.fma(p, b.multiply(r, r), r), b.constant(1));
  return b.scale(p, n);
}

Vec activated(LoopBuilder& b, const Activation& activation, Vec x) {
  switch (activation.kind) {
    case ActivationKind::kNone:
      return x;
    case ActivationKind::kClamp:
      return clamped(b, x, activation.clamp.low, activation.clamp.high);
    case ActivationKind::kSigmoid:
      return sigmoid(b, x);
    case ActivationKind::kSwish:
      return b.multiply(x, sigmoid(b, x));
    case ActivationKind::kHardSigmoid:
      return clamped(b, b.fma(b.constant(activation.alpha), x, b.constant(activation.beta)), 0, 1);
    case ActivationKind::kHardSwish:
      return b.multiply(b.multiply(x, clamped(b, b.add(x, b.constant(3)), 0, 6)), b.constant(1.0f / 6));
    case ActivationKind::kTanh:
      return tanh_of(b, x);
    case ActivationKind::kLeakyRelu:
      return b.fma(b.constant(activation.alpha), b.min(x, b.constant(0)), b.max(x, b.constant(0)));
  }
  return x;
}

}  // namespace espalier
