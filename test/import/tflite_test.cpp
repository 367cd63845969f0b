#include "import_test.h"
#include "tflite_files.h"

namespace espalier::test {
namespace {

using ::testing::ElementsAre;

TEST(Tflite, ReadsASparseConvolutionWithBiasClampAndPixels) {
  const NamedMatrix m = one_matrix("m.tflite", tflite_file(sparse_conv_model()));
  EXPECT_EQ(dense_of(m.matrix), fixture_dense());
  EXPECT_EQ(m.name, "layer/Relu6");
  EXPECT_EQ(m.kind, "conv1x1");
  EXPECT_THAT(m.bias, ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(m.clamp, (Clamp{0.0f, 6.0f}));
  EXPECT_EQ(m.pixels, 35u);
}

TEST(Tflite, CountsZerosInDenseWeights) {
  const NamedMatrix m = one_matrix("m.tflite", tflite_file(dense_conv_model()));
  EXPECT_EQ(m.matrix.nonzeros(), 7u);
  EXPECT_EQ(dense_of(m.matrix), fixture_dense());
}

TEST(Tflite, FollowsDensifyThenDequantizeOfHalfPrecision) {
  TestModel model = sparse_conv_model();
  model.tensors[1].type = model.tensors[2].type = 1;
  model.tensors[1].data = raw<uint16_t>({0x3e00, 0xc000, 0x3400, 0x4200, 0xbc00, 0x4400, 0x3800});
  model.tensors.push_back({.name = "kernel_f32", .shape = {4, 1, 1, 6}});
  model.operators.insert(model.operators.begin() + 1, {.code = 6, .inputs = {2}, .outputs = {5}});
  model.operators.back().inputs = {0, 5, 3};
  EXPECT_EQ(dense_of(one_matrix("m.tflite", tflite_file(model)).matrix), fixture_dense());
}

TEST(Tflite, ReadsIndexVectorsOfAllWidths) {
  for (const uint8_t type : {uint8_t{1}, uint8_t{2}, uint8_t{3}}) {
    TestModel model = sparse_conv_model();
    TestLevel& level = model.tensors[1].sparsity->levels[3];
    level.segments_type = type;
    level.indices_type = static_cast<uint8_t>(4 - type);
    EXPECT_EQ(dense_of(one_matrix("m.tflite", tflite_file(model)).matrix), fixture_dense()) << int{type};
  }
}

TEST(Tflite, ReadsOtherTraversalOrders) {
  // Columns outside, rows compressed inside: CSC. Values go down the columns.
  TestModel model = sparse_conv_model();
  model.tensors[1].data = raw<float>({1.5f, -1, 0.25f, 4, -2, 0.5f, 3});
  model.tensors[1].sparsity =
      TestSparsity{{3, 1, 2, 0}, {}, {{0, 6}, {0, 1}, {0, 1}, {1, 0, {0, 2, 3, 4, 5, 6, 7}, {0, 3, 1, 3, 0, 3, 1}}}};
  EXPECT_EQ(dense_of(one_matrix("m.tflite", tflite_file(model)).matrix), fixture_dense());
}

TEST(Tflite, ReadsBlocks) {
  // A fully-connected 4 x 4 with blocks of 2 x 2 at block places (0, 1) and (1, 0).
  TestModel model;
  TestTensor packed{.name = "w", .shape = {4, 4}, .data = raw<float>({1, 2, 3, 4, 5, 6, 0, 8})};
  packed.sparsity = TestSparsity{{0, 1, 2, 3}, {0, 1}, {{0, 2}, {1, 0, {0, 1, 2}, {1, 0}}, {0, 2}, {0, 2}}};
  model.tensors = {
      {.name = "x", .shape = {1, 4}}, packed, {.name = "wd", .shape = {4, 4}}, {.name = "y", .shape = {3, 4}}};
  model.operators = {{.code = 124, .inputs = {1}, .outputs = {2}},
                     {.code = 9, .inputs = {0, 2, -1}, .outputs = {3}, .activation = 2}};
  const NamedMatrix m = one_matrix("m.tflite", tflite_file(model));
  EXPECT_THAT(dense_of(m.matrix), ElementsAre(0, 0, 1, 2, /**/ 0, 0, 3, 4, /**/ 5, 6, 0, 0, /**/ 0, 8, 0, 0));
  EXPECT_EQ(m.matrix.nonzeros(), 7u);
  EXPECT_EQ(m.kind, "fully_connected");
  EXPECT_EQ(m.pixels, 3u);
  EXPECT_TRUE(m.bias.empty());
  EXPECT_EQ(m.clamp, (Clamp{-1.0f, 1.0f}));
}

TEST(Tflite, ReadsBlocksThatSubdivideOneDimension) {
  // 4 x 1 blocks: four output channels share a column. The block dimension is walked last.
  TestModel model;
  TestTensor packed{.name = "w", .shape = {4, 3}, .data = raw<float>({1, 2, 3, 4, 5, 6, 7, 8})};
  packed.sparsity = TestSparsity{{0, 1, 2}, {0}, {{0, 1}, {1, 0, {0, 2}, {0, 2}}, {0, 4}}};
  model.tensors = {{.name = "x", .shape = {1, 3}}, packed, {.name = "y", .shape = {1, 4}}};
  model.operators = {{.code = 9, .inputs = {0, 1}, .outputs = {2}, .activation = 1}};
  const NamedMatrix m = one_matrix("m.tflite", tflite_file(model));
  EXPECT_THAT(dense_of(m.matrix), ElementsAre(1, 0, 5, 2, 0, 6, 3, 0, 7, 4, 0, 8));
  EXPECT_EQ(m.clamp.low, 0.0f);
  EXPECT_FALSE(m.clamp.has_high());
}

TEST(Tflite, DequantizesInt8PerChannel) {
  TestModel model = dense_conv_model();
  model.tensors[1] = {
      .name = "w", .shape = {2, 1, 1, 2}, .data = raw<int8_t>({1, 2, -3, 5}), .type = 9, .scales = {0.5f, 2.0f}};
  model.tensors[1].zero_points = {0, 5};
  model.tensors[0].shape = {1, 5, 7, 2};
  model.tensors[2] = {.name = "b", .shape = {2}, .data = raw<float>({0, 0})};
  EXPECT_THAT(dense_of(one_matrix("m.tflite", tflite_file(model)).matrix), ElementsAre(0.5f, 1, -16, 0));
}

TEST(Tflite, ListsWhatIsNoMatrix) {
  TestModel model;
  model.tensors = {{.name = "x", .shape = {1, 4, 4, 2}},
                   {.name = "dw", .shape = {1, 3, 3, 2}, .data = raw(std::vector<float>(18, 1.0f))},
                   {.name = "c3", .shape = {1, 3, 3, 2}, .data = raw(std::vector<float>(18, 0.0f))},
                   {.name = "g", .shape = {4, 1, 1, 1}, .data = raw(std::vector<float>(4, 1.0f))},
                   {.name = "s", .shape = {1, 1, 1, 2}, .data = raw(std::vector<float>(2, 1.0f))},
                   {.name = "y", .shape = {1, -1, 4, 1}}};
  model.operators = {{.code = 4, .inputs = {0, 1}, .outputs = {5}},
                     {.code = 3, .inputs = {0, 2}, .outputs = {5}},
                     {.code = 3, .inputs = {0, 3}, .outputs = {5}},
                     {.code = 3, .inputs = {0, 4}, .outputs = {5}, .stride = 2},
                     {.code = 3, .inputs = {0, 5}, .outputs = {5}}};  // computed weights: nothing to list
  const auto list = parse_weight_list("m.tflite", as_byte_span(tflite_file(model)));
  ASSERT_TRUE(list) << list.error().message;
  std::vector<std::string> kinds;
  for (const WeightListing& w : *list) kinds.push_back(w.kind);
  EXPECT_THAT(kinds, ElementsAre("depthwise", "conv", "grouped_conv", "conv1x1_strided"));
  EXPECT_EQ((*list)[0].nonzeros, 18u);
  EXPECT_EQ((*list)[1].nonzeros, 0u);
  const NamedMatrix strided = one_matrix("m.tflite", tflite_file(model), {.select = "3", .seed = 1, .transpose = {}});
  EXPECT_EQ(strided.kind, "conv1x1_strided");
  EXPECT_EQ(strided.pixels, 0u);
}

TEST(Tflite, ReadsTheHandLandmarkModel) {
  const std::filesystem::path path = shared_data("hand_landmark_sparse.tflite");
  if (path.empty()) GTEST_SKIP() << "hand_landmark_sparse.tflite is not in ESPALIER_DATA or ../shared/data";
  const auto matrices = read_matrices(path);
  ASSERT_TRUE(matrices) << matrices.error().message;
  size_t sparse = 0;
  for (const NamedMatrix& m : *matrices) {
    if (m.kind != "conv1x1") continue;
    EXPECT_NEAR(m.matrix.sparsity(), 0.8, 2e-3) << m.name;
    EXPECT_EQ(m.bias.size(), m.matrix.rows()) << m.name;
    EXPECT_NE(m.pixels, 0u) << m.name;
    ++sparse;
  }
  EXPECT_EQ(sparse, 30u);
  EXPECT_EQ(matrices->size(), 33u);
}

TEST(Tflite, ReadsAll46SparseLayersOfTheFaceModel) {
  const char* path = std::getenv("ESPALIER_FACE_MODEL");
  if (path == nullptr || !std::filesystem::exists(path))
    GTEST_SKIP() << "ESPALIER_FACE_MODEL does not name face_detection_full_range_sparse.tflite";
  const auto matrices = read_matrices(path);
  ASSERT_TRUE(matrices) << matrices.error().message;
  size_t sparse = 0;
  std::vector<std::string> names;
  for (const NamedMatrix& m : *matrices) {
    names.push_back(m.name);
    EXPECT_EQ(m.kind, "conv1x1");
    EXPECT_EQ(m.bias.size(), m.matrix.rows()) << m.name;
    if (m.matrix.sparsity() == 0) continue;
    EXPECT_NEAR(m.matrix.sparsity(), 0.7, 2e-3) << m.name;
    ++sparse;
  }
  EXPECT_EQ(sparse, 46u);
  EXPECT_EQ(matrices->size(), 48u);  // classifier and regressor are dense
  const std::vector<std::string> ids = c_identifiers(names);
  EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), ids.size());
}

}  // namespace
}  // namespace espalier::test
