#include "codegen/layers/activation_code.h"

#include <iterator>

namespace espalier {
namespace {

// ln 2 in two parts; the first has 9 bits, so that its products with whole numbers below 2^8 are exact.
constexpr float kLog2E = 1.44269504088896341f, kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;
// (exp(r) - 1 - r) / r^2 for |r| <= ln 2 / 2, highest power first.
constexpr float kPolynomial[] = {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
                                 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};

// Where tanh rounds to 1.
constexpr float kTanhIsOne = 9.1f;

/// What each kind keeps in constants_, in the order in which its function below names them.
std::vector<float> constants_of(const Activation& a) {
  switch (a.kind) {
    case ActivationKind::kClamp:
      return {a.clamp.low, a.clamp.high};
    case ActivationKind::kSigmoid:
      return {0, ExpCode::kHighestExponent};
    case ActivationKind::kSwish:
      return {0};
    case ActivationKind::kHardSigmoid:
      return {a.alpha, a.beta, 0, 1};
    case ActivationKind::kHardSwish:
      return {-3, 3, 6, 1.0f / 6};
    case ActivationKind::kTanh:
      return {-kTanhIsOne, kTanhIsOne, 2};
    case ActivationKind::kLeakyRelu:
      return {a.alpha, 0};
    case ActivationKind::kNone:
      break;
  }
  return {};
}

bool needs_exp(ActivationKind kind) {
  return kind == ActivationKind::kSigmoid || kind == ActivationKind::kSwish || kind == ActivationKind::kTanh;
}

}  // namespace

ExpCode::ExpCode(LoopBuilder& builder)
    : builder_(&builder),
      one_(builder.constant(1)),
      lowest_(builder.constant(kLowestExponent)),
      log2_e_(builder.constant(kLog2E)),
      minus_ln2_high_(builder.constant(-kLn2High)),
      minus_ln2_low_(builder.constant(-kLn2Low)) {
  for (const float coefficient : kPolynomial) polynomial_.push_back(builder.constant(coefficient));
}

ExpCode::Parts ExpCode::parts(Vec x) const {
  LoopBuilder& b = *builder_;
  const Vec power = b.round(b.multiply(x, log2_e_));
  const Vec rest = b.fma(power, minus_ln2_low_, b.fma(power, minus_ln2_high_, x));
  Vec sum = polynomial_[0];
  for (size_t i = 1; i < polynomial_.size(); ++i) sum = b.fma(sum, rest, polynomial_[i]);
  return {power, b.fma(b.multiply(rest, rest), sum, rest)};
}

Vec ExpCode::apply(Vec x) const {
  const Parts p = parts(x);
  return builder_->scale(builder_->add(p.fraction, one_), p.power);
}

Vec ExpCode::apply_minus_one(Vec x) const {
  const Parts p = parts(x);
  const Vec power = builder_->scale(one_, p.power);
  return builder_->fma(power, p.fraction, builder_->subtract(power, one_));
}

ActivationCode::ActivationCode(LoopBuilder& builder, const Activation& activation)
    : builder_(&builder), activation_(activation) {
  for (const float value : constants_of(activation)) constants_.push_back(builder.constant(value));
  if (needs_exp(activation.kind)) exp_.emplace_back(builder);
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
  const Vec exponent = builder_->min(constant(1), exp_[0].limited(builder_->subtract(constant(0), x)));
  return builder_->divide(exp_[0].one(), builder_->add(exp_[0].one(), exp_[0].apply(exponent)));
}

// Below the lowest exponent the result is less than 1e-35; x itself is limited so that -infinity gives such a one too.
Vec ActivationCode::swish(Vec x) const {
  const Vec above = exp_[0].limited(x);
  const Vec exponent = exp_[0].limited(builder_->subtract(constant(0), above));
  return builder_->divide(above, builder_->add(exp_[0].one(), exp_[0].apply(exponent)));
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
