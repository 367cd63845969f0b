// Loop programs of every kind of layer, by the interpreter, against the reference executor.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "ir/network/run_reference.h"
#include "random_layer.h"

namespace espalier::test {
namespace {

constexpr float kCanary = 12345.5f;

/// Runs the items of a step in a seeded order of pieces, as threads might.
void run_in_pieces(const LoopProgram& program, const LoopArguments& arguments, uint64_t seed) {
  SeededRandom random(seed);
  std::vector<std::pair<uint32_t, uint32_t>> pieces;
  for (uint32_t first = 0; first < program.items;) {
    const uint32_t last = std::min<uint32_t>(program.items, first + 1 + static_cast<uint32_t>(random.next() % 4));
    pieces.emplace_back(first, last);
    first = last;
  }
  for (size_t i = pieces.size(); i > 1; --i) std::swap(pieces[i - 1], pieces[random.next() % i]);
  for (const auto& [first, last] : pieces) interpret(program, arguments, first, last);
}

struct Ran {
  std::vector<float> y;
  std::string error;
};

Ran run_steps(const RandomLayer& layer, const Target& target, uint64_t seed) {
  const auto steps = layer_steps(layer.layer(), layer.inputs, layer.output, target, "layer");
  if (!steps) return {{}, steps.error().message};
  std::vector<std::vector<float>> inputs;
  for (size_t i = 0; i < layer.inputs.size(); ++i)
    inputs.push_back(laid_out(layer.inputs[i], layer.values[i], 77.0f + static_cast<float>(i)));
  Ran ran{std::vector<float>(layer.output.elements(), kCanary), ""};
  for (const LayerStep& step : *steps) {
    const LoopArguments arguments{inputs[step.x0], inputs[step.x1], ran.y, step.weights};
    run_in_pieces(step.program, arguments, seed);
  }
  return ran;
}

/// Sums of absolute products bound the rounding errors of sums in any order.
double tolerance(const RandomLayer& layer) {
  Network magnitudes = layer.network;
  Layer& l = magnitudes.layers[0];
  const auto make_positive = [](std::vector<float>& values) {
    for (float& v : values) v = std::abs(v);
  };
  if (auto* c = l.as<Convolution>()) make_positive(c->weights), make_positive(c->bias);
  if (auto* f = l.as<FullyConnected>()) make_positive(f->weights), make_positive(f->bias);
  if (l.as<Convolution>() || l.as<FullyConnected>()) l.activation = {};
  std::vector<std::vector<float>> values = layer.values;
  for (auto& v : values) make_positive(v);
  std::vector<std::span<const float>> spans(values.begin(), values.end());
  const std::vector<float> sums = run_reference_layer(magnitudes, l, spans);
  return 4e-6 * (1 + std::abs(*std::ranges::max_element(sums, {}, [](float x) { return std::abs(x); })));
}

bool is_padding(const LayerTensor& tensor, uint64_t element) {
  const Shape& s = tensor.shape;
  if (tensor.layout.kind == LayoutKind::kChannelRows) return element % tensor.layout.stride >= s.pixels();
  if (tensor.layout.kind == LayoutKind::kInterleaved) return false;
  const uint64_t panel = tensor.layout.panel;
  return element / (panel * s.c) * panel + element % panel >= s.pixels();
}

void expect_reference(const RandomLayer& layer, const std::vector<float>& y) {
  const std::vector<std::span<const float>> spans(layer.values.begin(), layer.values.end());
  const std::vector<float> wanted = run_reference_layer(layer.network, layer.layer(), spans);
  const double allowed = tolerance(layer);
  for (uint32_t p = 0; p < layer.output.shape.pixels(); ++p)
    for (uint32_t c = 0; c < layer.output.shape.c; ++c) {
      const float got = y[layer.output.place(c, p)], want = wanted[uint64_t{p} * layer.output.shape.c + c];
      ASSERT_LE(std::abs(got - want), allowed)
          << "channel " << c << " of pixel " << p << ": " << got << " not " << want;
    }
}

class RandomLayers : public testing::TestWithParam<const char*> {
 protected:
  static Target target() {
    const std::string text = GetParam();
    const size_t slash = text.find('/');
    return *find_target(text.substr(0, slash), text.substr(slash + 1));
  }
};

TEST_P(RandomLayers, AreTheReferenceOnRandomLayers) {
  for (uint64_t seed = 1; seed <= 600 && !HasFailure(); ++seed) {
    const RandomLayer layer = random_layer(seed, target().vector->lanes);
    SCOPED_TRACE(fmt::format("seed {}: {}", seed, to_string(layer.network)));
    const Ran ran = run_steps(layer, target(), seed);
    ASSERT_EQ(ran.error, "");
    expect_reference(layer, ran.y);
  }
}

TEST_P(RandomLayers, DoNotDependOnPaddingOrOnTheOrderOfItems) {
  for (uint64_t seed = 1; seed <= 200 && !HasFailure(); ++seed) {
    const RandomLayer layer = random_layer(seed, target().vector->lanes);
    SCOPED_TRACE(fmt::format("seed {}: {}", seed, to_string(layer.network)));
    const Ran one = run_steps(layer, target(), seed), other = run_steps(layer, target(), seed + 1000);
    ASSERT_EQ(one.error, "");
    for (uint64_t i = 0; i < one.y.size(); ++i)
      ASSERT_TRUE(one.y[i] == other.y[i] || is_padding(layer.output, i)) << "element " << i;
  }
}

TEST_P(RandomLayers, InPlaceGiveTheSame) {
  uint32_t tried = 0;
  for (uint64_t seed = 1; seed <= 400 && !HasFailure(); ++seed) {
    const RandomLayer layer = random_layer(seed, target().vector->lanes);
    const auto steps = layer_steps(layer.layer(), layer.inputs, layer.output, target(), "layer");
    if (!steps || steps->size() != 1 || !(*steps)[0].program.in_place) continue;
    SCOPED_TRACE(fmt::format("seed {}: {}", seed, to_string(layer.network)));
    const LayerStep& step = (*steps)[0];
    std::vector<float> y = laid_out(layer.inputs[step.x0], layer.values[step.x0], 0);
    const std::vector<float> x1 = laid_out(layer.inputs[step.x1], layer.values[step.x1], 0);
    interpret(step.program, {y, x1, y, step.weights}, 0, step.program.items);
    expect_reference(layer, y);
    ++tried;
  }
  EXPECT_GT(tried, 10u);
}

INSTANTIATE_TEST_SUITE_P(Targets, RandomLayers,
                         testing::Values("x86_64-linux/haswell", "x86_64-linux/skylake-avx512", "x86_64-linux/znver4",
                                         "aarch64-linux/cortex-a76", "wasm32/simd128"),
                         [](const auto& chosen) {
                           std::string name = chosen.param;
                           std::ranges::replace_if(name, [](char c) { return !std::isalnum(c); }, '_');
                           return name;
                         });

}  // namespace
}  // namespace espalier::test
