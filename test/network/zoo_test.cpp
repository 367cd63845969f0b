// The zoo: shapes and sizes of the papers, exact shares of zeros, and the way through a file.
#include "ir/network/zoo/zoo.h"

#include <algorithm>
#include <cmath>

#include "ir/export/tflite_file.h"
#include "ir/import/network_file.h"
#include "ir/network/network_cost.h"
#include "ir/network/passes/passes.h"
#include "network_test.h"
#include "test/support/random_network.h"

namespace espalier::test {
namespace {

Network model(std::string_view name, const ZooOptions& options = {}) {
  auto network = zoo_network(name, options);
  EXPECT_TRUE(network) << network.error().message;
  return network ? *std::move(network) : Network();
}

struct Row {
  const char* name;
  double million_weights, million_multiply_adds;
};

/// Parameters and multiply-adds that the papers and model cards give, of which a few percent are batch norms and
/// biases. The cache-aware model is made to cost what V2 does.
TEST(Zoo, ModelsHaveTheSizesOfTheirPapers) {
  const Row rows[] = {
      {"mobilenet_v1", 4.2, 569},       {"mobilenet_v2", 3.5, 300},       {"mobilenet_v2_cache_aware", 3.5, 300},
      {"mobilenet_v3_large", 5.4, 219}, {"mobilenet_v3_small", 2.5, 56},  {"efficientnet_b0", 5.3, 390},
      {"efficientnet_b1", 7.8, 700},    {"efficientnet_lite0", 4.7, 407}, {"resnet50", 25.5, 4100}};
  ASSERT_EQ(std::size(rows), zoo_models().size());
  for (const Row& row : rows) {
    const Network network = model(row.name);
    const NetworkCost cost = cost_of(network);
    EXPECT_NEAR(static_cast<double>(cost.weights) / 1e6, row.million_weights, 0.04 * row.million_weights) << row.name;
    EXPECT_NEAR(static_cast<double>(cost.multiply_adds) / 1e6, row.million_multiply_adds,
                0.06 * row.million_multiply_adds)
        << row.name;
    EXPECT_EQ(network.shape_of(network.outputs[0]), (Shape{1, 1, 1, 1000})) << row.name;
    const Status status = verify(network);
    EXPECT_TRUE(status) << row.name << ": " << status.error().message;
  }
}

/// Channels between expansion and projection, block by block.
std::vector<uint32_t> expanded_channels(const Network& network) {
  std::vector<uint32_t> widths;
  for (const Layer& layer : network.layers)
    if (const auto* c = layer.as<Convolution>(); c && c->groups > 1) widths.push_back(c->groups);
  return widths;
}

/// Everything up to 64 channels is V2's; 5 * 96, 3 * 160 and 1 * 320 are what fits 512, and both last stages get two
/// blocks more.
TEST(Zoo, CacheAwareBlocksReadAtMost512Channels) {
  const Network aware = model("mobilenet_v2_cache_aware"), plain = model("mobilenet_v2");
  EXPECT_THAT(expanded_channels(aware), ElementsAre(32, 96, 144, 144, 192, 192, 192, 384, 384, 384, 384, 480, 480,  //
                                                    480, 480, 480, 480, 480, 480, 320, 320));
  EXPECT_EQ(expanded_channels(plain).size(), 17u);
  for (const Layer& layer : aware.layers) {
    if (!layer.as<Convolution>() || !layer.as<Convolution>()->window.is_pointwise()) continue;
    EXPECT_LE(aware.input_shape(layer).c, 512u) << layer.name;
  }
}

TEST(Zoo, CacheAwareWidthsFollowTheWidth) {
  // 6 * 24 channels fit anyway; of 240 channels only twice as many do.
  const Network narrow = model("mobilenet_v2_cache_aware", {.width = 0.25, .size = 32}),
                wide = model("mobilenet_v2_cache_aware", {.width = 1.5, .size = 32});
  EXPECT_EQ(expanded_channels(narrow), expanded_channels(model("mobilenet_v2", {.width = 0.25, .size = 32})));
  const std::vector<uint32_t> widths = expanded_channels(wide);
  EXPECT_GT(std::count(widths.begin(), widths.end(), 480u), 2);
  EXPECT_LE(*std::max_element(widths.begin(), widths.end()), 512u);
}

const Convolution& widest_pointwise(const Network& network) {
  const Convolution* widest = nullptr;
  for (const Layer& layer : network.layers)
    if (const auto* c = layer.as<Convolution>(); c && c->groups == 1 && c->window.is_pointwise())
      if (!widest || c->weights.size() > widest->weights.size()) widest = c;
  return *widest;
}

TEST(Zoo, PrunesExactlyTheShareInBlocksOfRows) {
  const Network network = model("mobilenet_v1", {.width = 0.5, .sparsity = 0.85, .block = 4});
  const Convolution& c = widest_pointwise(network);
  const size_t columns = c.weights.size() / c.output_channels;
  EXPECT_EQ(c.weights.size(), 512u * 512);
  const auto zeros = std::count(c.weights.begin(), c.weights.end(), 0.0f);
  EXPECT_EQ(zeros, 4 * std::llround(0.85 * 128 * 512));
  for (size_t i = 0; i < c.weights.size(); ++i) {
    const size_t first_of_block = i / columns / 4 * 4 * columns + i % columns;
    ASSERT_EQ(c.weights[i] == 0, c.weights[first_of_block] == 0) << i;
  }
}

TEST(Zoo, TheSameSeedGivesTheSameNetwork) {
  const ZooOptions small{.width = 0.25, .size = 32};
  ZooOptions other = small;
  other.seed = 2;
  EXPECT_EQ(*tflite_bytes(model("mobilenet_v2", small)), *tflite_bytes(model("mobilenet_v2", small)));
  EXPECT_NE(*tflite_bytes(model("mobilenet_v2", small)), *tflite_bytes(model("mobilenet_v2", other)));
}

TEST(Zoo, ValuesNeitherVanishNorExplode) {
  for (const ZooModel& entry : zoo_models()) {
    const Network network = model(entry.name, {.width = 0.25, .size = 32});
    const Floats image = random_input(32 * 32 * 3, 7);
    const auto values = run_reference_tensors(network, {&image, 1});
    ASSERT_TRUE(values);
    for (const Layer& layer : network.layers) {
      const Floats& result = (*values)[layer.output];
      const auto [low, high] = std::minmax_element(result.begin(), result.end());
      const float largest = std::max(*high, -*low);
      EXPECT_TRUE(largest > 1e-4f && largest < 1e4f) << entry.name << " " << layer.name << " " << largest;
    }
  }
}

TEST(Zoo, ModelsGoThroughAFileAndComeBackWithTheSameAnswer) {
  for (const ZooModel& entry : zoo_models()) {
    const Network network = model(entry.name, {.width = 0.25, .size = 32});
    const auto bytes = tflite_bytes(network);
    ASSERT_TRUE(bytes) << entry.name << ": " << bytes.error().message;
    auto back = parse_network("zoo.tflite", as_byte_span(*bytes));
    ASSERT_TRUE(back) << back.error().message;
    const Floats image = random_input(32 * 32 * 3, 7), wanted = run_one(network, image);
    EXPECT_THAT(run_one(*back, image), Pointwise(::testing::FloatNear(1e-6f), wanted)) << entry.name;
    const Status status = simplify(*back);
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_THAT(run_one(*back, image), Pointwise(::testing::FloatNear(1e-6f), wanted)) << entry.name;
  }
}

TEST(Zoo, RefusesUnknownModelsAndOptionsOutOfRange) {
  EXPECT_EQ(zoo_network("mobilenet_v9").error().message,
            "no model 'mobilenet_v9', known models are mobilenet_v1, mobilenet_v2, mobilenet_v2_cache_aware, "
            "mobilenet_v3_large, mobilenet_v3_small, efficientnet_b0, efficientnet_b1, efficientnet_lite0, resnet50");
  const auto message = [](const ZooOptions& options) { return zoo_network("resnet50", options).error().message; };
  EXPECT_EQ(message({.width = 5}), "width is 5, but must be in 0.1..4");
  EXPECT_EQ(message({.sparsity = 1}), "sparsity is 1, but must be in [0, 1)");
  EXPECT_EQ(message({.block = 0}), "block is 0, but must be in 1..64");
  EXPECT_EQ(message({.size = 16}), "size is 16, but must be in 32..4096");
}

TEST(TfliteFile, RefusesWhatTfliteCannotSay) {
  Network two_pixels, norm;
  two_pixels.outputs = {
      added(two_pixels, "fc", FullyConnected{1, {1}, {}}, {add_input(two_pixels, "x", {1, 1, 2, 1})})};
  norm.outputs = {added(norm, "bn", BatchNorm{{1}, {0}, {0}, {1}, 0}, {add_input(norm, "x", {1, 1, 2, 1})})};
  EXPECT_EQ(tflite_bytes(two_pixels).error().message,
            "layer 'fc': is fully connected on 2 pixels, but only 1 can be written as TFLite");
  EXPECT_EQ(tflite_bytes(norm).error().message, "layer 'bn': a layer of kind batch_norm cannot be written as TFLite");
}

TEST(TfliteFile, KeepsPaddingThatHasNoName) {
  Network network;
  Convolution c;
  c.window = {3, 3, 2, 2, 1, 1, {1, 1, 1, 1}};  // SAME would be 0,0,1,1
  c.output_channels = 1;
  c.weights = counting(9);
  network.outputs = {added(network, "conv", c, {add_input(network, "x", {1, 4, 4, 1})}, Activation::relu())};
  const auto bytes = tflite_bytes(network);
  ASSERT_TRUE(bytes) << bytes.error().message;
  auto back = parse_network("a.tflite", as_byte_span(*bytes));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->layers.size(), 2u);
  EXPECT_THAT(run_one(*back, counting(16)), ElementsAreArray(run_one(network, counting(16))));
}

}  // namespace
}  // namespace espalier::test
