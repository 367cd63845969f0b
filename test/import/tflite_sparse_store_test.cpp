// Sparse constants that we write: their bytes by the format's rules, and that reading gives the same weights back.
#include <gmock/gmock.h>

#include <algorithm>

#include "ir/export/tflite_file.h"
#include "ir/export/tflite_sparse.h"
#include "ir/import/network_file.h"
#include "ir/import/tflite_model.h"
#include "ir/import/tflite_schema.h"
#include "ir/network/zoo/zoo.h"
#include "test/support/random_network.h"

namespace espalier::test {
namespace {

namespace field = tflite_field;
using Floats = std::vector<float>;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TflitePacked packed(std::vector<int32_t> shape, const Floats& values) {
  auto result = packed_sparse(shape, values);
  EXPECT_TRUE(result);
  return result ? *std::move(result) : TflitePacked{{{}, {}, std::vector<TfliteLevelOut>(5)}, {}};
}

TEST(TfliteSparse, TheLastDimensionIsCompressed) {
  const TflitePacked p = packed({3, 1, 1, 4}, {0, 1, 0, 2, 0, 0, 0, 0, 3, 0, 0, 0});
  EXPECT_THAT(p.sparsity.traversal_order, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(p.sparsity.block_map, IsEmpty());
  EXPECT_EQ(p.sparsity.levels[0].dense_size, 3);
  EXPECT_EQ(p.sparsity.levels[1].dense_size, 1);
  EXPECT_THAT(p.sparsity.levels[3].segments, ElementsAre(0, 2, 2, 3));
  EXPECT_THAT(p.sparsity.levels[3].indices, ElementsAre(1, 3, 0));
  EXPECT_THAT(p.values, ElementsAre(1, 2, 3));
}

TEST(TfliteSparse, EveryPlaceOfAWindowHasASegment) {
  const TflitePacked p = packed({1, 1, 2, 3}, {0, 1, 0, 2, 0, 3});
  EXPECT_EQ(p.sparsity.levels[2].dense_size, 2);
  EXPECT_THAT(p.sparsity.levels[3].segments, ElementsAre(0, 1, 3));
  EXPECT_THAT(p.sparsity.levels[3].indices, ElementsAre(1, 0, 2));
}

TEST(TfliteSparse, RowsThatShareTheirZerosStandInBlocks) {
  const TflitePacked p = packed({4, 3}, {1, 0, 2,  //
                                         3, 0, 4,  //
                                         0, 5, 0,  //
                                         0, 6, 0});
  EXPECT_THAT(p.sparsity.traversal_order, ElementsAre(0, 1, 2));
  EXPECT_THAT(p.sparsity.block_map, ElementsAre(0));
  EXPECT_EQ(p.sparsity.levels[0].dense_size, 2);
  EXPECT_THAT(p.sparsity.levels[1].segments, ElementsAre(0, 2, 3));
  EXPECT_THAT(p.sparsity.levels[1].indices, ElementsAre(0, 2, 1));
  EXPECT_EQ(p.sparsity.levels[2].dense_size, 2);
  EXPECT_THAT(p.values, ElementsAre(1, 3, 2, 4, 5, 6));
}

TEST(TfliteSparse, BlocksAreAsLargeAsTheRowsAllow) {
  const auto block_of = [](int32_t rows) {
    Floats values;
    for (int32_t r = 0; r < rows; ++r) values.insert(values.end(), {0, 1});
    const TflitePacked p = packed({rows, 2}, values);
    return p.sparsity.block_map.empty() ? 1 : p.sparsity.levels[2].dense_size;
  };
  EXPECT_EQ(block_of(16), 8);
  EXPECT_EQ(block_of(12), 4);
  EXPECT_EQ(block_of(6), 2);
  EXPECT_EQ(block_of(3), 1);
}

TEST(TfliteSparse, WhatIsHardlySparseOrAllZeroStaysDense) {
  EXPECT_FALSE(packed_sparse(std::vector<int32_t>{2, 2}, Floats{1, 2, 0, 4}));
  EXPECT_TRUE(packed_sparse(std::vector<int32_t>{2, 2}, Floats{1, 0, 0, 4}));
  EXPECT_FALSE(packed_sparse(std::vector<int32_t>{2, 2}, Floats(4)));
}

Network parsed(std::string_view bytes) {
  auto network = parse_network("a.tflite", as_byte_span(bytes));
  EXPECT_TRUE(network) << network.error().message;
  return network ? *std::move(network) : Network();
}

const Floats* weights_of(const Layer& layer) {
  if (const auto* c = layer.as<Convolution>()) return &c->weights;
  const auto* f = layer.as<FullyConnected>();
  return f ? &f->weights : nullptr;
}

void expect_same_weights(const Network& a, const Network& b) {
  ASSERT_EQ(a.layers.size(), b.layers.size());
  for (size_t i = 0; i < a.layers.size(); ++i) {
    EXPECT_EQ(to_string(a, a.layers[i]), to_string(b, b.layers[i]));
    const Floats *wanted = weights_of(a.layers[i]), *got = weights_of(b.layers[i]);
    ASSERT_EQ(wanted == nullptr, got == nullptr);
    if (wanted == nullptr) continue;
    EXPECT_EQ(*wanted, *got) << a.layers[i].name;
  }
}

TEST(TfliteSparse, EveryModelOfTheZooComesBackAsItWas) {
  for (const ZooModel& entry : zoo_models())
    for (const uint32_t block : {1u, 2u, 4u}) {
      const auto network = zoo_network(entry.name, {.width = 0.25, .sparsity = 0.8, .block = block, .size = 32});
      ASSERT_TRUE(network) << network.error().message;
      const auto dense = tflite_bytes(*network), sparse = tflite_bytes(*network, WeightStore::kSparse);
      ASSERT_TRUE(dense && sparse);
      SCOPED_TRACE(fmt::format("{} in blocks of {}", entry.name, block));
      EXPECT_LT(sparse->size(), dense->size());
      expect_same_weights(parsed(*dense), parsed(*sparse));
    }
}

/// One 1x1 convolution of that many channels, `sparsity` of its weights zero.
Network one_convolution(uint32_t outputs, uint32_t inputs, double sparsity) {
  Network network;
  const TensorId x = add_input(network, "x", {1, 1, 1, inputs});
  Convolution c;
  c.output_channels = outputs;
  c.weights = random_input(size_t{outputs} * inputs, 3);
  SeededRandom random(5);
  for (float& weight : c.weights)
    if (random.unit() < sparsity) weight = 0;
  const auto y = add_layer(network, "conv", std::move(c), {x});
  EXPECT_TRUE(y) << y.error().message;
  if (y) network.outputs = {*y};
  return network;
}

struct Widths {
  uint8_t segments, indices;
  bool operator==(const Widths&) const = default;
};

/// The types of the only sparse tensor's index vectors, which a DENSIFY must read.
Widths widths_in(std::string_view bytes) {
  const auto model = parse_tflite(as_byte_span(bytes));
  EXPECT_TRUE(model) << model.error().message;
  if (!model) return {};
  const TfliteGraph& graph = model->graphs[0];
  EXPECT_EQ(graph.operators[0].code, kTfliteDensify);
  const TfliteTensor* tensor = graph.find(graph.operators[0].input(0));
  if (tensor == nullptr || !tensor->sparsity.present()) return {};
  const FlatTable level = tensor->sparsity.tables(field::kDimMetadata, "levels")[3];
  return {level.scalar<uint8_t>(field::kSegmentsType, 0, "a type"),
          level.scalar<uint8_t>(field::kIndicesType, 0, "a type")};
}

TEST(TfliteSparse, IndicesAreAsNarrowAsTheyMayBe) {
  constexpr uint8_t kInt32 = 1, kUint16 = 2, kUint8 = 3;
  const struct {
    uint32_t outputs, inputs;
    double sparsity;
    Widths widths;
  } rows[] = {{9, 20, 0.5, {kUint8, kUint8}},
              {40, 256, 0.5, {kUint16, kUint8}},
              {3, 300, 0.9, {kUint8, kUint16}},
              {600, 256, 0.5, {kInt32, kUint8}},
              {2, 70000, 0.9, {kUint16, kInt32}}};
  for (const auto& row : rows) {
    const Network network = one_convolution(row.outputs, row.inputs, row.sparsity);
    const auto bytes = tflite_bytes(network, WeightStore::kSparse);
    ASSERT_TRUE(bytes) << bytes.error().message;
    EXPECT_EQ(widths_in(*bytes), row.widths) << row.outputs << " x " << row.inputs;
    expect_same_weights(parsed(*tflite_bytes(network)), parsed(*bytes));
  }
}

TEST(TfliteSparse, DepthwiseWeightsAndHardlySparseOnesStayDense) {
  const auto network = zoo_network("mobilenet_v1", {.width = 0.25, .sparsity = 0.1, .size = 32});
  ASSERT_TRUE(network);
  EXPECT_EQ(*tflite_bytes(*network), *tflite_bytes(*network, WeightStore::kSparse));
}

TEST(TfliteSparse, TheSameNetworkGivesTheSameBytes) {
  const auto network = zoo_network("mobilenet_v1", {.width = 0.25, .block = 4, .size = 32});
  ASSERT_TRUE(network);
  EXPECT_EQ(*tflite_bytes(*network, WeightStore::kSparse), *tflite_bytes(*network, WeightStore::kSparse));
}

}  // namespace
}  // namespace espalier::test
