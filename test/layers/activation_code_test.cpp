#include "codegen/layers/activation_code.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

namespace espalier {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

Target target_of(std::string_view system) { return *find_target(system); }

/// Y = activation(X) over whole vectors.
LoopProgram program_of(const Activation& activation, const Target& target, size_t count) {
  LoopBuilder b("f", target);
  b.set_elements(LoopBuffer::kX0, count);
  b.set_elements(LoopBuffer::kY, count);
  const ActivationCode code(b, activation);
  b.loop(0, static_cast<int64_t>(count), b.lanes(),
         [&](Index i) { b.store(LoopBuffer::kY, i, code.apply(b.load(LoopBuffer::kX0, i))); });
  auto program = b.finish();
  EXPECT_TRUE(program) << program.error().message;
  return *program;
}

/// Every 5003rd float of all there are (no NaN), and the special ones; a multiple of 16.
std::vector<float> sweep() {
  std::vector<float> values = {0.0f, -0.0f, kInfinity, -kInfinity, 1e-45f, -1e-45f, 3.4e38f, -3.4e38f};
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += 5003) {
    const float value = std::bit_cast<float>(static_cast<uint32_t>(bits));
    if (!std::isnan(value)) values.push_back(value);
  }
  // Where the functions bend.
  for (int i = -120000; i <= 120000; ++i) values.push_back(static_cast<float>(i) * 1e-3f);
  values.resize((values.size() + 15) / 16 * 16, -1.0f);
  return values;
}

std::vector<float> results(const Activation& activation, const Target& target, const std::vector<float>& x) {
  std::vector<float> y(x.size());
  interpret(program_of(activation, target, x.size()), {x, {}, y, {}}, 0, 1);
  return y;
}

double ulp(double value) {
  const float v = std::max(std::fabs(static_cast<float>(value)), std::numeric_limits<float>::min());
  return std::isinf(v) ? 0 : double{std::nextafter(v, kInfinity)} - double{v};
}

struct Row {
  Activation activation;
  double ulps, absolute;
};
const Row kRows[] = {
    {Activation::clamped(-1.5f, kInfinity), 0, 0},
    {Activation::relu6(), 0, 0},
    {Activation::of(ActivationKind::kSigmoid), 4, 1e-37},
    {Activation::of(ActivationKind::kSwish), 4, 1e-35},
    {{ActivationKind::kHardSigmoid, {}, 0.2f, 0.5f}, 2, 1.2e-7},
    {Activation::of(ActivationKind::kHardSwish), 3, 4e-7},
    {Activation::of(ActivationKind::kTanh), 5, 0},
    {{ActivationKind::kLeakyRelu, {}, 0.1f, 0}, 0.5, 0},
};

TEST(ActivationCode, StaysWithinItsBoundsOverAllMagnitudes) {
  const std::vector<float> x = sweep();
  for (const char* system : {"x86_64-linux", "wasm32"}) {
    for (const Row& row : kRows) {
      const std::vector<float> y = results(row.activation, target_of(system), x);
      double worst = 0;
      for (size_t i = 0; i < x.size(); ++i) {
        const double exact = apply(row.activation, double{x[i]});
        if (double{y[i]} == exact) continue;
        const double error = std::fabs(double{y[i]} - exact);
        ASSERT_LE(error, std::max(row.ulps * ulp(exact), row.absolute))
            << system << " " << to_string(row.activation) << " of " << x[i] << ": " << y[i] << ", not " << exact;
        if (error > row.absolute) worst = std::max(worst, error / ulp(exact));
      }
      RecordProperty(fmt::format("{} {}", system, to_string(row.activation)), fmt::format("{}", worst));
    }
  }
}

TEST(ActivationCode, KeepsNanExceptWhereAClampReplacesIt) {
  const std::vector<float> x(16, std::numeric_limits<float>::quiet_NaN());
  for (const Row& row : kRows) {
    const float y = results(row.activation, target_of("x86_64-linux"), x)[0];
    const double exact = apply(row.activation, double{x[0]});
    EXPECT_EQ(std::isnan(y), std::isnan(exact)) << to_string(row.activation);
    EXPECT_TRUE(std::isnan(exact) || double{y} == exact) << to_string(row.activation) << " gives " << y;
  }
}

TEST(ActivationCode, NoneChangesNothing) {
  const std::vector<float> x(16, 3.5f);
  EXPECT_EQ(results({}, target_of("x86_64-linux"), x), x);
}

TEST(ExpCode, IsWithinItsBoundOverItsRange) {
  std::vector<float> x;
  for (float v = -ExpCode::kMostExponent; v <= ExpCode::kMostExponent; v += 0.000317f) x.push_back(v);
  x.resize((x.size() + 15) / 16 * 16, ExpCode::kMostExponent);
  for (const char* system : {"x86_64-linux", "wasm32"}) {
    LoopBuilder b("f", target_of(system));
    b.set_elements(LoopBuffer::kX0, x.size());
    b.set_elements(LoopBuffer::kY, x.size());
    const ExpCode code(b);
    b.loop(0, static_cast<int64_t>(x.size()), b.lanes(),
           [&](Index i) { b.store(LoopBuffer::kY, i, code.apply(b.load(LoopBuffer::kX0, i))); });
    std::vector<float> y(x.size());
    interpret(*b.finish(), {x, {}, y, {}}, 0, 1);
    for (size_t i = 0; i < x.size(); ++i)
      ASSERT_LE(std::fabs(double{y[i]} - std::exp(double{x[i]})), 2.5 * ulp(std::exp(double{x[i]}))) << x[i];
  }
}

}  // namespace
}  // namespace espalier
