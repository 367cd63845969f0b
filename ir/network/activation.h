// Functions of one value that layers apply to their results.
#pragma once

#include <string>

#include "ir/kernel_spec.h"

namespace espalier {

/// f(x), in words of the field:
///
///     kNone        x
///     kClamp       low if not x > low, else x; then high if not x < high, else x (ReLU [0, inf], ReLU6 [0, 6])
///     kSigmoid     1 / (1 + exp(-x))
///     kSwish       x / (1 + exp(-x)) (SiLU)
///     kHardSigmoid min(max(alpha * x + beta, 0), 1)
///     kHardSwish   x * min(max(x + 3, 0), 6) / 6
///     kTanh        tanh(x)
///     kLeakyRelu   x where x >= 0, else alpha * x
enum class ActivationKind : uint8_t {
  kNone,
  kClamp,
  kSigmoid,
  kSwish,
  kHardSigmoid,
  kHardSwish,
  kTanh,
  kLeakyRelu,
};
inline constexpr int kActivationKinds = 8;

struct Activation {
  ActivationKind kind = ActivationKind::kNone;
  Clamp clamp;                ///< kClamp only, else without bounds
  float alpha = 0, beta = 0;  ///< kHardSigmoid; alpha: kLeakyRelu; else 0

  static Activation clamped(float low, float high) { return {ActivationKind::kClamp, {low, high}, 0, 0}; }
  static Activation relu() { return clamped(0, std::numeric_limits<float>::infinity()); }
  static Activation relu6() { return clamped(0, 6); }
  static Activation of(ActivationKind kind) { return {kind, {}, 0, 0}; }

  bool is_none() const { return kind == ActivationKind::kNone; }
  bool operator==(const Activation&) const = default;
};

/// The definition of the answer: f(x) in double precision; the caller rounds. NaN stays NaN except where a clamp's
/// bound replaces it, as in KernelSpec.
double apply(const Activation& activation, double x);

/// `relu6`, `clamp -1..1`, `hard_sigmoid 0.2 0.5`; empty for kNone.
std::string to_string(const Activation& activation);

/// kBadInput for a clamp with low > high or NaN, for parameters that are not finite.
Status check_activation(const Activation& activation);

}  // namespace espalier
