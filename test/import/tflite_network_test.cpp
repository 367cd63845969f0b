// TFLite operators as layers: what each computes, on values worked out by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ir/import/network_file.h"
#include "ir/import/tflite_graph_import.h"
#include "ir/import/tflite_operators.h"
#include "ir/network/passes/passes.h"
#include "ir/network/run_reference.h"
#include "tflite_graphs.h"

namespace espalier::test {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::Pointwise;
using Floats = std::vector<float>;

TestOption byte(unsigned field, int value) { return {field, static_cast<int8_t>(value)}; }
TestOption word(unsigned field, int32_t value) { return {field, value}; }
TestOption words(unsigned field, std::vector<int32_t> values) { return {field, std::move(values)}; }

Network imported(const TestModel& model) {
  const std::string file = tflite_file(model);
  auto network = parse_network("a.tflite", as_byte_span(file));
  EXPECT_TRUE(network) << network.error().message;
  return network ? *std::move(network) : Network();
}

Floats run(const TestModel& model, const Floats& input) {
  const auto outputs = run_reference(imported(model), {&input, 1});
  EXPECT_TRUE(outputs) << outputs.error().message;
  return outputs ? (*outputs)[0] : Floats();
}
Floats run(const TestGraph& graph, const Floats& input) { return run(graph.model(), input); }

Floats counting(size_t count) {
  Floats values(count);
  for (size_t i = 0; i < count; ++i) values[i] = static_cast<float>(i + 1);
  return values;
}

TEST(TfliteNetwork, ConvolutionWithSamePaddingStrideAndRelu6) {
  TestGraph g({1, 4, 4, 1});
  const int32_t weights = g.floats({1, 3, 3, 1}, Floats(9, 0.25f)), bias = g.floats({1}, {-10});
  g.then(3, {weights, bias}, {1, 2, 2, 1}, {byte(0, 0), word(1, 2), word(2, 2), byte(3, 3)});
  EXPECT_THAT(run(g, counting(16)), ElementsAre(3.5f, 1.25f, 6, 3.5f));  // sums 54, 45, 72, 54
}

TEST(TfliteNetwork, ConvolutionWithDilationAndGroups) {
  TestGraph g({1, 1, 3, 2});
  const int32_t weights = g.floats({2, 1, 2, 1}, {1, 10, 2, 20});
  g.then(3, {weights}, {1, 1, 1, 2}, {byte(0, 1), word(1, 1), word(2, 1), word(4, 2), word(5, 1)});
  EXPECT_THAT(run(g, {1, 2, 3, 4, 5, 6}), ElementsAre(51, 124));
}

TEST(TfliteNetwork, DepthwiseWithMultiplierAndDilation) {
  TestGraph g({1, 3, 1, 2});
  const int32_t weights = g.floats({1, 2, 1, 4}, {1, 2, 3, 4, 10, 20, 30, 40});
  g.then(4, {weights, -1}, {1, 1, 1, 4},
         {byte(0, 1), word(1, 1), word(2, 1), word(3, 2), byte(4, 0), word(5, 1), word(6, 2)});
  EXPECT_THAT(run(g, counting(6)), ElementsAre(51, 102, 186, 248));
}

TEST(TfliteNetwork, SparseWeightsBehindDensifyBecomeDense) {
  TestModel model = sparse_conv_model();
  model.inputs = {0};
  model.outputs = {4};
  model.operators[1].options = {byte(0, 0), word(1, 1), word(2, 1), byte(3, 3)};
  const Network network = imported(model);
  ASSERT_EQ(network.layers.size(), 1u);
  EXPECT_EQ(network.layers[0].name, "layer/Relu6");
  EXPECT_EQ(network.layers[0].as<Convolution>()->weights, fixture_dense());
  EXPECT_EQ(to_string(network.layers[0].activation), "relu6");
}

TEST(TfliteNetwork, HalfAndByteWeightsAreDequantised) {
  TestGraph g({1, 1, 1, 2});
  const int32_t half = g.tensor({.name = "half", .shape = {2}, .data = raw<uint16_t>({0x3c00, 0xc000}), .type = 1});
  const int32_t wide = g.tensor({.name = "wide", .shape = {2}});
  TestTensor quantised{.name = "int8", .shape = {1, 2}, .data = raw<int8_t>({3, -4}), .type = 9, .scales = {0.5f}};
  quantised.zero_points = {1};
  const int32_t byte_weights = g.tensor(quantised), x = g.last();
  g.op(6, {half}, {2});
  const int32_t bias_of_two = g.last();
  g.op(0, {x, bias_of_two}, {1, 1, 1, 2}).then(9, {byte_weights}, {1, 1});
  EXPECT_EQ(wide, 2);
  EXPECT_THAT(run(g, {1, 10}), ElementsAre(2 * 1.0f + 8 * -2.5f));
}

TEST(TfliteNetwork, FullyConnectedCutsItsInputIntoRows) {
  TestGraph flat({1, 2, 2, 1}), kept({1, 2, 2});
  flat.then(9, {flat.floats({1, 2}, {1, 10}), flat.floats({1}, {0.5f})}, {2, 1}, {byte(0, 1)});
  kept.then(9, {kept.floats({3, 2}, {1, 0, 0, 1, 1, 1})}, {1, 2, 3}, {byte(2, 1)});
  EXPECT_THAT(run(flat, {1, 2, 3, -4}), ElementsAre(21.5f, 0));
  EXPECT_THAT(run(kept, {1, 2, 3, 4}), ElementsAre(1, 2, 3, 3, 4, 7));
}

TEST(TfliteNetwork, PoolsWithTheirActivationBehind) {
  const std::vector<TestOption> two = {byte(0, 0), word(1, 2), word(2, 2), word(3, 2), word(4, 2), byte(5, 1)};
  TestGraph average({1, 3, 3, 1}), largest({1, 3, 3, 1});
  average.then(1, {}, {1, 2, 2, 1}, two);
  largest.then(17, {}, {1, 2, 2, 1}, two);
  const Floats x = {-4, 2, 3, 4, 6, 8, -7, -8, -9};
  EXPECT_THAT(run(average, x), ElementsAre(2, 5.5f, 0, 0));
  EXPECT_THAT(run(largest, x), ElementsAre(6, 8, 0, 0));
  EXPECT_EQ(imported(average.model()).layers.size(), 2u);
}

TEST(TfliteNetwork, MeanOfHeightAndWidthWithAndWithoutDimensions) {
  TestGraph kept({1, 2, 2, 2}), dropped({1, 2, 2, 2});
  kept.then(40, {kept.integers({2}, {1, 2})}, {1, 1, 1, 2}, {byte(0, 1)});
  dropped.then(40, {dropped.integers({2}, {-2, 1})}, {1, 2});
  EXPECT_THAT(run(kept, counting(8)), ElementsAre(4, 5));
  EXPECT_THAT(run(dropped, counting(8)), ElementsAre(4, 5));
}

TEST(TfliteNetwork, PadsWithZeroOrAValue) {
  TestGraph zero({1, 1, 2, 1}), value({1, 2, 1});
  zero.then(34, {zero.integers({4, 2}, {0, 0, 0, 0, 1, 0, 0, 1})}, {1, 1, 3, 2});
  value.then(60, {value.integers({3, 2}, {0, 0, 0, 1, 0, 0}), value.floats({}, {9})}, {1, 3, 1});
  EXPECT_THAT(run(zero, {1, 2}), ElementsAre(0, 0, 1, 0, 2, 0));
  EXPECT_THAT(run(value, {1, 2}), ElementsAre(1, 2, 9));
}

struct ResizeRow {
  int32_t code;
  unsigned align, half;  ///< the options' fields
  int set;               ///< which of them is set: 0 neither, 1 align_corners, 2 half_pixel_centers
  Floats wanted;
};

TEST(TfliteNetwork, ResizesByEveryRule) {
  const ResizeRow rows[] = {
      {23, 2, 3, 0, {10, 20, 30, 30}}, {23, 2, 3, 1, {10, 10 + 20.0f / 3, 10 + 40.0f / 3, 30}},
      {23, 2, 3, 2, {10, 15, 25, 30}}, {97, 0, 1, 0, {10, 10, 30, 30}},
      {97, 0, 1, 1, {10, 10, 30, 30}}, {97, 0, 1, 2, {10, 10, 30, 30}},
  };
  for (const ResizeRow& row : rows) {
    TestGraph g({1, 1, 2, 1});
    g.then(row.code, {g.integers({2}, {1, 4})}, {1, 1, 4, 1},
           {byte(row.align, row.set == 1), byte(row.half, row.set == 2)});
    EXPECT_THAT(run(g, {10, 30}), Pointwise(FloatEq(), row.wanted)) << row.code << ", " << row.set;
  }
}

TEST(TfliteNetwork, NearestNeighbourRoundsAlignedCornersAndTakesPixelCentres) {
  TestGraph corners({1, 1, 4, 1}), centres({1, 1, 4, 1});
  corners.then(97, {corners.integers({2}, {1, 3})}, {1, 1, 3, 1}, {byte(0, 1)});
  centres.then(97, {centres.integers({2}, {1, 3})}, {1, 1, 3, 1}, {byte(1, 1)});
  EXPECT_THAT(run(corners, counting(4)), ElementsAre(1, 3, 4));
  EXPECT_THAT(run(centres, counting(4)), ElementsAre(1, 3, 4));
}

TEST(TfliteNetwork, DepthToSpaceMovesNeighbouringChannelsApart) {
  TestGraph g({1, 1, 1, 8});
  g.then(5, {}, {1, 2, 2, 2}, {word(0, 2)});
  EXPECT_THAT(run(g, counting(8)), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
}

TEST(TfliteNetwork, ElementwiseOperatorsBroadcastAndActivate) {
  struct Row {
    int32_t code;
    Floats wanted;
  };
  for (const Row& row : {Row{0, {11, 0, 13, 0}}, Row{41, {0, 22, 0, 24}}, Row{18, {10, 0, 30, 0}}}) {
    TestGraph g({1, 1, 2, 2});
    g.then(row.code, {g.floats({2}, {10, -20})}, {1, 1, 2, 2}, {byte(0, 1)});
    EXPECT_THAT(run(g, {1, 2, 3, 4}), Pointwise(FloatEq(), row.wanted)) << row.code;
  }
}

TEST(TfliteNetwork, ActivationsAsOperators) {
  struct Row {
    int32_t code;
    const char* text;
  };
  const Row rows[] = {{14, "sigmoid"}, {19, "relu"},        {20, "clamp -1..1"}, {21, "relu6"},
                      {28, "tanh"},    {117, "hard_swish"}, {152, "clamp 0..1"}};
  for (const Row& row : rows) {
    TestGraph g({1, 3});
    g.then(row.code, {}, {1, 3});
    const Network network = imported(g.model());
    ASSERT_EQ(network.layers.size(), 1u);
    EXPECT_EQ(to_string(network.layers[0].activation), row.text);
  }
}

TEST(TfliteNetwork, FusedTanhAndParametersOfActivations) {
  TestGraph tanh({1, 2}), leaky({1, 2}), soft({1, 2});
  tanh.then(0, {tanh.floats({2}, {1, 1})}, {1, 2}, {byte(0, 4)});
  leaky.then(98, {}, {1, 2}, {{0, 0.25f}});
  soft.then(25, {}, {1, 2}, {{0, 2.0f}});
  EXPECT_EQ(to_string(imported(tanh.model()).layers[0].activation), "tanh");
  EXPECT_THAT(run(leaky, {-4, 4}), ElementsAre(-1, 4));
  EXPECT_THAT(run(soft, {1, 1}), ElementsAre(0.5f, 0.5f));
}

TEST(TfliteNetwork, PreluPerChannelOrForAll) {
  TestGraph channels({1, 1, 2, 2}), all({1, 1, 2, 2});
  channels.then(54, {channels.floats({1, 1, 2}, {0.5f, 2})}, {1, 1, 2, 2});
  all.then(54, {all.floats({1}, {3})}, {1, 1, 2, 2});
  EXPECT_THAT(run(channels, {-2, -2, 1, -1}), ElementsAre(-1, -4, 1, -2));
  EXPECT_THAT(run(all, {-2, -2, 1, -1}), ElementsAre(-6, -6, 1, -3));
}

TEST(TfliteNetwork, ConcatenatesAlongTheFilesOwnDimensions) {
  TestGraph g({1, 2, 2}), negative({1, 1, 2, 1});
  g.op(2, {0, g.floats({1, 1, 2}, {8, 9})}, {1, 3, 2}, {word(0, 1)});
  negative.op(2, {0, negative.floats({1, 1, 2, 1}, {8, 9})}, {1, 1, 2, 2}, {word(0, -1), byte(1, 1)});
  EXPECT_THAT(run(g, {1, 2, 3, 4}), ElementsAre(1, 2, 3, 4, 8, 9));
  EXPECT_THAT(run(negative, {-1, 2}), ElementsAre(0, 8, 2, 9));
}

TEST(TfliteNetwork, ShapesChangeByConstantOptionAndName) {
  TestGraph g({1, 2, 3, 1});
  g.then(22, {g.integers({3}, {1, -1, 2})}, {1, 3, 2}).then(22, {}, {2, 3}, {words(0, {2, 3})});
  g.then(70, {g.integers({1}, {1})}, {2, 1, 3}).then(43, {}, {2, 3}, {words(0, {-2})}).then(43, {}, {2, 3});
  EXPECT_THAT(run(g, counting(6)), Pointwise(FloatEq(), counting(6)));
  EXPECT_EQ(imported(g.model()).outputs.size(), 1u);
}

TEST(TfliteNetwork, AReshapeThatChangesNothingIsNoLayerUnlessItIsAnOutput) {
  TestGraph inside({1, 1, 1, 4}), outside({1, 1, 1, 4});
  inside.then(22, {inside.integers({2}, {1, 4})}, {1, 4}).then(19, {}, {1, 4});
  outside.then(19, {}, {1, 1, 1, 4}).then(22, {outside.integers({2}, {1, 4})}, {1, 4});
  EXPECT_EQ(imported(inside.model()).layers.size(), 1u);
  EXPECT_EQ(imported(outside.model()).layers.size(), 2u);
}

TEST(TfliteNetwork, ConstantsAreTransposedAndReshapedOnImport) {
  TestGraph g({1, 2});
  const int32_t weights = g.floats({2, 1, 3}, {1, 2, 3, 10, 20, 30}), order = g.integers({3}, {2, 1, 0}),
                shape = g.integers({2}, {3, 2});
  g.op(39, {weights, order}, {3, 1, 2}).then(22, {shape}, {3, 2});
  const int32_t matrix = g.last();
  g.op(9, {0, matrix}, {1, 3});
  EXPECT_THAT(run(g, {1, 1}), ElementsAre(11, 22, 33));
}

TEST(TfliteNetwork, TransposingOnlyOnesIsAReshape) {
  TestGraph g({1, 3, 1, 2});
  g.then(39, {g.integers({4}, {0, 2, 1, 3})}, {1, 1, 3, 2});
  EXPECT_THAT(run(g, counting(6)), Pointwise(FloatEq(), counting(6)));
}

TEST(TfliteNetwork, ASmallNetworkOfEveryFamilyRunsAndSimplifies) {
  Network network = imported(small_network_model());
  const Floats x = counting(32);
  const auto before = run_reference(network, {&x, 1});
  ASSERT_TRUE(before) << before.error().message;
  EXPECT_EQ(network.layers.size(), 14u) << to_string(network);
  const Status status = simplify(network);
  ASSERT_TRUE(status) << status.error().message;
  const auto after = run_reference(network, {&x, 1});
  EXPECT_EQ(network.layers.size(), 12u) << to_string(network);  // without pad and hard-swish
  EXPECT_THAT((*after)[0], Pointwise(FloatEq(), (*before)[0]));
}

TEST(NetworkFile, KnowsNoOtherFormat) {
  EXPECT_EQ(parse_network("a.npy", as_byte_span("\x93NUMPY..")).error().message,
            "a.npy: is of no known network format (.tflite, .onnx)");
  EXPECT_EQ(parse_network("a.tflite", as_byte_span("")).error().message,
            "a.tflite: has '' at byte 4, but a TFLite model has 'TFL3'");
  EXPECT_EQ(static_cast<int>(read_network("/nonexistent/a.tflite").error().kind), static_cast<int>(ErrorKind::kSystem));
}

/// Every operator that the tables know has its name in docs/networks.md.
TEST(NetworksDocumentation, NamesEverySupportedOperator) {
  const auto page = read_file_bytes(std::filesystem::path(ESPALIER_SOURCE_DIR) / "docs/networks.md");
  ASSERT_TRUE(page);
  for (const auto rows :
       {tflite_weight_operators(), tflite_window_operators(), tflite_elementwise_operators(), tflite_shape_operators()})
    for (const TfliteOperatorRow& row : rows) {
      TfliteOperator op;
      op.code = row.code;
      EXPECT_THAT(std::string(as_text(*page)),
                  ::testing::ContainsRegex("\n\\|[^|\n]*" + tflite_operator_name(op) + "[,| ]"));
    }
}

}  // namespace
}  // namespace espalier::test
