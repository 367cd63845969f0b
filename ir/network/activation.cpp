#include "ir/network/activation.h"

#include <algorithm>
#include <cmath>

namespace espalier {
namespace {

// A bound that is not there changes nothing, not even NaN (KernelSpec).
double clamped(const Activation& a, double x) {
  if (a.clamp.has_low() && !(x > double{a.clamp.low})) x = double{a.clamp.low};
  if (a.clamp.has_high() && !(x < double{a.clamp.high})) x = double{a.clamp.high};
  return x;
}

/// std::min and std::max with a bound first would turn NaN into the bound.
double within(double x, double low, double high) { return std::isnan(x) ? x : std::clamp(x, low, high); }

double sigmoid(const Activation&, double x) { return 1 / (1 + std::exp(-x)); }
// exp(-x) overflows to infinity, and x / infinity is the right -0; -infinity itself must not become NaN.
double swish(const Activation&, double x) { return x == -HUGE_VAL ? 0 : x / (1 + std::exp(-x)); }
double hard_sigmoid(const Activation& a, double x) { return within(double{a.alpha} * x + double{a.beta}, 0, 1); }
double hard_swish(const Activation&, double x) { return x == -HUGE_VAL ? 0 : x * within(x + 3, 0, 6) / 6; }

struct KindRow {
  std::string_view name;
  double (*apply)(const Activation&, double);
  int parameters;  ///< how many of alpha and beta it has
};
constexpr KindRow kKinds[kActivationKinds] = {
    {"", [](const Activation&, double x) { return x; }, 0},
    {"clamp", clamped, 0},
    {"sigmoid", sigmoid, 0},
    {"swish", swish, 0},
    {"hard_sigmoid", hard_sigmoid, 2},
    {"hard_swish", hard_swish, 0},
    {"tanh", [](const Activation&, double x) { return std::tanh(x); }, 0},
    {"leaky_relu", [](const Activation& a, double x) { return x < 0 ? double{a.alpha} * x : x; }, 1},
};

const KindRow& row_of(const Activation& a) { return kKinds[static_cast<size_t>(a.kind)]; }

}  // namespace

double apply(const Activation& activation, double x) { return row_of(activation).apply(activation, x); }

std::string to_string(const Activation& a) {
  if (a == Activation::relu()) return "relu";
  if (a == Activation::relu6()) return "relu6";
  std::string text(row_of(a).name);
  if (a.kind == ActivationKind::kClamp) text += fmt::format(" {}..{}", a.clamp.low, a.clamp.high);
  if (row_of(a).parameters > 0) text += fmt::format(" {}", a.alpha);
  if (row_of(a).parameters > 1) text += fmt::format(" {}", a.beta);
  return text;
}

Status check_activation(const Activation& a) {
  if (a.kind == ActivationKind::kClamp && !(a.clamp.low <= a.clamp.high))
    return bad_input("its clamp goes from {} to {}, but the lower bound must not exceed the upper", a.clamp.low,
                     a.clamp.high);
  for (const float parameter : {a.alpha, a.beta})
    if (!std::isfinite(parameter))
      return bad_input("its activation {} has a parameter of {}, but it must be finite", row_of(a).name, parameter);
  return {};
}

}  // namespace espalier
