// The paper's own network out of its published arrays, on a narrow one made here.
#include "ir/import/published_network.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "ir/export/onnx_file.h"
#include "ir/export/tflite_file.h"
#include "ir/import/network_file.h"
#include "ir/network/run_reference.h"
#include "npy_zip_files.h"
#include "test/support/random_network.h"

namespace espalier::test {
namespace {

using Floats = std::vector<float>;
using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::Pointwise;

constexpr uint32_t kWidths[] = {4, 8, 8, 12, 12, 16, 16, 16, 16, 16, 16, 20, 20}, kFirst = 4, kClasses = 5;
constexpr ZooOptions kSmall{.sparsity = 0.5, .size = 32};

ZipEntry array(const std::string& name, std::vector<uint32_t> shape, const Floats& values) {
  std::string text;
  for (const uint32_t size : shape) text += std::to_string(size) + ",";
  ZipEntry entry;
  entry.name = name + ".npy";
  entry.data = npy_floats("(" + text + ")", values);
  return entry;
}
ZipEntry random_array(const std::string& name, std::vector<uint32_t> shape) {
  size_t count = 1;
  for (const uint32_t size : shape) count *= size;
  return array(name, std::move(shape), random_input(count, 17 + count + name.size()));
}

void add_layer_arrays(std::vector<ZipEntry>& file, const std::string& name, const std::string& weights,
                      std::vector<uint32_t> shape) {
  file.push_back(random_array(name + "_bias", {shape[0]}));
  file.push_back(random_array(weights, std::move(shape)));
}

/// Every array of a whole network.
std::vector<ZipEntry> published() {
  std::vector<ZipEntry> file;
  add_layer_arrays(file, "initial_conv", "initial_conv", {kFirst, 3, 3, 3});
  uint32_t channels = kFirst;
  for (size_t i = 0; i < std::size(kWidths); channels = kWidths[i], ++i) {
    const std::string depthwise = "depthwise_nxn_" + std::to_string(i), one = "contraction_1x1_" + std::to_string(i);
    add_layer_arrays(file, depthwise, depthwise, {channels, 1, 3, 3});
    add_layer_arrays(file, one, one, {kWidths[i], channels});
  }
  add_layer_arrays(file, "final_dense", "final_dense_kernel", {kClasses, channels});
  return file;
}

std::vector<ZipEntry> without(std::vector<ZipEntry> file, const std::string& name) {
  std::erase_if(file, [&](const ZipEntry& entry) { return entry.name == name + ".npy"; });
  return file;
}
std::vector<ZipEntry> with(std::vector<ZipEntry> file, ZipEntry changed) {
  for (ZipEntry& entry : file)
    if (entry.name == changed.name) entry = changed;
  return file;
}

Result<PublishedNetwork> parsed(const std::vector<ZipEntry>& file, const ZooOptions& options = kSmall) {
  return parse_published_mobilenet_v1("w.npz", as_byte_span(zip_file(file)), options);
}
PublishedNetwork made(const std::vector<ZipEntry>& file, const ZooOptions& options = kSmall) {
  auto network = parsed(file, options);
  EXPECT_TRUE(network) << network.error().message;
  return network ? *std::move(network) : PublishedNetwork();
}
std::string refusal(const std::vector<ZipEntry>& file, const ZooOptions& options = kSmall) {
  const auto network = parsed(file, options);
  return network ? "" : network.error().message;
}

const Convolution& convolution(const Network& network, std::string_view name) {
  for (const Layer& layer : network.layers)
    if (layer.name == name) return *layer.as<Convolution>();
  static const Convolution kNone;
  ADD_FAILURE() << "no layer " << name;
  return kNone;
}

TEST(PublishedNetwork, HasTheLayersAndWidthsOfTheFile) {
  const PublishedNetwork all = made(published());
  EXPECT_TRUE(all.stand_ins.empty());
  ASSERT_EQ(all.network.layers.size(), 1u + 2 * 13 + 2);
  const Status status = verify(all.network);
  EXPECT_TRUE(status) << status.error().message;
  for (size_t i = 0; i < 27; ++i) EXPECT_EQ(all.network.layers[i].activation, Activation::relu()) << i;
  EXPECT_EQ(all.network.output_shape(all.network.layers[0]), (Shape{1, 16, 16, kFirst}));
  EXPECT_EQ(all.network.output_shape(all.network.layers[26]), (Shape{1, 1, 1, 20}));
  EXPECT_EQ(all.network.shape_of(all.network.outputs[0]), (Shape{1, 1, 1, kClasses}));
}

TEST(PublishedNetwork, HalvesTheImageWhereThePaperDoes_WithALineOfPaddingOnEverySide) {
  const Network network = made(published()).network;
  std::vector<uint32_t> strides;
  for (size_t i = 0; i < 13; ++i) {
    const Window& window = convolution(network, "depthwise_nxn_" + std::to_string(i)).window;
    EXPECT_EQ(window.padding, (Padding{1, 1, 1, 1}));
    strides.push_back(window.stride_width);
  }
  EXPECT_THAT(strides, ElementsAre(1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1));
  EXPECT_EQ(convolution(network, "initial_conv").window.padding, (Padding{1, 1, 1, 1}));
}

/// The file says output, input, row, column; a network has the input last.
TEST(PublishedNetwork, TakesFirstWeightsAsOutputInputRowColumn) {
  Floats values(4 * 27);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  const Convolution c =
      convolution(made(with(published(), array("initial_conv", {4, 3, 3, 3}, values))).network, "initial_conv");
  for (size_t o = 0; o < 4; ++o)
    for (size_t i = 0; i < 3; ++i)
      for (size_t place = 0; place < 9; ++place)
        ASSERT_EQ(c.weights[(o * 9 + place) * 3 + i], values[(o * 3 + i) * 9 + place]);
}

TEST(PublishedNetwork, AMatrixThatIsNotThereIsStoodInForByBlocksOfFour) {
  const auto file = without(published(), "contraction_1x1_12");
  const PublishedNetwork network = made(file, {.sparsity = 0.8, .size = 32});
  EXPECT_THAT(network.stand_ins, ElementsAre("contraction_1x1_12"));
  const Convolution& c = convolution(network.network, "contraction_1x1_12");
  ASSERT_EQ(c.weights.size(), 20u * 20);
  EXPECT_EQ(std::count(c.weights.begin(), c.weights.end(), 0.0f), 320);
  for (size_t i = 0; i < c.weights.size(); ++i) ASSERT_EQ(c.weights[i] == 0, c.weights[i / 80 * 80 + i % 20] == 0) << i;
  EXPECT_EQ(made(file).network.layers[26].as<Convolution>()->weights,
            made(file).network.layers[26].as<Convolution>()->weights);
  const ZooOptions other{.sparsity = 0.8, .size = 32, .seed = 2};
  EXPECT_NE(c.weights, made(file, other).network.layers[26].as<Convolution>()->weights);
}

/// Arrays in another order, of which nobody wants some, are the same network.
TEST(PublishedNetwork, OrderAndStrangersDoNotMatter) {
  auto file = published();
  std::reverse(file.begin(), file.end());
  file.push_back(random_array("stranger", {2}));
  const Floats image = random_input(32 * 32 * 3, 7);
  EXPECT_EQ(*run_reference(made(file).network, {&image, 1}), *run_reference(made(published()).network, {&image, 1}));
}

void expect_same_answers(const Network& network, std::string_view file_name, const Result<std::string>& bytes) {
  ASSERT_TRUE(bytes) << bytes.error().message;
  const auto back = parse_network(file_name, as_byte_span(*bytes));
  ASSERT_TRUE(back) << back.error().message;
  const Floats image = random_input(32 * 32 * 3, 7), other = random_input(32 * 32 * 3, 8);
  const auto wanted = run_reference(network, {&image, 1}), got = run_reference(*back, {&image, 1});
  ASSERT_TRUE(wanted && got);
  EXPECT_NE(*wanted, *run_reference(network, {&other, 1})) << "what comes out must depend on the image";
  const auto [low, high] = std::minmax_element((*wanted)[0].begin(), (*wanted)[0].end());
  EXPECT_THAT((*got)[0], Pointwise(FloatNear(1e-6f * (*high - *low)), (*wanted)[0])) << file_name;
}

TEST(PublishedNetwork, GoesThroughTfliteAndComesBackTheSame) {
  const Network network = made(published()).network;
  expect_same_answers(network, "a.tflite", tflite_bytes(network));
}

TEST(PublishedNetwork, GoesThroughOnnxAndComesBackTheSame) {
  const Network network = made(published()).network;
  const auto bytes = onnx_bytes(network);
  if (!bytes && bytes.error().kind == ErrorKind::kUnsupported) GTEST_SKIP() << bytes.error().message;
  expect_same_answers(network, "a.onnx", bytes);
}

TEST(PublishedNetwork, NamesFileArrayRuleAndShapesOfWhatDoesNotFit) {
  EXPECT_EQ(refusal(without(published(), "depthwise_nxn_3")),
            "w.npz: has no array 'depthwise_nxn_3' of shape (8, 1, 3, 3): 'depthwise_nxn_3_bias' has 8 values and 8 "
            "channels go in");
  EXPECT_EQ(refusal(without(published(), "contraction_1x1_12_bias")),
            "w.npz: has no array 'contraction_1x1_12_bias', which says how many channels its layer makes");
  EXPECT_EQ(
      refusal(without(published(), "final_dense_kernel")),
      "w.npz: has no array 'final_dense_kernel' of shape (5, 20): 'final_dense_bias' has 5 values and 20 channels "
      "go in");
  EXPECT_EQ(refusal(with(published(), random_array("contraction_1x1_3", {8, 12}))),
            "w.npz: array 'contraction_1x1_3' has shape (8, 12), but needs (12, 8): 'contraction_1x1_3_bias' has 12 "
            "values and 8 channels go in");
  EXPECT_EQ(refusal(with(published(), random_array("initial_conv", {3, 3, 3, 4}))),
            "w.npz: array 'initial_conv' has shape (3, 3, 3, 4), but needs (4, 3, 3, 3): 'initial_conv_bias' has 4 "
            "values and 3 channels go in");
  EXPECT_EQ(refusal(with(published(), random_array("depthwise_nxn_0_bias", {5}))),
            "w.npz: array 'depthwise_nxn_0_bias' has shape (5,), but needs (4,): a bias for each channel that goes in");
  EXPECT_EQ(
      refusal(with(published(), random_array("initial_conv_bias", {2, 2}))),
      "w.npz: array 'initial_conv_bias' has shape (2, 2), but needs (N,): a value for each channel that its layer "
      "makes");
}

TEST(PublishedNetwork, RefusesWhatIsNotFiniteNotANumberOrTooLarge) {
  Floats values(16);
  values[3] = INFINITY;
  EXPECT_EQ(refusal(with(published(), array("contraction_1x1_0", {4, 4}, values))),
            "w.npz: layer 'contraction_1x1_0': weight 3 is inf, but must be finite");
  EXPECT_EQ(refusal(published(), {.size = 5000}), "size is 5000, but must be in 32..4096");
  const auto many = without(with(published(), random_array("contraction_1x1_0_bias", {5000000})), "contraction_1x1_0");
  EXPECT_EQ(refusal(many),
            "w.npz: has no array 'contraction_1x1_0', and a stand-in of 5000000 x 4 weights is too large: at most "
            "16777216 are made");
  EXPECT_FALSE(refusal({}).empty());
}

}  // namespace
}  // namespace espalier::test
