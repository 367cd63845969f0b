// Depthwise convolutions that apply activations to a channel's image and to its sums.
#include "codegen/layers/direct_depthwise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <random>

#include "backends/jit/jit_library.h"
#include "backends/loops/loop_object.h"
#include "codegen/layers/layer_steps.h"
#include "ir/network/run_reference.h"

namespace espalier::test {
namespace {

using Function = void(const float* x0, const float* x1, float* y, const float* weights, const int32_t* table,
                      float* scratch, size_t first_item, size_t last_item);

constexpr float kCanary = 12345.5f;

struct DepthwiseCase {
  Shape image;
  uint32_t window, stride, padding, spare;  ///< spare: elements behind a channel's pixels
  Activation before, after;
  uint32_t multiplier = 1;  ///< output channels for each of the image's
};

std::vector<float> seeded(size_t count, uint64_t seed, float most) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<float> values(-most, most);
  std::vector<float> result(count);
  for (float& value : result) value = values(random);
  return result;
}

/// An activation and the depthwise convolution that alone reads it.
Network network_of(const DepthwiseCase& d) {
  Network network;
  const TensorId x = add_input(network, "x", d.image);
  const TensorId mapped = d.before.is_none() ? x : *add_layer(network, "before", Unary{}, {x}, d.before);
  Window window;
  window.height = window.width = d.window;
  window.stride_height = window.stride_width = d.stride;
  window.padding = {d.padding, d.padding, d.padding, d.padding};
  const uint32_t outputs = d.image.c * d.multiplier;
  const Convolution c{window, d.image.c, outputs, seeded(uint64_t{outputs} * d.window * d.window, 3, 1),
                      seeded(outputs, 4, 1)};
  network.outputs = {*add_layer(network, "depthwise", c, {mapped}, d.after)};
  return network;
}

LayerTensor in_rows(const Shape& shape, uint32_t spare) {
  return {shape, {LayoutKind::kChannelRows, static_cast<uint32_t>(shape.pixels()) + spare, 0}, {}};
}

/// Element i of NHWC order.
size_t place(const LayerTensor& tensor, size_t i) {
  return tensor.place(static_cast<uint32_t>(i % tensor.shape.c), static_cast<uint32_t>(i / tensor.shape.c));
}

/// Last items first.
std::vector<float> interpreted(const LayerStep& step, std::span<const float> x, size_t elements) {
  std::vector<float> y(elements, kCanary);
  for (uint32_t item = step.program.items; item-- > 0;)
    interpret(step.program, {x, {}, y, step.weights}, item, item + 1);
  return y;
}

void expect_same_here(const LayerStep& step, const Target& target, const std::vector<float>& x, const LayerTensor& out,
                      const std::vector<float>& wanted) {
  const auto object = write_loop_object({&step.program, 1}, target);
  ASSERT_TRUE(object) << object.error().message;
  const auto library = JitLibrary::load_objects({&*object, 1}, target);
  if (!library) return;  // not this machine's code
  std::vector<float> y(wanted.size(), kCanary),
      scratch(step.program.elements[static_cast<size_t>(LoopBuffer::kScratch)]);
  reinterpret_cast<Function*>(*(*library)->address("layer"))(x.data(), nullptr, y.data(), step.weights.data(), nullptr,
                                                             scratch.data(), 0, step.program.items);
  for (size_t i = 0; i < out.shape.elements(); ++i)
    ASSERT_EQ(std::bit_cast<uint32_t>(y[place(out, i)]), std::bit_cast<uint32_t>(wanted[place(out, i)])) << i;
}

void expect_right(const DepthwiseCase& d, const Target& target) {
  const Network network = network_of(d);
  const Layer& layer = network.layers.back();
  const LayerTensor in = in_rows(d.image, d.spare), out = in_rows(network.output_shape(layer), d.spare);
  const auto steps = layer_steps(layer, {&in, 1}, out, target, "layer", d.before);
  ASSERT_TRUE(steps) << steps.error().message;
  const std::vector<float> values = seeded(d.image.elements(), 5, 3);
  std::vector<float> x(in.elements(), std::numeric_limits<float>::quiet_NaN());
  for (size_t i = 0; i < values.size(); ++i) x[place(in, i)] = values[i];
  const std::vector<float> y = interpreted((*steps)[0], x, out.elements());
  const auto wanted = run_reference(network, {&values, 1});
  ASSERT_TRUE(wanted);
  for (size_t i = 0; i < (*wanted)[0].size(); ++i)
    ASSERT_NEAR(y[place(out, i)], (*wanted)[0][i], 2e-5) << "element " << i;
  if (d.window == 3 && d.before == d.after) expect_same_here((*steps)[0], target, x, out, y);
}

/// Images of which an item takes several, one, and one by tiles of rows; rows below, at and above whole vectors.
TEST(DirectDepthwise, AppliesActivationsBeforeAndBehindItsSums) {
  const Activation swish = Activation::of(ActivationKind::kSwish), relu = Activation::relu(), none;
  const Shape images[] = {{1, 7, 7, 12}, {1, 7, 7, 7}, {1, 12, 12, 4}, {1, 28, 28, 2}, {1, 70, 65, 2}, {1, 66, 64, 2}};
  for (const auto& [name, cpu] : {std::pair{"x86_64-linux", "haswell"},
                                  {"x86_64-linux", "skylake-avx512"},
                                  {"x86_64-linux", "znver4"},
                                  {"aarch64-linux", "cortex-a76"},
                                  {"wasm32", "simd128"}})
    for (const Shape& image : images)
      for (const auto& [before, after] : {std::pair{swish, swish}, {swish, relu}, {none, swish}})
        for (const uint32_t stride : {1u, 2u})
          for (const uint32_t window : {3u, 5u}) {
            const uint32_t padding = image.c % 2 == 0 ? window / 2 : 0, spare = window == 3 ? 0 : 15;
            SCOPED_TRACE(fmt::format("{} {} window {} stride {}, {} -> {}", cpu, to_string(image), window, stride,
                                     static_cast<int>(before.kind), static_cast<int>(after.kind)));
            expect_right({image, window, stride, padding, spare, before, after}, *find_target(name, cpu));
            if (HasFailure()) return;
          }
}

TEST(DirectDepthwise, AppliesAnActivationBeforeSeveralOutputsOfAChannel) {
  const Activation swish = Activation::of(ActivationKind::kSwish);
  for (const Shape& image : {Shape{1, 7, 7, 6}, Shape{1, 70, 65, 2}})
    for (const char* cpu : {"haswell", "znver4"})
      expect_right({image, 3, 1, 1, 0, swish, swish, 3}, *find_target("x86_64-linux", cpu));
}

/// The program's lanes.
uint32_t lanes_of(uint32_t width, const char* cpu) {
  const DepthwiseCase d{{1, 9, width, 3}, 3, 1, 1, 16, {}, {}};
  const Network network = network_of(d);
  const LayerTensor in = in_rows(d.image, d.spare);
  return (*layer_steps(network.layers.back(), {&in, 1}, in, *find_target("x86_64-linux", cpu), "layer"))[0]
      .program.lanes();
}

TEST(DirectDepthwise, TakesHalfVectorsWhereAFifthOfWholeOnesWouldBeEmptyAndCostTime) {
  for (const uint32_t width : {7u, 8u, 20u, 24u}) EXPECT_EQ(lanes_of(width, "znver4"), 8u) << width;
  for (const uint32_t width : {12u, 14u, 16u, 28u, 56u, 112u}) EXPECT_EQ(lanes_of(width, "znver4"), 16u) << width;
  EXPECT_EQ(lanes_of(7, "skylake-avx512"), 16u);
  EXPECT_EQ(lanes_of(7, "znver3"), 8u);
}

/// Whole vectors to the end of every row whose overrun is written again.
TEST(DirectDepthwise, StoresPartOfAVectorInTheLastRowsOnly) {
  const DepthwiseCase d{{1, 12, 12, 3}, 3, 1, 1, 0, {}, {}};
  const Network network = network_of(d);
  const LayerTensor in = in_rows(d.image, d.spare);
  const auto steps = layer_steps(network.layers.back(), {&in, 1}, in, *find_target("x86_64-linux", "avx512"), "layer");
  ASSERT_TRUE(steps);
  const auto is_partial = [](const LoopInstruction& op) { return op.op == LoopOp::kStore && op.lanes < 16; };
  EXPECT_EQ(std::ranges::count_if((*steps)[0].program.body, is_partial), 1);
}

/// With four rows of sums to a tile, as registers of x86-64 have room for, a load serves two and a half products.
TEST(DirectDepthwise, TilesInWebAssemblyHaveSoManyRowsThatALoadServesThreeProducts) {
  const Network network = network_of({{1, 14, 14, 3}, 5, 1, 2, 0, {}, {}});
  const LayerTensor in = in_rows({1, 14, 14, 3}, 0);
  const auto steps = layer_steps(network.layers.back(), {&in, 1}, in, *find_target("wasm32", "relaxed"), "layer");
  ASSERT_TRUE(steps) << steps.error().message;
  const auto count = [&](LoopOp op, LoopBuffer buffer) {
    return std::ranges::count_if((*steps)[0].program.body,
                                 [&](const LoopInstruction& i) { return i.op == op && i.access.buffer == buffer; });
  };
  EXPECT_GT(count(LoopOp::kFma, LoopBuffer{}), 3 * count(LoopOp::kLoad, LoopBuffer::kX0));
}

}  // namespace
}  // namespace espalier::test
