// Activations, exp and friends as operations of loop programs.
#pragma once

#include <vector>

#include "codegen/layers/loop_builder.h"
#include "ir/network/activation.h"

namespace espalier {

/// exp(x) or exp(-x) in about 13 operations, for |x| <= kMostExponent; NaN gives NaN. Relative error below 2.5 ulp with
/// either arithmetic. The constructor writes the constants, which belong in front of the loops.
/// Source: Cody and Waite, "Software Manual for the Elementary Functions" (1980), for the reduction.
class ExpCode {
 public:
  static constexpr float kMostExponent = 87.3f;
  enum class Function : uint8_t { kExp, kExpOfMinus, kExpMinusOne };

  explicit ExpCode(LoopBuilder& builder, Function function = Function::kExp);
  /// kExp and kExpOfMinus.
  Vec apply(Vec x) const;
  /// kExpMinusOne: exp(x) - 1, the relative error small around 0 too.
  Vec apply_minus_one(Vec x) const;
  Vec one() const { return one_; }
  /// x within the legal exponents; NaN stays.
  Vec limited_below(Vec x) const { return builder_->max(lowest_, x); }
  Vec limited_above(Vec x) const { return builder_->min(highest_, x); }
  Vec limited(Vec x) const { return limited_above(limited_below(x)); }

 private:
  /// exp = 2^(power - kScaleBias) * (1 + rest + rest^2 * sum), of -x with -rest for rest.
  struct Parts {
    Vec power, rest, sum;
  };
  Parts parts(Vec x) const;

  LoopBuilder* builder_;
  Vec one_, bias_, sign_, lowest_, highest_, log2_e_, ln2_high_, ln2_low_;
  std::vector<Vec> polynomial_;
};

/// One activation. Errors against `apply` in double precision:
///
///     kNone, kClamp, kLeakyRelu  none but the rounding of alpha * x
///     kSigmoid                   4 ulp, or 1e-37
///     kSwish                     4 ulp, or 1e-35
///     kTanh                      5 ulp
///     kHardSwish                 3 ulp, or 4e-7 (next to -3, where x + 3 cancels)
///     kHardSigmoid               an ulp of the largest of |alpha * x|, |beta| and 1
///
/// NaN gives NaN, or the bound of a clamp; infinities give what `apply` gives; the sign of a zero may differ.
class ActivationCode {
 public:
  /// Writes the constants: before the loops in which `apply` stands.
  ActivationCode(LoopBuilder& builder, const Activation& activation);
  Vec apply(Vec x) const;

 private:
  Vec constant(size_t i) const { return constants_[i]; }
  Vec clamped(Vec x) const;
  Vec sigmoid(Vec x) const;
  Vec swish(Vec x) const;
  Vec hard_sigmoid(Vec x) const;
  Vec hard_swish(Vec x) const;
  Vec tanh(Vec x) const;
  Vec leaky_relu(Vec x) const;

  LoopBuilder* builder_;
  Activation activation_;
  std::vector<Vec> constants_;
  std::vector<ExpCode> exp_;  ///< one where the kind needs it
};

/// ActivationCode made and applied in one place.
Vec apply(LoopBuilder& builder, const Activation& activation, Vec x);

/// x where x >= 0, else slope * x. zero: all lanes 0.
Vec leaky(LoopBuilder& builder, Vec x, Vec slope, Vec zero);

}  // namespace espalier
