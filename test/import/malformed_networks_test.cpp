// TFLite graphs that are damaged or beyond what is supported, each with the exact message it must give.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "ir/import/network_file.h"
#include "tflite_graphs.h"

namespace espalier::test {
namespace {

struct Malformed {
  const char* name;
  TestModel model;
  const char* message;
  ErrorKind kind = ErrorKind::kBadInput;
};

void PrintTo(const Malformed& row, std::ostream* out) { *out << row.name; }

constexpr ErrorKind kLimit = ErrorKind::kLimit, kUnsupported = ErrorKind::kUnsupported;

TestOption byte(unsigned field, int value) { return {field, static_cast<int8_t>(value)}; }
TestOption word(unsigned field, int32_t value) { return {field, value}; }

/// One operator of that code on x, with options.
TestModel one(int32_t code, std::vector<int32_t> input, std::vector<int32_t> output,
              std::vector<TestOption> options = {},
              const std::function<void(TestGraph&, std::vector<int32_t>&)>& more = {}) {
  TestGraph g(std::move(input));
  std::vector<int32_t> operands;
  if (more) more(g, operands);
  g.then(code, operands, std::move(output), std::move(options));
  return g.model();
}

/// A 1x1 convolution of 2 to 3 channels on 4x4. Tensors: 0 input, 1 weights, 2 bias, 3 output.
TestModel conv(const std::function<void(TestModel&)>& change = [](TestModel&) {}) {
  TestModel m = one(3, {1, 4, 4, 2}, {1, 4, 4, 3}, {byte(0, 1), word(1, 1), word(2, 1)},
                    [](TestGraph& g, std::vector<int32_t>& operands) {
                      operands = {g.floats({3, 1, 1, 2}, std::vector<float>(6, 1)), g.floats({3}, {1, 2, 3})};
                    });
  change(m);
  return m;
}

TestModel with_option(TestOption option) {
  return conv([&](TestModel& m) {
    auto& options = *m.operators[0].options;
    std::erase_if(options, [&](const TestOption& o) { return o.field == option.field; });
    options.push_back(std::move(option));
  });
}

TestModel with_integers(int32_t code, std::vector<int32_t> input, std::vector<int32_t> output,
                        const std::vector<int32_t>& values, std::vector<TestOption> options = {}) {
  return one(code, std::move(input), std::move(output), std::move(options),
             [&](TestGraph& g, std::vector<int32_t>& operands) {
               operands = {g.integers({static_cast<int32_t>(values.size())}, values)};
             });
}

TestModel with_floats(int32_t code, std::vector<int32_t> input, std::vector<int32_t> output,
                      const std::vector<int32_t>& shape, const std::vector<float>& values) {
  return one(code, std::move(input), std::move(output), {},
             [&](TestGraph& g, std::vector<int32_t>& operands) { operands = {g.floats(shape, values)}; });
}

std::vector<Malformed> graph_rows() {
  return {
      {"NoSubgraphOutputs", conv([](TestModel& m) { m.outputs.clear(); }),
       "a.tflite: the network has no outputs, but needs at least 1"},
      {"InputOutOfRange", conv([](TestModel& m) { m.inputs = {44}; }),
       "a.tflite: input 0: refers to tensor 44, but the subgraph has 4"},
      {"InputTwice", conv([](TestModel& m) { m.inputs = {0, 0}; }),
       "a.tflite: input 1: makes tensor 0 'x', which already has a value"},
      {"InputThatIsConstant", conv([](TestModel& m) { m.inputs = {0, 1}; }),
       "a.tflite: input 1: makes tensor 1 'constant', which already has a value"},
      {"InputOfFiveDimensions", conv([](TestModel& m) { m.tensors[0].shape = {1, 1, 4, 4, 2}; }),
       "a.tflite: input 0: has 5 dimensions, but at most 4 are supported (batch, height, width, channels)",
       kUnsupported},
      {"InputOfBytes", conv([](TestModel& m) { m.tensors[0].type = 9; }),
       "a.tflite: input 0: tensor 0 'x' has element type 9, but only 0 (float32) is computed with; export the network "
       "with float activations, weights may be fp16 or int8",
       kUnsupported},
      {"InputOfNoSize", conv([](TestModel& m) { m.tensors[0].shape[1] = -1; }),
       "a.tflite: input 0: tensor 0 'x': dimension 1 is -1, but must be at least 1"},
      {"InputOfHugeSize", conv([](TestModel& m) { m.tensors[0].shape = {1, 1 << 30, 1, 1}; }),
       "a.tflite: input 0: has shape (1, 1073741824, 1, 1), but a tensor may have at most 268435456 elements", kLimit},
      {"OutputOutOfRange", conv([](TestModel& m) { m.outputs = {-1}; }),
       "a.tflite: output 0: refers to tensor -1, but the subgraph has 4"},
      {"OutputThatNothingMakes", conv([](TestModel& m) {
         m.tensors.push_back({.name = "ghost", .shape = {1, 2}});
         m.outputs = {4};
       }),
       "a.tflite: output 0: reads tensor 4 'ghost', which nothing before it makes"},
      {"OperatorOutputOutOfRange", conv([](TestModel& m) { m.operators[0].outputs = {99}; }),
       "a.tflite: operator 0 'operator_0' (CONV_2D): refers to tensor 99, but the subgraph has 4"},
      {"OperatorOfTwoOutputs", conv([](TestModel& m) { m.operators[0].outputs = {3, 3}; }),
       "a.tflite: operator 0 'layer' (CONV_2D): has 2 outputs, but needs 1"},
      {"OperatorWithoutInputs", conv([](TestModel& m) { m.operators[0].inputs = {}; }),
       "a.tflite: operator 0 'layer' (CONV_2D): has 0 inputs, but needs at least 2"},
      {"OperatorWithTooManyInputs", conv([](TestModel& m) { m.operators[0].inputs = {0, 1, 2, 2}; }),
       "a.tflite: operator 0 'layer' (CONV_2D): has 4 inputs, but takes at most 3"},
      {"OperatorOnItsOwnOutput", conv([](TestModel& m) { m.operators[0].inputs[0] = 3; }),
       "a.tflite: operator 0 'layer' (CONV_2D): reads tensor 3 'layer', which nothing before it makes"},
      {"OperatorThatMakesAnInput", conv([](TestModel& m) {
         m.operators[0].outputs = {0};
         m.tensors[0].shape = {1, 4, 4, 2};
       }),
       "a.tflite: operator 0 'x' (CONV_2D): makes tensor 0 'x', which already has a value"},
      {"OutputOfAnotherShape", conv([](TestModel& m) { m.tensors[3].shape = {1, 4, 4, 4}; }),
       "a.tflite: operator 0 'layer' (CONV_2D): makes 1x4x4x3, but the file gives its output shape (1, 4, 4, 4)"},
      {"OutputOfBytes", conv([](TestModel& m) { m.tensors[3].type = 9; }),
       "a.tflite: operator 0 'layer' (CONV_2D): tensor 3 'layer' has element type 9, but only 0 (float32) is computed "
       "with; export the network with float activations, weights may be fp16 or int8",
       kUnsupported},
  };
}

std::vector<Malformed> unsupported_rows() {
  TestModel custom = one(32, {1, 2}, {1, 2});
  custom.operators[0].custom_code = "Detect\n";
  return {
      {"MirrorPad", one(100, {1, 2, 2, 1}, {1, 4, 4, 1}),
       "a.tflite: operator 0 'layer' (MIRROR_PAD): is not supported; pad with zeros (PAD), or mirror the image before "
       "it enters the network",
       kUnsupported},
      {"Custom", custom,
       "a.tflite: operator 0 'layer' (custom operator 'Detect\\x0a'): is not supported; docs/networks.md lists what is "
       "supported; leave the rest to the caller",
       kUnsupported},
      {"WithoutAName", one(4000, {1, 2}, {1, 2}),
       "a.tflite: operator 0 'layer' (operator code 4000): is not supported; docs/networks.md lists what is supported; "
       "leave the rest to the caller",
       kUnsupported},
      {"Division", one(42, {1, 2}, {1, 2}),
       "a.tflite: operator 0 'layer' (DIV): is not supported; multiply by the reciprocal instead", kUnsupported},
      {"DequantizeOfAComputedTensor", one(6, {1, 2}, {1, 2}),
       "a.tflite: operator 0 'layer' (DEQUANTIZE): is not supported; export the network with float activations; "
       "weights may be fp16 or int8",
       kUnsupported},
      {"TransposeAtRunTime", with_integers(39, {1, 2, 3, 1}, {1, 3, 2, 1}, {0, 2, 1, 3}),
       "a.tflite: operator 0 'layer' (TRANSPOSE): transposes (1, 2, 3, 1) to (1, 3, 2, 1) at run time; keep the "
       "network "
       "in NHWC order, constants may be transposed",
       kUnsupported},
      {"MeanOfChannels", with_integers(40, {1, 2, 2, 4}, {1, 2, 2, 1}, {3}),
       "a.tflite: operator 0 'layer' (MEAN): takes the mean of shape (1, 2, 2, 4) along dimensions (3), but only the "
       "mean of height and width is supported",
       kUnsupported},
      {"SlopesPerPixel", with_floats(54, {1, 1, 2, 2}, {1, 1, 2, 2}, {1, 2, 1}, {1, 2}),
       "a.tflite: operator 0 'layer' (PRELU): has slopes of shape (1, 2, 1), but only one for each of 2 channels, or "
       "one for all, is supported",
       kUnsupported},
      {"ShapesThatAlignAtTheEnd", with_floats(0, {1, 2, 2, 3}, {1, 2, 2, 3}, {2, 3}, {1, 2, 3, 4, 5, 6}),
       "a.tflite: operator 0 'layer' (ADD): combines shapes (1, 2, 2, 3) and (2, 3), but the shorter one must begin "
       "with 1",
       kUnsupported},
      {"FusedSignBit", with_option(byte(3, 5)),
       "a.tflite: operator 0 'layer' (CONV_2D): its fused activation is 5, but only 0 (none), 1 (relu), 2 "
       "(relu_n1_to_1), 3 (relu6) and 4 (tanh) are known",
       kUnsupported},
      {"ComputedWeights", conv([](TestModel& m) { m.operators[0].inputs[1] = 0; }),
       "a.tflite: operator 0 'layer' (CONV_2D): its weights (tensor 0) are computed at run time, but must be constant",
       kUnsupported},
      {"ShuffledMatrix",
       one(9, {1, 2}, {1, 1}, {byte(1, 1)},
           [](TestGraph& g, std::vector<int32_t>& operands) { operands = {g.floats({1, 2}, {1, 2})}; }),
       "a.tflite: operator 0 'layer' (FULLY_CONNECTED): its weights are in format 1, but only 0 (plain) is known",
       kUnsupported},
      {"ComputedShape",
       one(22, {1, 4}, {2, 2}, {},
           [](TestGraph& g, std::vector<int32_t>& operands) {
             operands = {g.tensor({.name = "shape", .shape = {2}, .type = 2})};
           }),
       "a.tflite: operator 0 'layer' (RESHAPE): shape: tensor 1 'shape': is computed at run time, but must be "
       "constant; "
       "export the network with fixed shapes",
       kUnsupported},
  };
}

std::vector<Malformed> weight_rows() {
  return {
      {"ConvolutionWithoutStride", with_option(word(1, 0)),
       "a.tflite: operator 0 'layer' (CONV_2D): stride_w is 0, but must be in 1..32768"},
      {"ConvolutionOfNegativeDilation", with_option(word(5, -2)),
       "a.tflite: operator 0 'layer' (CONV_2D): dilation_h_factor is -2, but must be in 1..32768"},
      {"ConvolutionOfOtherPadding", with_option(byte(0, 2)),
       "a.tflite: operator 0 'layer' (CONV_2D): its padding is 2, but must be 0 (SAME) or 1 (VALID)"},
      {"WeightsOfTwoDimensions", conv([](TestModel& m) { m.tensors[1].shape = {3, 2}; }),
       "a.tflite: operator 0 'layer' (CONV_2D): has weights of 2 dimensions, but must have 4"},
      {"WeightsForOtherChannels", conv([](TestModel& m) { m.tensors[1].shape = {2, 1, 1, 3}; }),
       "a.tflite: operator 0 'layer' (CONV_2D): has 2 input channels, but its weights are for 3 in each group"},
      {"WeightsWithNan", conv([](TestModel& m) { m.tensors[1].data.replace(8, 4, raw<float>({NAN})); }),
       "a.tflite: operator 0 'layer' (CONV_2D): weight 2 is nan, but must be finite"},
      {"WeightsCut", conv([](TestModel& m) { m.tensors[1].data.resize(20); }),
       "a.tflite: operator 0 'layer' (CONV_2D): weights: its buffer has 20 bytes, but shape (3, 1, 1, 2) needs 24"},
      {"WindowBeyondTheImage", conv([](TestModel& m) {
         m.tensors[1].shape = {1, 3, 1, 2};
         m.tensors[2] = {.name = "b", .shape = {1}, .data = raw<float>({0})};
         m.tensors[0].shape = {1, 2, 4, 2};
       }),
       "a.tflite: operator 0 'layer' (CONV_2D): the window reaches over 3 in height, but the padded input has 2"},
      {"OptionsLeftOut", with_floats(4, {1, 4, 4, 1}, {1, 4, 4, 1}, {1, 1, 1, 1}, {1}),
       "a.tflite: operator 0 'layer' (DEPTHWISE_CONV_2D): stride_h is 0, but must be in 1..32768"},
      {"HugeWindow", conv([](TestModel& m) {
         m.tensors[1] = {.name = "w", .shape = {1, 40000, 1, 2}, .data = raw(std::vector<float>(80000, 1))};
       }),
       "a.tflite: operator 0 'layer' (CONV_2D): has a window of 40000x1, but at most 32768 is allowed", kLimit},
      {"BiasOfAnotherLength",
       conv([](TestModel& m) { m.tensors[2] = {.name = "b", .shape = {2}, .data = raw<float>({0, 1})}; }),
       "a.tflite: operator 0 'layer' (CONV_2D): has 2 bias values, but needs 3"},
      {"ComputedBias", conv([](TestModel& m) { m.operators[0].inputs[2] = 0; }),
       "a.tflite: operator 0 'layer' (CONV_2D): bias: tensor 0 ('x') is not constant"},
      {"DepthwiseOfOtherChannels", with_floats(4, {1, 1, 1, 2}, {1, 1, 1, 3}, {1, 1, 1, 3}, {1, 2, 3}),
       "a.tflite: operator 0 'layer' (DEPTHWISE_CONV_2D): has weights of shape (1, 1, 1, 3), but must have (1, height, "
       "width, a multiple of 2 input channels)"},
      {"MatrixForAnotherInput", with_floats(9, {1, 5}, {1, 1}, {1, 2}, {1, 2}),
       "a.tflite: operator 0 'layer' (FULLY_CONNECTED): has an input of 1x1x1x5, but its weights are for 2 values"},
      {"SparseWeightsBeyondTheBudget", conv([](TestModel& m) {
         m.tensors[1] = {.name = "sparse", .shape = {1 << 14, 1, 1, 1 << 14}, .data = raw<float>({1})};
         m.tensors[1].sparsity =
             TestSparsity{{1, 2, 3, 0}, {}, {{0, 1}, {0, 1}, {1, 0, {0, 1}, {0}}, {1, 0, {0, 1}, {0}}}};
       }),
       "a.tflite: operator 0 'layer' (CONV_2D): weights: decoding 268435456 more entries or rows exceeds what a file "
       "of "
       "this size may ask for",
       kLimit},
  };
}

std::vector<Malformed> window_rows() {
  const std::vector<TestOption> pool = {byte(0, 1), word(1, 1), word(2, 1), word(3, 0), word(4, 1)};
  return {
      {"PoolWithoutWindow", one(1, {1, 2, 2, 1}, {1, 2, 2, 1}, pool),
       "a.tflite: operator 0 'layer' (AVERAGE_POOL_2D): filter_width is 0, but must be in 1..32768"},
      {"MeanOfAMissingDimension", with_integers(40, {1, 2, 2, 1}, {1, 1, 1, 1}, {4}),
       "a.tflite: operator 0 'layer' (MEAN): axes: names dimension 4, but its tensor has 4 dimensions"},
      {"PadOfTooFewValues", with_integers(34, {1, 2, 2, 1}, {1, 2, 2, 1}, {0, 0}),
       "a.tflite: operator 0 'layer' (PAD): has 2 paddings, but 4 dimensions need 8"},
      {"PadOfNegativeLines", with_integers(34, {1, 2}, {1, 2}, {0, 0, -1, 0}),
       "a.tflite: operator 0 'layer' (PAD): padding 2 is -1, but must be in 0..268435456"},
      {"PadBeyondTheLimit", with_integers(34, {1, 2}, {1, 2}, {0, 0, 1 << 28, 1}),
       "a.tflite: operator 0 'layer' (PAD): makes 268435459 channels, but a tensor may have at most 268435456 elements",
       kLimit},
      {"PaddingsOfFloats", with_floats(34, {1, 2}, {1, 2}, {4}, {0, 0, 0, 0}),
       "a.tflite: operator 0 'layer' (PAD): paddings: tensor 1 'constant': has element type 0, but must have 2 (int32) "
       "or 4 (int64)"},
      {"IntegersOfHalfAValue",
       one(34, {1, 2}, {1, 2}, {},
           [](TestGraph& g, std::vector<int32_t>& operands) {
             operands = {g.tensor({.name = "p", .shape = {4}, .data = "abc", .type = 2})};
           }),
       "a.tflite: operator 0 'layer' (PAD): paddings: tensor 1 'p': has 3 bytes, but must hold at most 64 values of 4"},
      {"PadWithTwoValues",
       one(60, {1, 2}, {1, 2}, {},
           [](TestGraph& g, std::vector<int32_t>& operands) {
             operands = {g.integers({4}, {0, 0, 0, 0}), g.floats({2}, {1, 2})};
           }),
       "a.tflite: operator 0 'layer' (PADV2): has 2 padding values, but needs 1"},
      {"ResizeToNothing", with_integers(23, {1, 2, 2, 1}, {1, 2, 2, 1}, {0, 2}),
       "a.tflite: operator 0 'layer' (RESIZE_BILINEAR): resizes to 0x2, but sizes must be in 1..268435456"},
      {"ResizeOfOneSize", with_integers(97, {1, 2, 2, 1}, {1, 2, 2, 1}, {2}),
       "a.tflite: operator 0 'layer' (RESIZE_NEAREST_NEIGHBOR): has a size of 1 values, but needs 2"},
      {"ResizeByTwoRules", with_integers(23, {1, 2, 2, 1}, {1, 2, 2, 1}, {2, 2}, {byte(2, 1), byte(3, 1)}),
       "a.tflite: operator 0 'layer' (RESIZE_BILINEAR): has both align_corners and half_pixel_centers, but they "
       "exclude "
       "each other"},
      {"ResizeBeyondTheLimit", with_integers(23, {1, 2, 2, 1}, {1, 2, 2, 1}, {1 << 20, 1 << 20}),
       "a.tflite: operator 0 'layer' (RESIZE_BILINEAR): has shape 1x1048576x1048576x1, but a tensor may have at most "
       "268435456 elements",
       kLimit},
      {"BlockOfZero", one(5, {1, 2, 2, 4}, {1, 4, 4, 1}, {word(0, 0)}),
       "a.tflite: operator 0 'layer' (DEPTH_TO_SPACE): block_size is 0, but must be in 1..32768"},
      {"BlockThatDoesNotDivide", one(5, {1, 2, 2, 5}, {1, 4, 4, 1}, {word(0, 2)}),
       "a.tflite: operator 0 'layer' (DEPTH_TO_SPACE): has 5 input channels, but they must be a multiple of its block "
       "of 2x2"},
  };
}

/// A constant of (2, 3), transposed to what the file calls (2, 3) again.
TestModel transposed_constant() {
  TestGraph g({1, 2});
  const int32_t k = g.floats({2, 3}, {1, 2, 3, 4, 5, 6}), order = g.integers({2}, {1, 0});
  g.op(39, {k, order}, {2, 3});
  return g.model();
}

std::vector<Malformed> shape_rows() {
  const auto option = [](unsigned field, std::vector<int32_t> values) { return TestOption{field, std::move(values)}; };
  return {
      {"ReshapeToAnotherCount", with_integers(22, {1, 6}, {1, 5}, {1, 5}),
       "a.tflite: operator 0 'layer' (RESHAPE): makes 1x1x1x5 of 1x1x1x6, but 5 elements are not 6"},
      {"ReshapeOfTwoOpenSizes", with_integers(22, {1, 6}, {1, 6}, {-1, -1}),
       "a.tflite: operator 0 'layer' (RESHAPE): asks for shape (-1, -1), but 6 elements do not say what -1 is"},
      {"ReshapeThatDoesNotDivide", with_integers(22, {1, 6}, {1, 6}, {4, -1}),
       "a.tflite: operator 0 'layer' (RESHAPE): asks for shape (4, -1), but 6 elements do not say what -1 is"},
      {"ReshapeToZero", with_integers(22, {1, 6}, {1, 6}, {0, 6}),
       "a.tflite: operator 0 'layer' (RESHAPE): asks for shape (0, 6), but sizes must be in 1..268435456"},
      {"ReshapeToFiveDimensions", with_integers(22, {1, 6}, {1, 6}, {1, 1, 1, 1, 6}),
       "a.tflite: operator 0 'layer' (RESHAPE): has 5 dimensions, but at most 4 are supported (batch, height, width, "
       "channels)",
       kUnsupported},
      {"SqueezeOfAMissingDimension", one(43, {1, 6}, {6}, {option(0, {2})}),
       "a.tflite: operator 0 'layer' (SQUEEZE): squeezes dimension 2, but its input has 2 dimensions"},
      {"SqueezeOfMoreThanOne", one(43, {1, 6}, {6}, {option(0, {1})}),
       "a.tflite: operator 0 'layer' (SQUEEZE): squeezes dimension 1 of size 6, but it must be 1"},
      {"ExpandBehindTheEnd", with_integers(70, {1, 6}, {1, 6, 1}, {3}),
       "a.tflite: operator 0 'layer' (EXPAND_DIMS): expands dimension 3, but its input has 2 dimensions"},
      {"ExpandOfTwoDimensions", with_integers(70, {1, 6}, {1, 6, 1}, {1, 2}),
       "a.tflite: operator 0 'layer' (EXPAND_DIMS): has 2 axes, but needs 1"},
      {"TransposeTwice", with_integers(39, {1, 6}, {6, 1}, {0, 0}),
       "a.tflite: operator 0 'layer' (TRANSPOSE): has order (0, 0), but it must name each of 2 dimensions once"},
      {"TransposedConstantOfAnotherShape", transposed_constant(),
       "a.tflite: operator 0 'layer' (TRANSPOSE): makes (3, 2), but the file gives its output shape (2, 3)"},
      {"ConcatAlongAMissingDimension", one(2, {1, 6}, {1, 6}, {word(0, 2)}),
       "a.tflite: operator 0 'layer' (CONCATENATION): names dimension 2, but its tensor has 2 dimensions"},
      {"ConcatOfOtherRanks", with_floats(2, {1, 6}, {1, 7}, {1}, {1}),
       "a.tflite: operator 0 'layer' (CONCATENATION): its inputs have 2 and 1 dimensions, but must have equally many"},
      {"AddOfOtherShapes", with_floats(0, {1, 6}, {1, 6}, {5}, {1, 2, 3, 4, 5}),
       "a.tflite: operator 0 'layer' (ADD): its inputs have shapes 1x1x1x6 and 1x1x1x5, but sizes must be equal or 1"},
      {"ConstantOfIntegers", with_integers(0, {1, 6}, {1, 6}, {1}),
       "a.tflite: operator 0 'layer' (ADD): has element type 2, but only 0 (float32), 1 (float16) and 9 (int8) are "
       "read",
       kUnsupported},
  };
}

class MalformedNetwork : public ::testing::TestWithParam<Malformed> {};

TEST_P(MalformedNetwork, IsRefused) {
  const std::string file = tflite_file(GetParam().model);
  const Result<Network> network = parse_network("a.tflite", as_byte_span(file));
  ASSERT_FALSE(network) << to_string(*network);
  EXPECT_EQ(network.error().message, GetParam().message);
  EXPECT_EQ(static_cast<int>(network.error().kind), static_cast<int>(GetParam().kind));
}

std::string row_name(const ::testing::TestParamInfo<Malformed>& row) { return row.param.name; }

INSTANTIATE_TEST_SUITE_P(Graph, MalformedNetwork, ::testing::ValuesIn(graph_rows()), row_name);
INSTANTIATE_TEST_SUITE_P(Unsupported, MalformedNetwork, ::testing::ValuesIn(unsupported_rows()), row_name);
INSTANTIATE_TEST_SUITE_P(Weights, MalformedNetwork, ::testing::ValuesIn(weight_rows()), row_name);
INSTANTIATE_TEST_SUITE_P(Windows, MalformedNetwork, ::testing::ValuesIn(window_rows()), row_name);
INSTANTIATE_TEST_SUITE_P(Shapes, MalformedNetwork, ::testing::ValuesIn(shape_rows()), row_name);

}  // namespace
}  // namespace espalier::test
