// Graphs that break a rule, each with the message it must give.
#include <cmath>
#include <functional>

#include "network_test.h"

namespace espalier::test {
namespace {

/// %0 x 1x4x4x2 -> %1 conv 1x4x4x3 (relu), with weights of 1.
Network good() {
  Network network;
  network.name = "good";
  Convolution c;
  c.output_channels = 3;
  c.weights = Floats(6, 1);
  c.bias = Floats(3, 0);
  const TensorId x = add_input(network, "x", {1, 4, 4, 2});
  network.outputs = {added(network, "conv", c, {x}, Activation::relu())};
  return network;
}

/// good() with another operation, and the shape of its output as given.
Network with(Operation operation, const Shape& output = {1, 4, 4, 2}) {
  Network network = good();
  network.layers[0].operation = std::move(operation);
  network.layers[0].activation = {};
  network.tensors[1].shape = output;
  return network;
}

Convolution convolution(const std::function<void(Convolution&)>& change) {
  Convolution c = *good().layers[0].as<Convolution>();
  change(c);
  return c;
}

Network changed(const std::function<void(Network&)>& change) {
  Network network = good();
  change(network);
  return network;
}

struct Row {
  const char* name;
  Network network;
  const char* message;
  ErrorKind kind = ErrorKind::kBadInput;
};

constexpr ErrorKind kLimit = ErrorKind::kLimit;

std::vector<Row> graph_rows() {
  return {
      {"NoOutputs", changed([](Network& n) { n.outputs.clear(); }), "the network has no outputs, but needs at least 1"},
      {"OutputOutOfRange", changed([](Network& n) { n.outputs = {7}; }),
       "output: refers to tensor 7, but the network has 2"},
      {"OutputThatNothingMakes", changed([](Network& n) { n.layers.clear(); }),
       "output: reads tensor 1 'conv', which nothing before it makes"},
      {"InputOutOfRange", changed([](Network& n) { n.inputs = {9}; }),
       "input: refers to tensor 9, but the network has 2"},
      {"InputTwice", changed([](Network& n) { n.inputs = {0, 0}; }),
       "input: makes tensor 0 'x', which already has a value"},
      {"ReadOutOfRange", changed([](Network& n) { n.layers[0].inputs = {5}; }),
       "layer 0 'conv' (convolution): refers to tensor 5, but the network has 2"},
      {"ReadBeforeItIsMade", changed([](Network& n) { n.inputs.clear(); }),
       "layer 0 'conv' (convolution): reads tensor 0 'x', which nothing before it makes"},
      {"MadeTwice", changed([](Network& n) { n.layers.push_back(n.layers[0]); }),
       "layer 1 'conv' (convolution): makes tensor 1 'conv', which already has a value"},
      {"MakesAConstant", changed([](Network& n) { n.tensors[1].data = Floats(48, 1); }),
       "layer 0 'conv' (convolution): makes tensor 1 'conv', which already has a value"},
      {"AnotherShape", changed([](Network& n) { n.tensors[1].shape.c = 4; }),
       "layer 0 'conv' (convolution): makes 1x4x4x3, but its output tensor 'conv' has shape 1x4x4x4"},
      {"ASizeOfZero", changed([](Network& n) { n.tensors[0].shape.w = 0; }),
       "tensor 0 'x': has shape 1x4x0x2, but every size must be at least 1"},
      {"TooManyElements", changed([](Network& n) { n.tensors[0].shape = {1u << 31, 1u << 31, 1u << 31, 2}; }),
       "tensor 0 'x': has shape 2147483648x2147483648x2147483648x2, but a tensor may have at most 268435456 elements",
       kLimit},
      {"TooManyElementsTogether",
       changed([](Network& n) { n.tensors.resize(11, {"big", {1, 1 << 14, 1 << 14, 1}, {}}); }),
       "its tensors have 2147483728 elements or more, but at most 2147483648 are allowed", kLimit},
      {"ConstantOfAnotherLength", changed([](Network& n) { n.tensors.push_back({"k", {1, 1, 1, 3}, {1, 2}}); }),
       "tensor 2 'k': has 2 values, but shape 1x1x1x3 needs 3"},
      {"ConstantNotFinite", changed([](Network& n) { n.tensors.push_back({"k", {1, 1, 1, 2}, {1, NAN}}); }),
       "tensor 2 'k': value 1 is nan, but must be finite"},
  };
}

std::vector<Row> weight_rows() {
  return {
      {"WeightsOfAnotherLength", with(convolution([](auto& c) { c.weights.pop_back(); })),
       "layer 0 'conv' (convolution): has 5 weights, but shape 3x1x1x2 needs 6"},
      {"WeightNotFinite", with(convolution([](auto& c) { c.weights[4] = HUGE_VALF; })),
       "layer 0 'conv' (convolution): weight 4 is inf, but must be finite"},
      {"BiasOfAnotherLength", with(convolution([](auto& c) { c.bias.push_back(1); })),
       "layer 0 'conv' (convolution): has 4 bias values, but needs 3"},
      {"BiasNotFinite", with(convolution([](auto& c) { c.bias[2] = NAN; })),
       "layer 0 'conv' (convolution): bias 2 is nan, but must be finite"},
      {"NoGroups", with(convolution([](auto& c) { c.groups = 0; })),
       "layer 0 'conv' (convolution): has 0 groups, which do not divide its 2 input channels"},
      {"GroupsThatDoNotDivideInputs", with(convolution([](auto& c) { c.groups = 3; })),
       "layer 0 'conv' (convolution): has 3 groups, which do not divide its 2 input channels"},
      {"GroupsThatDoNotDivideOutputs", with(convolution([](auto& c) { c.groups = 2; })),
       "layer 0 'conv' (convolution): has 3 output channels, but they must be a multiple of its 2 groups"},
      {"NoOutputChannels", with(convolution([](auto& c) { c.output_channels = 0; })),
       "layer 0 'conv' (convolution): has 0 output channels, but they must be a multiple of its 1 groups"},
      {"NoWindow", with(convolution([](auto& c) { c.window.width = 0; })),
       "layer 0 'conv' (convolution): window of 0 in width, but it must be at least 1"},
      {"NoStride", with(convolution([](auto& c) { c.window.stride_height = 0; })),
       "layer 0 'conv' (convolution): stride of 0 in height, but it must be at least 1"},
      {"NoDilation", with(convolution([](auto& c) { c.window.dilation_width = 0; })),
       "layer 0 'conv' (convolution): dilation of 0 in width, but it must be at least 1"},
      {"HugePadding", with(convolution([](auto& c) { c.window.padding.bottom = 40000; })),
       "layer 0 'conv' (convolution): padding of 40000 in height, but at most 32768 is allowed", kLimit},
      {"WindowBeyondTheImage", with(convolution([](auto& c) { c.window = {3, 3, 1, 1, 1, 2, {0, 0, 0, 0}}; })),
       "layer 0 'conv' (convolution): the window reaches over 5 in width, but the padded input has 4"},
      {"MatrixOfAnotherSize", with(FullyConnected{3, Floats(5, 1), {}}),
       "layer 0 'conv' (fully_connected): has 5 weights, but 3x2 needs 6"},
      {"NoFeatures", with(FullyConnected{}),
       "layer 0 'conv' (fully_connected): has shape 1x4x4x0, but every size must be at least 1"},
      {"BatchNormOfAnotherLength", with(BatchNorm{{1, 1}, {0, 0}, {0}, {1, 1}, 0}),
       "layer 0 'conv' (batch_norm): has 1 mean values, but needs 2"},
      {"BatchNormWithoutVariance", with(BatchNorm{{1, 1}, {0, 0}, {0, 0}, {1, -1}, 0.5f}),
       "layer 0 'conv' (batch_norm): variance 1 is -1, with epsilon 0.5, but their sum must be positive"},
      {"SlopesOfAnotherLength", with(Prelu{{1}}), "layer 0 'conv' (prelu): has 1 slope values, but needs 2"},
  };
}

std::vector<Row> rule_rows() {
  Network two = good();
  const TensorId k = add_constant(two, "k", {1, 4, 3, 3}, Floats(36, 1));
  two.layers.push_back({"sum", Binary{}, {1, k}, 1, {}});
  Network joined = two;
  joined.layers[1].operation = Concat{Axis::kChannel};
  const Window pooled{2, 2, 1, 1, 1, 1, {0, 2, 0, 0}};
  Network unary = with(Unary{}), active = with(Mean{}), clamped = good();
  active.layers[0].activation = Activation::relu();
  clamped.layers[0].activation = Activation::clamped(1, 0);
  return {
      {"TooManyInputs", changed([](Network& n) { n.layers[0].inputs = {0, 0}; }),
       "layer 0 'conv' (convolution): has 2 inputs, but needs 1"},
      {"NoInputs", changed([](Network& n) {
         n.layers[0].operation = Concat{};
         n.layers[0].inputs = {};
       }),
       "layer 0 'conv' (concat): has no inputs, but needs at least 1"},
      {"ShapesThatDoNotFit", two,
       "layer 1 'sum' (add): its inputs have shapes 1x4x4x3 and 1x4x3x3, but sizes must be equal or 1"},
      {"JoinedShapesThatDoNotFit", joined,
       "layer 1 'sum' (concat): its inputs have shapes 1x4x4x3 and 1x4x3x3, but they may differ in channels only"},
      {"PoolPaddedByItsWindow", with(Pool{PoolKind::kMax, pooled}),
       "layer 0 'conv' (max_pool): has padding 2 in width, but a pool's must stay below its window of 2"},
      {"DilatedPool", with(Pool{PoolKind::kAverage, {2, 2, 1, 1, 2, 1, {}}}),
       "layer 0 'conv' (average_pool): has dilation 2x1, but a pool has none"},
      {"BlockThatDoesNotDivide", with(DepthToSpace{2}),
       "layer 0 'conv' (depth_to_space): has 2 input channels, but they must be a multiple of its block of 2x2"},
      {"BlockOfZero", with(DepthToSpace{0}),
       "layer 0 'conv' (depth_to_space): has 2 input channels, but they must be a multiple of its block of 0x0"},
      {"ReshapedToAnotherCount", with(Reshape{{1, 1, 1, 31}, false}),
       "layer 0 'conv' (reshape): makes 1x1x1x31 of 1x4x4x2, but 31 elements are not 32"},
      {"ResizedToNothing", with(Resize{}, {1, 4, 4, 2}),
       "layer 0 'conv' (resize_bilinear): makes 1x1x1x2, but its output tensor 'conv' has shape 1x4x4x2"},
      {"BilinearWithRounding",
       with(Resize{ResizeKind::kBilinear, ResizeCoordinates::kHalfPixel, ResizeRounding::kHalfUp, 4, 4}),
       "layer 0 'conv' (resize_bilinear): is bilinear, but has a rounding"},
      {"PaddedBeyondTheLimit", with(Pad{{0, 1u << 31, 0, 0}, {0, 1u << 31, 0, 0}, 0}),
       "layer 0 'conv' (pad): makes 4294967300 height, but a tensor may have at most 268435456 elements", kLimit},
      {"PaddedWithNan", with(Pad{{}, {}, NAN}), "layer 0 'conv' (pad): padding value 0 is nan, but must be finite"},
      {"SoftmaxOfNan", with(Softmax{NAN}), "layer 0 'conv' (softmax): beta 0 is nan, but must be finite"},
      {"UnaryWithoutFunction", unary, "layer 0 'conv' (activation): is an activation, but has none"},
      {"ActivationWhereNoneGoes", active,
       "layer 0 'conv' (mean): has activation relu, but a layer of kind mean takes none"},
      {"ClampInDisorder", clamped,
       "layer 0 'conv' (convolution): its clamp goes from 1 to 0, but the lower bound must not exceed the upper"},
  };
}

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class BrokenNetwork : public ::testing::TestWithParam<Row> {};

TEST_P(BrokenNetwork, IsRefused) {
  const Status status = verify(GetParam().network);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, GetParam().message);
  EXPECT_EQ(static_cast<int>(status.error().kind), static_cast<int>(GetParam().kind));
}

std::string row_name(const ::testing::TestParamInfo<Row>& row) { return row.param.name; }
INSTANTIATE_TEST_SUITE_P(Graph, BrokenNetwork, ::testing::ValuesIn(graph_rows()), row_name);
INSTANTIATE_TEST_SUITE_P(Weights, BrokenNetwork, ::testing::ValuesIn(weight_rows()), row_name);
INSTANTIATE_TEST_SUITE_P(Rules, BrokenNetwork, ::testing::ValuesIn(rule_rows()), row_name);

TEST(Verify, AcceptsTheNetworkThatTheTableBreaks) {
  const Status status = verify(good());
  EXPECT_TRUE(status) << status.error().message;
}

TEST(AddLayer, RefusesWhatVerifyWould) {
  Network network = good();
  EXPECT_EQ(add_layer(network, "y", Mean{}, {9}).error().message, "reads tensor 9, but the network has 2");
  EXPECT_EQ(add_layer(network, "y", Prelu{{1}}, {1}).error().message, "has 1 slope values, but needs 3");
  EXPECT_EQ(add_layer(network, "y", Unary{}, {1}).error().message, "is an activation, but has none");
  EXPECT_EQ(network.layers.size(), 1u);
  EXPECT_EQ(network.tensors.size(), 2u);
}

TEST(RunReference, RefusesInputsThatDoNotFit) {
  EXPECT_EQ(run_reference(good(), {}).error().message, "0 inputs are given, but the network has 1");
  const Floats few(3);
  EXPECT_EQ(run_reference(good(), {&few, 1}).error().message, "input 'x' has 3 values, but shape 1x4x4x2 needs 32");
}

}  // namespace
}  // namespace espalier::test
