// ONNX graphs become the networks they mean, and what breaks a rule is refused with a message that says so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "ir/export/onnx_file.h"
#include "ir/import/network_file.h"
#include "ir/import/onnx_graph_import.h"
#include "ir/network/run_reference.h"
#include "ir/network/zoo/zoo.h"
#include "test/support/random_network.h"

namespace espalier::test {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using testing::HasSubstr;
using testing::Pointwise;

OnnxTensor floats(std::vector<int64_t> dims, std::vector<float> values) {
  return {std::move(dims), false, std::move(values), {}};
}
OnnxTensor numbers(std::vector<int64_t> values) {
  return {{static_cast<int64_t>(values.size())}, true, {}, std::move(values)};
}
OnnxAttribute number(int64_t value) {
  OnnxAttribute a;
  a.integer = value;
  return a;
}
OnnxAttribute real(float value) {
  OnnxAttribute a;
  a.number = value;
  return a;
}
OnnxAttribute list(std::vector<int64_t> values) {
  OnnxAttribute a;
  a.integers = std::move(values);
  return a;
}
OnnxAttribute text(std::string value) {
  OnnxAttribute a;
  a.text = std::move(value);
  return a;
}

using Attributes = std::map<std::string, OnnxAttribute, std::less<>>;

/// One input `x`, one output `y`.
struct TestGraph {
  OnnxModel model;

  explicit TestGraph(std::vector<int64_t> dims, int64_t opset = 13) {
    model.opset = opset;
    model.inputs = {{"x", true, true, std::move(dims)}};
    model.outputs = {{"y", false, true, {}}};
  }
  TestGraph& constant(const std::string& name, OnnxTensor tensor) {
    model.initializers.emplace(name, std::move(tensor));
    return *this;
  }
  TestGraph& node(const std::string& op, std::vector<std::string> inputs, const std::string& output,
                  Attributes attributes = {}) {
    model.nodes.push_back(
        {"n" + std::to_string(model.nodes.size()), op, "", std::move(inputs), {output}, std::move(attributes)});
    return *this;
  }
  Result<Network> network() const { return OnnxGraphImport(model).run(); }
  /// NHWC in, NHWC out.
  std::vector<float> run(const std::vector<float>& x) const {
    const auto made = network();
    EXPECT_TRUE(made) << made.error().message;
    if (!made) return {};
    const auto y = run_reference(*made, {&x, 1});
    EXPECT_TRUE(y) << y.error().message;
    return y ? (*y)[0] : std::vector<float>();
  }
  std::string refusal() const {
    const auto made = network();
    return made ? "" : made.error().message;
  }
};

TEST(OnnxNetwork, ConvolutionsTakeWeightsInOutInHeightWidthOrder) {
  TestGraph g({1, 2, 1, 3});
  g.constant("w", floats({1, 2, 1, 2}, {1, 10, 100, 1000})).constant("b", floats({1}, {0.5f}));
  g.node("Conv", {"x", "w", "b"}, "y");
  // Pixels are (channel 0, channel 1).
  EXPECT_THAT(g.run({1, 2, 3, 4, 5, 6}), ElementsAre(1 + 30 + 200 + 4000 + 0.5f, 3 + 50 + 400 + 6000 + 0.5f));
}

TEST(OnnxNetwork, PadsAreTopLeftBottomRight_AndSamePaddingIsResolved) {
  TestGraph g({1, 1, 2, 2});
  g.constant("w", floats({1, 1, 2, 2}, {1, 10, 100, 1000}));
  g.node("Conv", {"x", "w"}, "y", {{"pads", list({1, 0, 0, 0})}});
  EXPECT_THAT(g.run({1, 2, 3, 4}), ElementsAre(2100, 1 + 20 + 300 + 4000));
  TestGraph same({1, 1, 2, 2});
  same.constant("w", floats({1, 1, 2, 2}, {1, 10, 100, 1000}));
  same.node("Conv", {"x", "w"}, "y", {{"auto_pad", text("SAME_UPPER")}});
  EXPECT_THAT(same.run({1, 2, 3, 4}), ElementsAre(4321, 2 + 400, 3 + 40, 4));
}

TEST(OnnxNetwork, GroupsStridesAndDilations) {
  TestGraph g({1, 2, 1, 5});
  g.constant("w", floats({2, 1, 1, 2}, {1, 1, 2, 2}));
  g.node("Conv", {"x", "w"}, "y", {{"group", number(2)}, {"strides", list({1, 2})}, {"dilations", list({1, 2})}});
  EXPECT_THAT(g.run({1, 10, 2, 20, 3, 30, 4, 40, 5, 50}), ElementsAre(4, 80, 8, 160));
}

TEST(OnnxNetwork, GemmAndMatMulAreFullyConnected) {
  TestGraph g({1, 2});
  g.constant("w", floats({3, 2}, {1, 2, 3, 4, 5, 6})).constant("b", floats({3}, {1, 1, 1}));
  g.node("Gemm", {"x", "w", "b"}, "y", {{"transB", number(1)}, {"alpha", real(2)}, {"beta", real(10)}});
  EXPECT_THAT(g.run({1, 10}), ElementsAre(2 * 21 + 10, 2 * 43 + 10, 2 * 65 + 10));
  TestGraph m({1, 2});
  m.constant("w", floats({2, 3}, {1, 2, 3, 4, 5, 6})).node("MatMul", {"x", "w"}, "y");
  EXPECT_THAT(m.run({1, 10}), ElementsAre(41, 52, 63));
}

TEST(OnnxNetwork, ConstantsBroadcastFromTheEnd) {
  TestGraph g({1, 2, 1, 2});
  g.constant("k", floats({2, 1, 1}, {10, 20})).node("Mul", {"x", "k"}, "s");
  g.constant("r", floats({2}, {1, 2})).node("Add", {"s", "r"}, "y");  // along the width
  EXPECT_THAT(g.run({1, 2, 3, 4}), ElementsAre(11, 41, 32, 82));
}

TEST(OnnxNetwork, DivisionByAConstantAndSubtractionFromOne) {
  TestGraph g({1, 2});
  g.constant("k", floats({}, {4})).constant("one", floats({1}, {1}));
  g.node("Div", {"x", "k"}, "q").node("Sub", {"one", "q"}, "y");
  EXPECT_THAT(g.run({4, 8}), ElementsAre(0, -1));
}

TEST(OnnxNetwork, ClipTakesBoundsAsInputsOrAttributes) {
  TestGraph g({1, 3});
  g.constant("six", floats({}, {6})).constant("zero", floats({}, {0})).node("Clip", {"x", "zero", "six"}, "y");
  EXPECT_THAT(g.run({-1, 3, 9}), ElementsAre(0, 3, 6));
  TestGraph old({1, 3}, 9);
  old.node("Clip", {"x"}, "y", {{"min", real(-0.5f)}, {"max", real(3.4028235e38f)}});
  EXPECT_THAT(old.run({-1, 3, 1e38f}), ElementsAre(-0.5f, 3, 1e38f));
}

TEST(OnnxNetwork, ShapesComputedFromShapesAreFolded) {
  // What PyTorch writes for x.view(x.size(0), -1).
  TestGraph g({1, 2, 1, 2});
  g.constant("zero", {{}, true, {}, {0}}).constant("axis", numbers({0})).constant("rest", numbers({-1}));
  g.node("Shape", {"x"}, "s").node("Gather", {"s", "zero"}, "n").node("Unsqueeze", {"n", "axis"}, "n1");
  g.node("Concat", {"n1", "rest"}, "to", {{"axis", number(0)}}).node("Reshape", {"x", "to"}, "y");
  EXPECT_THAT(g.run({1, 2, 3, 4}), ElementsAre(1, 3, 2, 4));  // channels first
}

TEST(OnnxNetwork, MeansPoolsAndFlatten) {
  TestGraph g({1, 2, 2, 2});
  g.node("ReduceMean", {"x"}, "m", {{"axes", list({2, 3})}, {"keepdims", number(0)}}).node("Identity", {"m"}, "y");
  EXPECT_THAT(g.run({1, 10, 2, 20, 3, 30, 4, 40}), ElementsAre(2.5f, 25));
  TestGraph p({1, 1, 2, 2});
  p.node("AveragePool", {"x"}, "y", {{"kernel_shape", list({2, 2})}, {"pads", list({0, 0, 1, 1})}});
  EXPECT_THAT(p.run({1, 2, 3, 4}), ElementsAre(2.5f, 3, 3.5f, 4));
}

TEST(OnnxNetwork, ImagesWithChannelsLastBehindATransposeNeedNoLayer) {
  TestGraph g({1, 1, 2, 3});
  g.node("Transpose", {"x"}, "c", {{"perm", list({0, 3, 1, 2})}});
  g.constant("w", floats({3, 3, 1, 1}, {1, 0, 0, 0, 1, 0, 0, 0, 2})).node("Conv", {"c", "w"}, "d");
  g.node("Transpose", {"d"}, "y", {{"perm", list({0, 2, 3, 1})}});
  const auto network = g.network();
  ASSERT_TRUE(network) << network.error().message;
  EXPECT_EQ(network->layers.size(), 1u);
  EXPECT_EQ(network->shape_of(network->inputs[0]), (Shape{1, 1, 2, 3}));
  EXPECT_THAT(g.run({1, 2, 3, 4, 5, 6}), ElementsAre(1, 2, 6, 4, 5, 12));
}

TEST(OnnxNetwork, ResizesByScalesOrSizes) {
  TestGraph g({1, 1, 1, 2});
  g.constant("scales", floats({4}, {1, 1, 1, 2}));
  g.node("Resize", {"x", "", "scales"}, "y",
         {{"mode", text("nearest")},
          {"coordinate_transformation_mode", text("asymmetric")},
          {"nearest_mode", text("floor")}});
  EXPECT_THAT(g.run({3, 7}), ElementsAre(3, 3, 7, 7));
  TestGraph l({1, 1, 1, 2});
  l.constant("sizes", numbers({1, 1, 1, 4})).node("Resize", {"x", "", "", "sizes"}, "y", {{"mode", text("linear")}});
  EXPECT_THAT(l.run({0, 4}), ElementsAre(0, 1, 3, 4));
}

TEST(OnnxNetwork, AnOpenBatchIsOne) {
  TestGraph g({-1, 2});
  g.node("Relu", {"x"}, "y");
  EXPECT_THAT(g.run({-1, 1}), ElementsAre(0, 1));
}

TEST(OnnxNetwork, TheZooComesBackFromItsFiles) {
  for (const ZooModel& model : zoo_models()) {
    const auto network = zoo_network(model.name, {.width = 0.25, .size = 32});
    ASSERT_TRUE(network) << network.error().message;
    const auto bytes = onnx_bytes(*network);
    if (!bytes && bytes.error().message.find("built without ONNX") != std::string::npos)
      GTEST_SKIP() << bytes.error().message;
    ASSERT_TRUE(bytes) << model.name << ": " << bytes.error().message;
    const auto read = parse_network("zoo.onnx", as_byte_span(*bytes));
    ASSERT_TRUE(read) << model.name << ": " << read.error().message;
    const std::vector<float> x = random_input(network->shape_of(network->inputs[0]).elements(), 1);
    const auto wanted = run_reference(*network, {&x, 1}), got = run_reference(*read, {&x, 1});
    ASSERT_TRUE(wanted && got);
    EXPECT_THAT((*got)[0], Pointwise(FloatNear(1e-6f), (*wanted)[0])) << model.name;
  }
}

/// What says nothing of inference may be there, and values that are the only ones.
TEST(OnnxNetwork, AttributesWithoutEffectAreLeftAlone) {
  TestGraph g({1, 2});
  g.constant("k", floats({2}, {1, 2})).constant("zero", floats({2}, {0, 0})).constant("off", {{}, true, {}, {0}});
  g.node("BatchNormalization", {"x", "k", "zero", "zero", "k"}, "n",
         {{"momentum", real(0.1f)}, {"training_mode", number(0)}, {"spatial", number(1)}, {"epsilon", real(0)}});
  g.node("Dropout", {"n", "", "off"}, "y", {{"seed", number(7)}});
  EXPECT_THAT(g.run({3, 4}), Pointwise(FloatNear(1e-5f), {3.0f, 8 / std::sqrt(2.0f)}));
}

struct Refused {
  const char* name;
  const char* message;
  TestGraph graph;
};

TestGraph graph(const std::string& op, std::vector<std::string> inputs, Attributes attributes = {},
                std::vector<int64_t> dims = {1, 2, 4, 4}) {
  TestGraph g(std::move(dims));
  g.constant("w", floats({1, 2, 1, 1}, {1, 1})).constant("v", floats({3}, {1, 2, 3})).constant("i", numbers({1, 2}));
  g.constant("most", numbers({INT64_MAX})).constant("least", numbers({INT64_MIN})).constant("minus", numbers({-1}));
  g.constant("four", floats({4}, {1, 2, 3, 4})).constant("m", floats({2, 3}, {1, 2, 3, 4, 5, 6}));
  g.constant("column", floats({3, 1}, {1, 2, 3})).constant("on", {{}, true, {}, {1}});
  g.node(op, std::move(inputs), "y", std::move(attributes));
  return g;
}

TEST(OnnxNetwork, RefusesWhatItCannotRead_AndSaysWhy) {
  const Refused rows[] = {
      {"UnknownOperator", "node 0 'n0' (Einsum): is not supported; the supported operators are in docs/networks.md",
       graph("Einsum", {"x"})},
      {"Advice", "node 0 'n0' (ConvTranspose): is not supported; upsample with Resize, then convolve",
       graph("ConvTranspose", {"x", "w"})},
      {"TooFewInputs", "node 0 'n0' (Conv): has 1 inputs, but takes 2 to 3", graph("Conv", {"x"})},
      {"NothingMakesIt", "node 0 'n0' (Relu): reads 'z', which nothing before it makes", graph("Relu", {"z"})},
      {"WeightsThatAreNoConstant", "node 0 'n0' (Conv): has weights that are no constant of floats",
       graph("Conv", {"x", "x"})},
      {"Groups", "node 0 'n0' (Conv): has weights for 2 of 2 input channels in 2 groups",
       graph("Conv", {"x", "w"}, {{"group", number(2)}})},
      {"Strides", "node 0 'n0' (Conv): has strides 0, but 1 to 32768 are legal",
       graph("Conv", {"x", "w"}, {{"strides", list({1, 0})}})},
      {"Pads", "node 0 'n0' (Conv): has pads -1, but 0 to 32768 are legal",
       graph("Conv", {"x", "w"}, {{"pads", list({0, -1, 0, 0})}})},
      {"AutoPad", "node 0 'n0' (Conv): has auto_pad 'MAYBE', which is unknown",
       graph("Conv", {"x", "w"}, {{"auto_pad", text("MAYBE")}})},
      {"Broadcast", "node 0 'n0' (Add): cannot combine shapes (1, 2, 4, 4) and (3)", graph("Add", {"x", "v"})},
      {"DivideByTensor", "node 0 'n0' (Div): divides by a tensor; division by constants is supported",
       graph("Div", {"w", "x"})},
      {"Transpose",
       "node 0 'n0' (Transpose): moves elements at run time (perm 0, 2, 1, 3); constants, and images between channels "
       "first and last, may be transposed",
       graph("Transpose", {"x"}, {{"perm", list({0, 2, 1, 3})}})},
      {"Perm", "node 0 'n0' (Transpose): has perm (0, 0), which is no order of 4 dimensions",
       graph("Transpose", {"x"}, {{"perm", list({0, 0})}})},
      {"ReshapeCount", "node 0 'n0' (Reshape): makes shape (1, 2) of (1, 2, 4, 4)", graph("Reshape", {"x", "i"})},
      {"Softmax", "node 0 'n0' (Softmax): is over other dimensions than channels", graph("Softmax", {"x"})},
      {"CountIncludePad",
       "node 0 'n0' (AveragePool): counts its padding (count_include_pad); average over the image only",
       graph("AveragePool", {"x"},
             {{"kernel_shape", list({2, 2})}, {"pads", list({1, 1, 1, 1})}, {"count_include_pad", number(1)}})},
      {"Mode", "node 0 'n0' (Pad): has mode 'reflect'; pad with a constant, or before the image enters the network",
       graph("Pad", {"x"}, {{"mode", text("reflect")}})},
      {"PadCount", "node 0 'n0' (Pad): has 2 pads, but 4 dimensions need 8", graph("Pad", {"x", "i"})},
      {"FoldShapes", "node 0 'n0' (Mul): combines constants of different shapes or types", graph("Mul", {"w", "v"})},
      {"FoldOverflow", "node 0 'n0' (Mul): makes no whole number of 9223372036854775807 and 9223372036854775807",
       graph("Mul", {"most", "most"})},
      {"FoldLeastByMinusOne", "node 0 'n0' (Div): makes no whole number of -9223372036854775808 and -1",
       graph("Div", {"least", "minus"})},
      {"UnsqueezeOfNothing", "node 0 'n0' (Unsqueeze): reads 'z', which nothing before it makes",
       graph("Unsqueeze", {"x", "z"})},
      {"SlopesAlongTheWidth", "node 0 'n0' (PRelu): has 4 slopes, but one for each of 4 channels is supported",
       graph("PRelu", {"x", "four"}, {}, {1, 4, 4, 4})},
      {"MeanOfEverything", "node 0 'n0' (ReduceMean): takes the mean over everything; name height and width as axes",
       graph("ReduceMean", {"x"})},
      {"KernelShape", "node 0 'n0' (Conv): has kernel_shape (3, 3), but weights of 1x1",
       graph("Conv", {"x", "w"}, {{"kernel_shape", list({3, 3})}})},
      {"ColumnAdded", "node 0 'n0' (Gemm): adds a matrix (3, 1); one value for each output is supported",
       graph("Gemm", {"x", "m", "column"}, {}, {1, 2})},
      {"AttributeNotRead", "node 0 'n0' (HardSigmoid): has attribute 'gamma', which is not read; known are alpha, beta",
       graph("HardSigmoid", {"x"}, {{"gamma", real(1)}})},
      {"AttributeOfAnotherOperator", "node 0 'n0' (Relu): has attribute 'alpha', which is not read; known are none",
       graph("Relu", {"x"}, {{"alpha", real(1)}})},
      {"AttributeOfAnotherType", "node 0 'n0' (Conv): has attribute 'strides', which is not a list of whole numbers",
       graph("Conv", {"x", "w"}, {{"strides", number(2)}})},
      {"AttributeOfAFloat", "node 0 'n0' (Conv): has attribute 'group', which is not a whole number",
       graph("Conv", {"x", "w"}, {{"group", real(2)}})},
      {"BatchNormInTraining", "node 0 'n0' (BatchNormalization): has training_mode 1, but only 0 is supported",
       graph("BatchNormalization", {"x", "v", "v", "v", "v"}, {{"training_mode", number(1)}}, {1, 3, 2, 2})},
      {"BatchNormPerElement", "node 0 'n0' (BatchNormalization): has spatial 0, but only 1 is supported",
       graph("BatchNormalization", {"x", "v", "v", "v", "v"}, {{"spatial", number(0)}}, {1, 3, 2, 2})},
      {"DropoutInTraining",
       "node 0 'n0' (Dropout): drops elements at random (training_mode); export the model for inference",
       graph("Dropout", {"x", "", "on"})},
      {"OpenSize", "input 'x': has shape (1, 2, -1, 4) with open sizes; export the model for one size",
       graph("Relu", {"x"}, {}, {1, 2, -1, 4})},
      {"Negative", "input 'x': has shape (1, 2, 0, 4), but sizes must be positive",
       graph("Relu", {"x"}, {}, {1, 2, 0, 4})},
      {"Rank", "input 'x': has 5 dimensions, but at most 4 are supported (batch, channels, height, width)",
       graph("Relu", {"x"}, {}, {1, 1, 1, 1, 1})},
  };
  for (const Refused& row : rows) EXPECT_EQ(row.graph.refusal(), row.message) << row.name;
}

TEST(OnnxNetwork, BoundsWhatASmallFileMayMakeOfConstants) {
  TestGraph g({1, 2});
  g.constant("many", numbers({65536}));
  for (int i = 0; i < 100; ++i) g.node("ConstantOfShape", {"many"}, "c" + std::to_string(i));
  g.node("Relu", {"x"}, "y");
  EXPECT_THAT(g.refusal(),
              HasSubstr("(ConstantOfShape): makes 65536 more elements of constants, but a file with these"));
}

TEST(OnnxNetwork, ChecksTheShapesThatTheFileGives) {
  TestGraph g({1, 2, 4, 4});
  g.constant("w", floats({1, 2, 1, 1}, {1, 1})).node("Conv", {"x", "w"}, "y");
  g.model.outputs = {{"y", true, true, {1, 3, 4, 4}}};
  EXPECT_EQ(g.refusal(), "node 0 'n0' (Conv): makes (1, 1, 4, 4), but the file gives 'y' shape (1, 3, 4, 4)");
  g.model.outputs = {{"y", true, true, {-1, 1, -1, 4}}};
  EXPECT_EQ(g.refusal(), "");
}

TEST(OnnxNetwork, RefusesOtherOpsetsAndDamagedFiles) {
  TestGraph g({1, 2}, 6);
  g.node("Relu", {"x"}, "y");
  EXPECT_EQ(g.refusal(), "is of opset 6, but 7 to 23 are read; export it with one of those");
  const std::string damaged = "\x08\x07\x12\xff\xff";
  const auto read = parse_network("m.onnx", as_byte_span(damaged));
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, testing::AnyOf("m.onnx: is no ONNX model: its protobuf cannot be parsed",
                                                   HasSubstr("built without ONNX")));
}

}  // namespace
}  // namespace espalier::test
