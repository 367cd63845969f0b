#include "codegen/layers/activation_code.h"

#include <iterator>
#include <span>

namespace espalier {
namespace {

// ln 2 in two parts; the first has 9 bits, so that its products with whole numbers below 2^8 are exact.
constexpr float kLog2E = 1.44269504088896341f, kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;
// (exp(r) - 1 - r) / r^2 for |r| <= ln 2 / 2, highest power first. The relative error of exp(r) is below 1.1e-7, or
// 4e-9 where its difference from 1 is wanted.
constexpr float kPolynomial[] = {8.312501013e-3f, 4.189033061e-2f, 1.666711569e-1f, 4.999923110e-1f};
constexpr float kFinePolynomial[] = {1.381417387e-3f, 8.368921466e-3f, 4.166840762e-2f, 1.666651964e-1f,
                                     4.999999404e-1f};

// Where tanh rounds to 1.
constexpr float kTanhIsOne = 9.1f;

/// What each kind keeps in constants_, in the order in which its function below names them.
std::vector<float> constants_of(const Activation& a) {
  switch (a.kind) {
    case ActivationKind::kClamp:
      return {a.clamp.low, a.clamp.high};
    case ActivationKind::kHardSigmoid:
      return {a.alpha, a.beta, 0, 1};
    case ActivationKind::kHardSwish:
      return {-3, 3, 6, 1.0f / 6};
    case ActivationKind::kTanh:
      return {-kTanhIsOne, kTanhIsOne, 2};
    case ActivationKind::kLeakyRelu:
      return {a.alpha, 0};
    case ActivationKind::kNone:
    case ActivationKind::kSigmoid:
    case ActivationKind::kSwish:
      break;
  }
  return {};
}

bool needs_exp(ActivationKind kind) {
  return kind == ActivationKind::kSigmoid || kind == ActivationKind::kSwish || kind == ActivationKind::kTanh;
}

}  // namespace

// With r = -r', exp(-x) is the same polynomial in r' with the signs of odd powers turned.
ExpCode::ExpCode(LoopBuilder& builder, Function function)
    : builder_(&builder),
      one_(builder.constant(1)),
      bias_(builder.constant(kScaleBias)),
      sign_(function == Function::kExpOfMinus ? builder.constant(-1) : one_),
      lowest_(builder.constant(-kMostExponent)),
      highest_(builder.constant(kMostExponent)) {
  const float factor = function == Function::kExpOfMinus ? -1.0f : 1.0f;
  log2_e_ = builder.constant(factor * kLog2E);
  ln2_high_ = builder.constant(-factor * kLn2High);
  ln2_low_ = builder.constant(-factor * kLn2Low);
  const std::span<const float> polynomial = function == Function::kExpMinusOne ? std::span<const float>(kFinePolynomial)
                                                                               : std::span<const float>(kPolynomial);
  for (size_t i = 0; i < polynomial.size(); ++i) {
    const bool is_even = (polynomial.size() - i) % 2 == 1;
    polynomial_.push_back(builder.constant(is_even ? polynomial[i] : factor * polynomial[i]));
  }
}

ExpCode::Parts ExpCode::parts(Vec x) const {
  LoopBuilder& b = *builder_;
  const Vec power = b.fma(x, log2_e_, bias_), whole = b.subtract(power, bias_);
  const Vec rest = b.fma(whole, ln2_low_, b.fma(whole, ln2_high_, x));
  Vec sum = polynomial_[0];
  for (size_t i = 1; i < polynomial_.size(); ++i) sum = b.fma(sum, rest, polynomial_[i]);
  return {power, rest, sum};
}

Vec ExpCode::apply(Vec x) const {
  const Parts p = parts(x);
  const Vec value = builder_->fma(builder_->fma(p.sum, p.rest, sign_), p.rest, one_);
  return builder_->scale(value, p.power);
}

Vec ExpCode::apply_minus_one(Vec x) const {
  const Parts p = parts(x);
  const Vec fraction = builder_->fma(builder_->multiply(p.rest, p.rest), p.sum, p.rest);
  const Vec power = builder_->scale(one_, p.power);
  return builder_->fma(power, fraction, builder_->subtract(power, one_));
}

ActivationCode::ActivationCode(LoopBuilder& builder, const Activation& activation)
    : builder_(&builder), activation_(activation) {
  for (const float value : constants_of(activation)) constants_.push_back(builder.constant(value));
  const bool is_tanh = activation.kind == ActivationKind::kTanh;
  if (needs_exp(activation.kind))
    exp_.emplace_back(builder, is_tanh ? ExpCode::Function::kExpMinusOne : ExpCode::Function::kExpOfMinus);
}

Vec ActivationCode::apply(Vec x) const {
  using Function = Vec (ActivationCode::*)(Vec) const;
  static constexpr Function kFunctions[] = {
      nullptr,
      &ActivationCode::clamped,
      &ActivationCode::sigmoid,
      &ActivationCode::swish,
      &ActivationCode::hard_sigmoid,
      &ActivationCode::hard_swish,
      &ActivationCode::tanh,
      &ActivationCode::leaky_relu,
  };
  static_assert(std::size(kFunctions) == kActivationKinds);
  const Function function = kFunctions[static_cast<size_t>(activation_.kind)];
  return function == nullptr ? x : (this->*function)(x);
}

// max(x, bound) turns NaN into the bound, as a clamp does; max(bound, x), everywhere else, keeps NaN.
Vec ActivationCode::clamped(Vec x) const {
  if (activation_.clamp.has_low()) x = builder_->max(x, constant(0));
  if (activation_.clamp.has_high()) x = builder_->min(x, constant(1));
  return x;
}

Vec ActivationCode::sigmoid(Vec x) const {
  const Vec e = exp_[0].apply(exp_[0].limited(x));
  return builder_->divide(exp_[0].one(), builder_->add(exp_[0].one(), e));
}

// Below -kMostExponent the result is less than 1e-35; x itself is limited so that -infinity gives such a one too.
Vec ActivationCode::swish(Vec x) const {
  const Vec above = exp_[0].limited_below(x);
  const Vec e = exp_[0].apply(exp_[0].limited_above(above));
  return builder_->divide(above, builder_->add(exp_[0].one(), e));
}

Vec ActivationCode::hard_sigmoid(Vec x) const {
  const Vec line = builder_->fma(constant(0), x, constant(1));
  return builder_->min(constant(3), builder_->max(constant(2), line));
}

Vec ActivationCode::hard_swish(Vec x) const {
  const Vec above = builder_->max(constant(0), x);
  const Vec part = builder_->min(constant(2), builder_->add(above, constant(1)));
  return builder_->multiply(above, builder_->multiply(part, constant(3)));
}

// tanh(x) = d / (d + 2), d = exp(2x) - 1, keeps its digits next to 0.
Vec ActivationCode::tanh(Vec x) const {
  const Vec inside = builder_->min(constant(1), builder_->max(constant(0), x));
  const Vec d = exp_[0].apply_minus_one(builder_->add(inside, inside));
  return builder_->divide(d, builder_->add(d, constant(2)));
}

Vec ActivationCode::leaky_relu(Vec x) const { return leaky(*builder_, x, constant(0), constant(1)); }

Vec apply(LoopBuilder& builder, const Activation& activation, Vec x) {
  return ActivationCode(builder, activation).apply(x);
}

Vec leaky(LoopBuilder& builder, Vec x, Vec slope, Vec zero) {
  return builder.fma(slope, builder.min(zero, x), builder.max(zero, x));
}

}  // namespace espalier
