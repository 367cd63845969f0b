#include <cmath>

#include "network_test.h"

namespace espalier::test {
namespace {

Activation with_parameters(ActivationKind kind, float alpha, float beta) {
  Activation activation = Activation::of(kind);
  activation.alpha = alpha;
  activation.beta = beta;
  return activation;
}

struct Row {
  Activation activation;
  double x, wanted;
  const char* text;
};

TEST(Activation, ComputesWhatTheTableOfTheHeaderSays) {
  const Activation hard_sigmoid = with_parameters(ActivationKind::kHardSigmoid, 0.2f, 0.5f);
  const Activation leaky = with_parameters(ActivationKind::kLeakyRelu, 0.25f, 0);
  const Row rows[] = {
      {{}, -1.5, -1.5, ""},
      {Activation::relu(), -1.5, 0, "relu"},
      {Activation::relu(), 2.5, 2.5, "relu"},
      {Activation::relu6(), 7, 6, "relu6"},
      {Activation::clamped(-1, 1), -3, -1, "clamp -1..1"},
      {Activation::of(ActivationKind::kSigmoid), 0, 0.5, "sigmoid"},
      {Activation::of(ActivationKind::kSigmoid), 2, 0.8807970779778823, "sigmoid"},
      {Activation::of(ActivationKind::kSwish), 2, 1.7615941559557646, "swish"},
      {Activation::of(ActivationKind::kSwish), -2, -0.2384058440442351, "swish"},
      {Activation::of(ActivationKind::kSwish), -HUGE_VAL, 0, "swish"},
      {hard_sigmoid, 1, double{0.2f} + 0.5, "hard_sigmoid 0.2 0.5"},
      {hard_sigmoid, -9, 0, "hard_sigmoid 0.2 0.5"},
      {hard_sigmoid, 9, 1, "hard_sigmoid 0.2 0.5"},
      {Activation::of(ActivationKind::kHardSwish), 1, 4.0 / 6, "hard_swish"},
      {Activation::of(ActivationKind::kHardSwish), -1, -2.0 / 6, "hard_swish"},
      {Activation::of(ActivationKind::kHardSwish), -4, 0, "hard_swish"},
      {Activation::of(ActivationKind::kHardSwish), 5, 5, "hard_swish"},
      {Activation::of(ActivationKind::kTanh), 0.5, 0.46211715726000976, "tanh"},
      {leaky, -2, -0.5, "leaky_relu 0.25"},
      {leaky, 2, 2, "leaky_relu 0.25"},
  };
  for (const Row& row : rows) {
    EXPECT_DOUBLE_EQ(apply(row.activation, row.x), row.wanted) << row.text << " of " << row.x;
    EXPECT_EQ(to_string(row.activation), row.text);
  }
}

TEST(Activation, NanStaysNanUnlessAClampReplacesIt) {
  for (const auto kind : {ActivationKind::kSigmoid, ActivationKind::kSwish, ActivationKind::kHardSigmoid,
                          ActivationKind::kHardSwish, ActivationKind::kTanh, ActivationKind::kLeakyRelu})
    EXPECT_TRUE(std::isnan(apply(Activation::of(kind), NAN))) << to_string(Activation::of(kind));
  EXPECT_EQ(apply(Activation::relu6(), NAN), 0);
  EXPECT_TRUE(std::isnan(apply(Activation::clamped(-HUGE_VALF, HUGE_VALF), NAN)));
}

TEST(Activation, RefusesBoundsInDisorderAndParametersThatAreNotFinite) {
  EXPECT_EQ(check_activation(Activation::clamped(2, 1)).error().message,
            "its clamp goes from 2 to 1, but the lower bound must not exceed the upper");
  EXPECT_EQ(check_activation(Activation::clamped(NAN, 1)).error().message,
            "its clamp goes from nan to 1, but the lower bound must not exceed the upper");
  EXPECT_EQ(check_activation(with_parameters(ActivationKind::kLeakyRelu, HUGE_VALF, 0)).error().message,
            "its activation leaky_relu has a parameter of inf, but it must be finite");
  EXPECT_TRUE(check_activation(Activation::relu6()));
}

}  // namespace
}  // namespace espalier::test
