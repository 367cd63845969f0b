#include "codegen/layers/layer_steps.h"

#include <gtest/gtest.h>

#include <random>

#include "codegen/layers/fully_connected.h"
#include "codegen/layers/movement_layers.h"
#include "layer_case.h"

namespace espalier::test {
namespace {

constexpr LayoutKind kLayouts[] = {LayoutKind::kChannelRows, LayoutKind::kPanels, LayoutKind::kInterleaved};

std::vector<Target> targets() {
  return {*find_target("x86_64-linux"), *find_target("x86_64-linux", "avx512"), *find_target("x86_64-linux", "znver4"),
          *find_target("aarch64-linux"), *find_target("wasm32")};
}

/// Seeds whose steps also become machine code, which takes longer than all else.
constexpr uint64_t kCompiledSeeds = 6;

/// In every layout on each side, for every target. Panels of one and of two vectors.
void expect_agrees_everywhere(LayerCase c, uint64_t seed, double tolerance = 1e-5) {
  for (const Target& target : targets())
    for (const LayoutKind from : kLayouts)
      for (const LayoutKind to : kLayouts) {
        const uint32_t panel = target.vector->lanes * (seed % 2 == 0 ? 1 : 2);
        c.set_layouts({from, 0, panel}, {to, 0, panel});
        SCOPED_TRACE(fmt::format("{} {}", target.name, target.vector->name));
        const auto steps = layer_steps(c.layer(), c.inputs, c.output, target, "layer");
        expect_agrees(c, steps, seed, tolerance);
        if (from == to && seed < kCompiledSeeds) expect_compiles(c, steps, target, seed);
      }
}

class Seeded {
 public:
  explicit Seeded(uint64_t seed) : random_(seed) {}
  uint32_t number(uint32_t low, uint32_t high) { return std::uniform_int_distribution<uint32_t>(low, high)(random_); }
  Shape shape() { return {1, number(1, 9), number(1, 11), number(1, 21)}; }
  std::vector<float> values(size_t count, float low = -1, float high = 1) {
    std::vector<float> result(count);
    std::uniform_real_distribution<float> values(low, high);
    for (float& value : result) value = values(random_);
    return result;
  }
  Activation activation() {
    const Activation all[] = {{},
                              Activation::relu(),
                              Activation::relu6(),
                              Activation::of(ActivationKind::kSigmoid),
                              Activation::of(ActivationKind::kSwish),
                              {ActivationKind::kHardSigmoid, {}, 0.2f, 0.5f},
                              Activation::of(ActivationKind::kHardSwish),
                              Activation::of(ActivationKind::kTanh),
                              {ActivationKind::kLeakyRelu, {}, 0.1f, 0}};
    return all[number(0, std::size(all) - 1)];
  }
  BinaryKind binary_kind() { return static_cast<BinaryKind>(number(0, 2)); }

 private:
  std::mt19937_64 random_;
};

constexpr uint64_t kSeeds = 12;

TEST(LayerSteps, UnaryAgreesWithTheReference) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    Seeded random(seed);
    const Shape shape = random.shape();
    Activation activation = random.activation();
    if (activation.is_none()) activation = Activation::relu();
    expect_agrees_everywhere({Unary{}, {&shape, 1}, activation}, seed);
  }
}

TEST(LayerSteps, BinaryOnEqualShapesAgrees) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    Seeded random(seed);
    const Shape shape = random.shape(), shapes[] = {shape, shape};
    LayerCase c(Binary{random.binary_kind()}, shapes, random.activation());
    if (seed % 3 == 1) c.make_constant(seed % 2, seed);
    expect_agrees_everywhere(std::move(c), seed);
  }
}

TEST(LayerSteps, BinaryRepeatsAnyAxesOfEitherOperand) {
  for (uint64_t seed = 0; seed < 4 * kSeeds; ++seed) {
    Seeded random(seed);
    const Shape shape = random.shape();
    std::array<Shape, 2> shapes = {shape, shape};
    for (Shape& s : shapes) {
      const uint32_t which = random.number(0, 7);
      if (which & 1) s.h = 1;
      if (which & 2) s.w = 1;
      if (which & 4) s.c = 1;
    }
    LayerCase c(Binary{random.binary_kind()}, shapes, random.activation());
    if (seed % 4 == 1) c.make_constant(random.number(0, 1), seed);
    expect_agrees_everywhere(std::move(c), seed);
  }
}

TEST(LayerSteps, SqueezeExciteMultipliesByAVectorInItsOwnLayout) {
  const Shape shapes[] = {{1, 7, 9, 24}, {1, 1, 1, 24}};
  LayerCase c(Binary{BinaryKind::kMultiply}, shapes);
  for (const Target& target : targets())
    for (const LayoutKind kind : kLayouts) {
      c.set_layouts({kind, 0, 16}, {kind, 0, 16});
      c.inputs[1].layout = {};
      const auto steps = layer_steps(c.layer(), c.inputs, c.output, target, "layer");
      expect_agrees(c, steps, 7);
      EXPECT_TRUE((*steps)[0].program.in_place);
    }
}

TEST(LayerSteps, PreluAndBatchNormAgree) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    Seeded random(seed);
    const Shape shape = random.shape();
    expect_agrees_everywhere({Prelu{random.values(shape.c)}, {&shape, 1}}, seed);
    expect_agrees_everywhere({BatchNorm{random.values(shape.c), random.values(shape.c), random.values(shape.c),
                                        random.values(shape.c, 0.5f, 2), 1e-3f},
                              {&shape, 1}},
                             seed);
  }
}

TEST(LayerSteps, MeanAgreesAndItsPaddingDoesNotCount) {
  for (uint64_t seed = 0; seed < 2 * kSeeds; ++seed) {
    const Shape shape = Seeded(seed).shape();
    expect_agrees_everywhere({Mean{}, {&shape, 1}}, seed);
  }
}

TEST(LayerSteps, MeanOfALargeImageKeepsItsDigits) {
  const Shape shape = {1, 112, 112, 5};
  expect_agrees_everywhere({Mean{}, {&shape, 1}}, 1, 2e-7);
}

TEST(LayerSteps, ResizeAgreesInEveryMode) {
  uint64_t seed = 0;
  for (const auto kind : {ResizeKind::kNearest, ResizeKind::kBilinear})
    for (const auto coordinates :
         {ResizeCoordinates::kAsymmetric, ResizeCoordinates::kHalfPixel, ResizeCoordinates::kAlignCorners})
      for (const auto rounding :
           {ResizeRounding::kFloor, ResizeRounding::kCeil, ResizeRounding::kHalfDown, ResizeRounding::kHalfUp}) {
        if (kind == ResizeKind::kBilinear && rounding != ResizeRounding::kFloor) continue;
        Seeded random(++seed);
        const Shape shape = random.shape();
        const bool twice = seed % 2 == 0;
        const uint32_t h = twice ? shape.h * 2 : random.number(1, 20), w = twice ? shape.w * 2 : random.number(1, 20);
        expect_agrees_everywhere({Resize{kind, coordinates, rounding, h, w}, {&shape, 1}}, seed);
      }
}

TEST(LayerSteps, DepthToSpaceAgreesInBothOrders) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    Seeded random(seed);
    const uint32_t block = random.number(1, 3);
    Shape shape = random.shape();
    shape.c = random.number(1, 9) * block * block;
    expect_agrees_everywhere({DepthToSpace{block, static_cast<DepthOrder>(seed % 2)}, {&shape, 1}}, seed, 0);
  }
}

TEST(LayerSteps, ConcatAgreesOnEveryAxis) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    Seeded random(seed);
    const auto axis = static_cast<Axis>(1 + seed % 3);
    std::vector<Shape> shapes(random.number(1, 4), random.shape());
    for (Shape& s : shapes) {
      auto sizes = s.sizes();
      sizes[static_cast<size_t>(axis)] = random.number(1, 9);
      s = Shape::from_sizes(sizes);
    }
    expect_agrees_everywhere({Concat{axis}, shapes}, seed, 0);
  }
}

TEST(LayerSteps, PadAgreesOnEveryAxis) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    Seeded random(seed);
    const Shape shape = random.shape();
    Pad pad;
    for (size_t a = 1; a < kAxes; ++a) {
      pad.before[a] = random.number(0, 3);
      pad.after[a] = random.number(0, 3);
    }
    pad.value = seed % 2 == 0 ? 0.0f : 1.5f;
    expect_agrees_everywhere({pad, {&shape, 1}}, seed, 0);
  }
}

TEST(LayerSteps, ReshapeAgreesInBothOrders) {
  const std::pair<Shape, Shape> kShapes[] = {
      {{1, 4, 6, 10}, {1, 1, 1, 240}}, {{1, 1, 1, 240}, {1, 4, 6, 10}}, {{1, 4, 6, 10}, {1, 8, 3, 10}},
      {{1, 4, 6, 10}, {1, 5, 12, 4}},  {{1, 4, 6, 10}, {1, 4, 60, 1}},  {{1, 7, 1, 1}, {1, 1, 1, 7}},
  };
  for (uint64_t seed = 0; const auto& [from, to] : kShapes)
    for (const bool channels_first : {false, true})
      expect_agrees_everywhere({Reshape{to, channels_first}, {&from, 1}}, ++seed, 0);
}

TEST(LayerSteps, SoftmaxAgrees) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    Seeded random(seed);
    Shape shape = random.shape();
    if (seed % 3 == 0) shape = {1, 1, 1, random.number(1, 70)};
    expect_agrees_everywhere({Softmax{seed % 4 == 0 ? -2.5f : 1.0f}, {&shape, 1}}, seed);
  }
}

FullyConnected random_fully_connected(Seeded& random, uint32_t inputs, uint32_t outputs, uint32_t sparsity) {
  FullyConnected f{outputs, random.values(size_t{inputs} * outputs), {}};
  for (float& weight : f.weights)
    if (random.number(0, 99) < sparsity) weight = 0;
  if (random.number(0, 1) == 1) f.bias = random.values(outputs);
  return f;
}

TEST(LayerSteps, FullyConnectedAgreesDenseAndSparse) {
  for (uint64_t seed = 0; seed < 2 * kSeeds; ++seed) {
    Seeded random(seed);
    const Shape shape = {1, 1, 1, random.number(1, 70)};
    const uint32_t outputs = random.number(1, 140);
    const LayerCase c(random_fully_connected(random, shape.c, outputs, seed % 2 == 0 ? 0 : 90), {&shape, 1},
                      random.activation());
    expect_agrees_everywhere(c, seed);
    for (const Target& target : targets()) {
      const LayerRequest request{c.layer(), c.inputs, c.output, target, "layer"};
      expect_agrees(c, dense_fully_connected_steps(request), seed);
      expect_agrees(c, sparse_fully_connected_steps(request), seed);
    }
  }
}

TEST(LayerSteps, FullyConnectedGoesByTheCostOfItsNonZeros) {
  Seeded random(1);
  const Shape shape = {1, 1, 1, 256};
  const auto table_of = [&](uint32_t sparsity) {
    const LayerCase c(random_fully_connected(random, shape.c, 256, sparsity), {&shape, 1});
    return (*layer_steps(c.layer(), c.inputs, c.output, targets()[0], "f"))[0].program.table.size();
  };
  EXPECT_EQ(table_of(0), 0u);
  EXPECT_GT(table_of(90), 0u);
}

TEST(LayerSteps, FullyConnectedLayersOfFewOutputsHaveItemsForSeveralThreads) {
  const Shape shape = {1, 1, 1, 100};
  const auto items = [&](uint32_t outputs) {
    const LayerCase c(FullyConnected{outputs, std::vector<float>(outputs * 100, 0.5f), {}}, {&shape, 1});
    return (*dense_fully_connected_steps({c.layer(), c.inputs, c.output, targets()[0], "f"}))[0].program.items;
  };
  EXPECT_EQ(items(48), 6u);
  EXPECT_EQ(items(250), 16u);
  EXPECT_EQ(items(1000), 32u);
}

TEST(LayerSteps, ConversionsGoFromAnyLayoutToAny) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const Shape shape = Seeded(seed).shape();
    LayerCase c(Reshape{shape, false}, {&shape, 1});
    for (const Target& target : targets())
      for (const LayoutKind from : kLayouts)
        for (const LayoutKind to : kLayouts) {
          c.set_layouts({from, 0, 8}, {to, 0, 16});
          auto step = conversion_step(c.inputs[0], c.output, target, "convert");
          ASSERT_TRUE(step) << step.error().message;
          expect_agrees(c, std::vector<LayerStep>{*step}, seed, 0);
        }
  }
}

/// Loads and stores below a full vector.
size_t partial_moves(const LayerCase& c, const Target& target) {
  const auto steps = layer_steps(c.layer(), c.inputs, c.output, target, "f");
  EXPECT_TRUE(steps) << steps.error().message;
  const auto is_partial = [&](const LoopInstruction& op) {
    return loop_op_info(op.op).has_lanes && op.lanes < target.vector->lanes;
  };
  return static_cast<size_t>(std::ranges::count_if((*steps)[0].program.body, is_partial));
}

TEST(LayerSteps, OneLayoutOnBothSidesIsWorkedOnInFullVectors) {
  const Shape image = {1, 8, 8, 32}, vector = {1, 1, 1, 32}, with_vector[] = {image, vector};
  std::vector<LayerCase> cases;
  cases.emplace_back(Unary{}, std::span(&image, 1), Activation::of(ActivationKind::kSwish));
  cases.emplace_back(Binary{BinaryKind::kMultiply}, with_vector);
  cases.emplace_back(Prelu{std::vector<float>(32, 0.5f)}, std::span(&image, 1));
  cases.emplace_back(Softmax{}, std::span(&image, 1));
  cases.emplace_back(Reshape{image, false}, std::span(&image, 1));
  for (LayerCase& c : cases)
    for (const Target& target : targets())
      for (const LayoutKind kind : kLayouts) {
        c.set_layouts({kind, 0, 16}, {kind, 0, 16});
        if (kind == LayoutKind::kChannelRows) c.inputs[0].layout.stride = c.output.layout.stride = 64;
        if (c.inputs.size() > 1) c.inputs[1].layout = {};
        EXPECT_EQ(partial_moves(c, target), 0u) << target.vector->name << " " << c.text();
      }
}

/// Products of one column of the window: as many as a tile has sums.
TEST(LayerSteps, FirstConvolutionsInWebAssemblyHaveTilesOfMoreSumsThanRegisters) {
  const Shape image = {1, 32, 32, 3};
  Window window;
  window.height = window.width = 3;
  window.stride_height = window.stride_width = 2;
  window.padding = {0, 0, 1, 1};
  LayerCase c(Convolution{window, 1, 22, std::vector<float>(22 * 27, 0.5f), {}}, {&image, 1});
  c.set_layouts({LayoutKind::kInterleaved, 0, 0}, {LayoutKind::kChannelRows, 0, 0});
  const auto steps = layer_steps(c.layer(), c.inputs, c.output, *find_target("wasm32"), "f");
  expect_agrees(c, steps, 1);
  EXPECT_EQ(std::ranges::count((*steps)[0].program.body, LoopOp::kFma, &LoopInstruction::op), 3 * 22);
}

TEST(LayerSteps, RefusesWhatHasNoLoops) {
  const Shape batch = {2, 1, 1, 3}, image = {1, 2, 1, 3};
  LayerCase c(Mean{}, {&batch, 1});
  EXPECT_EQ(layer_steps(c.layer(), c.inputs, c.output, targets()[0], "f").error().message,
            "has an input of batch 2, but loops are for 1");
  LayerCase many(FullyConnected{1, {1, 1, 1}, {}}, {&image, 1});
  EXPECT_EQ(layer_steps(many.layer(), many.inputs, many.output, targets()[0], "f").error().message,
            "is fully connected on 2 pixels, but loops are for one");
  EXPECT_FALSE(has_loops(many.layer(), {&image, 1}));
}

}  // namespace
}  // namespace espalier::test
