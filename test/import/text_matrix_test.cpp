#include "import_test.h"
#include "tflite_files.h"

namespace espalier::test {
namespace {

using ::testing::ElementsAre;

TEST(Mtx, ReadsCoordinatesInAnyOrderWithCommentsAndCrLf) {
  const NamedMatrix m = one_matrix("w.mtx",
                                   "%%MatrixMarket MATRIX Coordinate real general\r\n% a comment\r\n\r\n2 3 3\r\n"
                                   "2 3 -1.5e1\r\n% another\r\n1 1 +2\r\n2 1 .5\r\n");
  EXPECT_THAT(dense_of(m.matrix), ElementsAre(2, 0, 0, 0.5f, 0, -15));
  EXPECT_EQ(m.name, "w");
}

TEST(Mtx, SumsEntriesOfOnePlaceAndDropsZeros) {
  const NamedMatrix m =
      one_matrix("w.mtx", "%%MatrixMarket matrix coordinate integer general\n1 2 3\n1 1 2\n1 1 3\n1 2 0\n");
  EXPECT_THAT(dense_of(m.matrix), ElementsAre(5, 0));
  EXPECT_EQ(m.matrix.nonzeros(), 1u);
}

TEST(Mtx, MirrorsSymmetricAndSkewSymmetricFiles) {
  EXPECT_THAT(
      dense_of(one_matrix("w.mtx", "%%MatrixMarket matrix coordinate real symmetric\n2 2 2\n1 1 5\n2 1 7\n").matrix),
      ElementsAre(5, 7, 7, 0));
  EXPECT_THAT(
      dense_of(one_matrix("w.mtx", "%%MatrixMarket matrix coordinate real skew-symmetric\n2 2 1\n2 1 7\n").matrix),
      ElementsAre(0, -7, 7, 0));
  EXPECT_THAT(dense_of(one_matrix("w.mtx", "%%MatrixMarket matrix array real symmetric\n2 2\n1\n2\n3\n").matrix),
              ElementsAre(1, 2, 2, 3));
  EXPECT_THAT(dense_of(one_matrix("w.mtx", "%%MatrixMarket matrix array integer skew-symmetric\n2 2\n4\n").matrix),
              ElementsAre(0, -4, 4, 0));
}

TEST(Mtx, ReadsArraysColumnByColumn) {
  EXPECT_THAT(dense_of(one_matrix("w.mtx", "%%MatrixMarket matrix array real general\n2 3\n1\n2\n3\n4\n5\n6").matrix),
              ElementsAre(1, 3, 5, 2, 4, 6));
}

TEST(Mtx, SeedsPatternsAlikeInMirroredPlaces) {
  const std::string_view bytes = "%%MatrixMarket matrix coordinate pattern symmetric\n2 2 2\n1 1\n2 1\n";
  const SparseMatrix m = one_matrix("w.mtx", bytes, {.select = "", .seed = 9, .transpose = {}}).matrix;
  SeededRandom random(9);
  const float first = random.weight(), second = random.weight();
  EXPECT_THAT(dense_of(m), ElementsAre(first, second, second, 0));
}

TEST(Mtx, AcceptsEmptyMatrices) {
  EXPECT_EQ(one_matrix("w.mtx", "%%MatrixMarket matrix coordinate real general\n3 4 0\n").matrix.rows(), 3u);
  EXPECT_EQ(one_matrix("w.mtx", "%%MatrixMarket matrix array real general\n0 4\n").matrix.columns(), 4u);
}

TEST(Mtx, ReadsWhatScipyWrote) {
  for (const char* name : {"scipy_general.mtx", "scipy_array.mtx"}) {
    const auto matrices = read_matrices(fixture(name));
    ASSERT_TRUE(matrices) << matrices.error().message;
    EXPECT_EQ(dense_of(matrices->at(0).matrix), fixture_dense()) << name;
  }
  for (const char* name : {"scipy_symmetric.mtx", "scipy_symmetric_array.mtx"})
    EXPECT_THAT(dense_of(read_matrices(fixture(name))->at(0).matrix), ElementsAre(2, 0, 1, 0, 0, 3, 1, 3, 4)) << name;
  EXPECT_THAT(dense_of(read_matrices(fixture("scipy_skew.mtx"))->at(0).matrix),
              ElementsAre(0, -2.5f, 0, 2.5f, 0, 1, 0, -1, 0));
}

TEST(Smtx, SeedsValuesInFileOrder) {
  const NamedMatrix m = one_matrix("layer.smtx", "2, 3, 3\n0 2 3\n0 2 1\n", {.select = "", .seed = 4, .transpose = {}});
  SeededRandom random(4);
  const float a = random.weight(), b = random.weight(), c = random.weight();
  EXPECT_THAT(dense_of(m.matrix), ElementsAre(a, 0, b, 0, c, 0));
  EXPECT_EQ(m.name, "layer");
}

TEST(Smtx, AcceptsAMatrixWithoutNonzeros) {
  EXPECT_EQ(one_matrix("a.smtx", "2, 3, 0\n0 0 0\n\n").matrix.rows(), 2u);
  EXPECT_EQ(one_matrix("a.smtx", "2, 3, 0\n0 0 0").matrix.columns(), 3u);
}

TEST(CIdentifier, KeepsLettersDigitsAndSingleUnderscores) {
  EXPECT_EQ(c_identifier("model_1/model/tf.nn.relu6/Relu6"), "model_1_model_tf_nn_relu6_Relu6");
  EXPECT_EQ(c_identifier("__init--x__"), "init_x");
  EXPECT_EQ(c_identifier("3x3"), "m_3x3");
  for (const char* reserved : {"while", "co_await", "x", "pixels", "exp", "espalier_kernel"})
    EXPECT_EQ(c_identifier(reserved), std::string("m_") + reserved);
  EXPECT_EQ(c_identifier("\xc3\xa9;"), "matrix");
  EXPECT_EQ(c_identifier(""), "matrix");
  EXPECT_EQ(c_identifier(std::string(500, 'a')).size(), 96u);
}

TEST(CIdentifier, NumbersRepeatedNames) {
  const std::vector<std::string> names{"a", "a", "a/2", "a_2", "a"};
  EXPECT_THAT(c_identifiers(names), ElementsAre("a", "a_2", "a_2_2", "a_2_3", "a_3"));
}

TEST(CIdentifier, LeavesTheNamesOfFunctionsFree) {
  const std::vector<std::string> names{"a", "a_run", "b_run", "b"};
  EXPECT_THAT(c_identifiers(names), ElementsAre("a", "a_run_2", "b_run", "b_2"));
}

}  // namespace
}  // namespace espalier::test
