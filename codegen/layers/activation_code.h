// Activations, exp and friends as operations of loop programs.
#pragma once

#include <vector>

#include "codegen/layers/loop_builder.h"
#include "ir/network/activation.h"

namespace espalier {

/// exp(x) in about 15 operations, for kLowestExponent <= x <= kHighestExponent; NaN gives NaN. Relative error below
/// 2 ulp with either arithmetic. The constructor writes the constants, which belong in front of the loops.
/// Source: Cody and Waite, "Software Manual for the Elementary Functions" (1980); coefficients of Cephes' expf.
class ExpCode {
 public:
  static constexpr float kLowestExponent = -87.3f, kHighestExponent = 88.0f;

  explicit ExpCode(LoopBuilder& builder);
  Vec apply(Vec x) const;
  /// exp(x) - 1, the relative error small around 0 too.
  Vec apply_minus_one(Vec x) const;
  Vec one() const { return one_; }
  /// max(x, kLowestExponent), NaN stays.
  Vec limited(Vec x) const { return builder_->max(lowest_, x); }
  Vec lowest() const { return lowest_; }

 private:
  struct Parts {
    Vec power, fraction;  ///< exp(x) = 2^power * (1 + fraction)
  };
  Parts parts(Vec x) const;

  LoopBuilder* builder_;
  Vec one_, lowest_, log2_e_, minus_ln2_high_, minus_ln2_low_;
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
