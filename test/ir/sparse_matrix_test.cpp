#include "ir/sparse_matrix.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

namespace espalier {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

/// One set of CSR arrays and the message it must give.
struct BadCsr {
  const char* name;
  uint32_t rows, columns;
  std::vector<uint64_t> offsets;
  std::vector<uint32_t> indices;
  std::vector<float> values;
  const char* message;
};

class BadCsrTest : public testing::TestWithParam<BadCsr> {};

TEST_P(BadCsrTest, GivesItsMessage) {
  const BadCsr& bad = GetParam();
  const auto matrix = SparseMatrix::from_csr(bad.rows, bad.columns, bad.offsets, bad.indices, bad.values);
  ASSERT_FALSE(matrix);
  EXPECT_EQ(matrix.error().kind, ErrorKind::kBadInput);
  EXPECT_EQ(matrix.error().message, bad.message);
}

const BadCsr kBadCsr[] = {
    {"FewerValuesThanIndices", 1, 4, {0, 2}, {0, 1}, {1}, "there are 1 values, but 2 column indices"},
    {"NoOffsets", 0, 4, {}, {}, {}, "row offsets have 0 entries, but 0 rows need 1"},
    {"TooFewOffsets", 2, 4, {0, 1}, {0}, {1}, "row offsets have 2 entries, but 2 rows need 3"},
    {"TooManyOffsets", 1, 4, {0, 1, 1}, {0}, {1}, "row offsets have 3 entries, but 1 rows need 2"},
    {"MostRows", 0xffffffff, 4, {0}, {}, {}, "row offsets have 1 entries, but 4294967295 rows need 4294967296"},
    {"OffsetsStartLate", 1, 4, {1, 1}, {0}, {1}, "row offsets start at 1, but must start at 0"},
    {"OffsetsDescend", 2, 4, {0, 2, 1}, {0}, {1}, "row offsets descend at row 1: 1 after 2"},
    {"OffsetsEndEarly", 1, 4, {0, 1}, {0, 1}, {1, 2}, "row offsets end at 1, but there are 2 column indices"},
    {"OffsetsEndLate",
     1,
     4,
     {0, ~uint64_t{0}},
     {0},
     {1},
     "row offsets end at 18446744073709551615, but there are 1 column indices"},
    {"OffsetLeavesArrayInTheMiddle", 2, 4, {0, 9, 1}, {0}, {1}, "row offsets descend at row 1: 1 after 9"},
    {"ColumnOutOfRange", 1, 512, {0, 1}, {512}, {1}, "row 0 has column 512, but the matrix has 512 columns (0..511)"},
    {"NoColumns", 1, 0, {0, 1}, {0}, {1}, "row 0 has column 0, but the matrix has 0 columns"},
    {"ColumnTwice", 2, 4, {0, 0, 2}, {3, 3}, {1, 2}, "row 1 has column 3 twice"},
    {"ColumnsDescend", 1, 4, {0, 2}, {3, 1}, {1, 2}, "row 0 has column 1 after column 3, but columns must ascend"},
    {"Nan", 1, 4, {0, 1}, {2}, {kNan}, "row 0, column 2 is nan, but weights must be finite"},
    {"Infinite", 1, 4, {0, 1}, {2}, {-kInf}, "row 0, column 2 is -inf, but weights must be finite"},
};

INSTANTIATE_TEST_SUITE_P(SparseMatrix, BadCsrTest, testing::ValuesIn(kBadCsr),
                         [](const auto& test) { return test.param.name; });

/// One set of triplets and the message it must give.
struct BadCoo {
  const char* name;
  uint32_t rows, columns;
  std::vector<uint32_t> row_indices, column_indices;
  std::vector<float> values;
  const char* message;
};

class BadCooTest : public testing::TestWithParam<BadCoo> {};

TEST_P(BadCooTest, GivesItsMessage) {
  const BadCoo& bad = GetParam();
  const auto matrix = SparseMatrix::from_coo(bad.rows, bad.columns, bad.row_indices, bad.column_indices, bad.values);
  ASSERT_FALSE(matrix);
  EXPECT_EQ(matrix.error().kind, ErrorKind::kBadInput);
  EXPECT_EQ(matrix.error().message, bad.message);
}

constexpr float kMost = std::numeric_limits<float>::max();
const BadCoo kBadCoo[] = {
    {"FewerRowIndices",
     2,
     2,
     {0},
     {0, 1},
     {1, 2},
     "there are 1 row indices, 2 column indices and 2 values, but the three must be equal"},
    {"FewerColumnIndices",
     2,
     2,
     {0, 1},
     {0},
     {1, 2},
     "there are 2 row indices, 1 column indices and 2 values, but the three must be equal"},
    {"FewerValues",
     2,
     2,
     {0, 1},
     {0, 1},
     {1},
     "there are 2 row indices, 2 column indices and 1 values, but the three must be equal"},
    {"RowOutOfRange", 2, 2, {0, 2}, {0, 0}, {1, 2}, "entry 1 has row 2, but the matrix has 2 rows"},
    {"ColumnOutOfRange", 2, 2, {0, 1}, {0, 7}, {1, 2}, "entry 1 has column 7, but the matrix has 2 columns"},
    {"Nan", 2, 2, {1}, {0}, {kNan}, "row 1, column 0 is nan, but weights must be finite"},
    {"SumOverflows", 1, 1, {0, 0}, {0, 0}, {kMost, kMost}, "row 0, column 0 is inf, but weights must be finite"},
};

INSTANTIATE_TEST_SUITE_P(SparseMatrix, BadCooTest, testing::ValuesIn(kBadCoo),
                         [](const auto& test) { return test.param.name; });

TEST(SparseMatrix, FromDenseRejectsAWrongCount) {
  const auto matrix = SparseMatrix::from_dense(2, 3, std::vector<float>(5, 1.0f));
  ASSERT_FALSE(matrix);
  EXPECT_EQ(matrix.error().message, "there are 5 values, but 2 x 3 need 6");
}

TEST(SparseMatrix, FromDenseMultipliesSizesIn64Bits) {
  const auto matrix = SparseMatrix::from_dense(0x10000, 0x10000, {});
  ASSERT_FALSE(matrix);
  EXPECT_EQ(matrix.error().message, "there are 0 values, but 65536 x 65536 need 4294967296");
}

TEST(SparseMatrix, FromDenseRejectsNan) {
  const auto matrix = SparseMatrix::from_dense(1, 2, std::vector<float>{0, kNan});
  ASSERT_FALSE(matrix);
  EXPECT_EQ(matrix.error().message, "row 0, column 1 is nan, but weights must be finite");
}

TEST(SparseMatrix, DefaultHasNoRowsAndNoColumns) {
  const SparseMatrix matrix;
  EXPECT_EQ(matrix.rows(), 0u);
  EXPECT_EQ(matrix.columns(), 0u);
  EXPECT_EQ(matrix.nonzeros(), 0u);
  EXPECT_EQ(matrix.sparsity(), 0);
  EXPECT_EQ(matrix, *SparseMatrix::from_csr(0, 0, {0}, {}, {}));
}

TEST(SparseMatrix, FromCsrKeepsOrderAndShape) {
  const auto matrix = *SparseMatrix::from_csr(3, 5, {0, 2, 2, 3}, {1, 4, 0}, {1.5f, -2, 3});
  EXPECT_EQ(matrix.rows(), 3u);
  EXPECT_EQ(matrix.columns(), 5u);
  EXPECT_EQ(matrix.nonzeros(), 3u);
  EXPECT_DOUBLE_EQ(matrix.sparsity(), 0.8);
  EXPECT_THAT(matrix.row_columns(0), ElementsAre(1, 4));
  EXPECT_THAT(matrix.row_columns(1), IsEmpty());
  EXPECT_THAT(matrix.row_values(2), ElementsAre(3));
}

TEST(SparseMatrix, FromCsrDropsZerosOfBothSigns) {
  const auto matrix = *SparseMatrix::from_csr(3, 4, {0, 3, 4, 6}, {0, 1, 2, 3, 0, 1}, {0.0f, 7, -0.0f, -0.0f, 8, 0.0f});
  EXPECT_THAT(matrix.row_offsets(), ElementsAre(0, 1, 1, 2));
  EXPECT_THAT(matrix.column_indices(), ElementsAre(1, 0));
  EXPECT_THAT(matrix.values(), ElementsAre(7, 8));
}

TEST(SparseMatrix, FromCsrChecksTheColumnsOfDroppedZeros) {
  const auto matrix = SparseMatrix::from_csr(1, 2, {0, 1}, {2}, {0.0f});
  ASSERT_FALSE(matrix);
  EXPECT_EQ(matrix.error().message, "row 0 has column 2, but the matrix has 2 columns (0..1)");
}

TEST(SparseMatrix, KeepsTheSmallestSubnormal) {
  const float tiny = std::numeric_limits<float>::denorm_min();
  EXPECT_THAT(SparseMatrix::from_dense(1, 2, std::vector<float>{tiny, 0})->values(), ElementsAre(tiny));
}

TEST(SparseMatrix, ShapesWithoutElementsAreLegal) {
  const auto no_rows = *SparseMatrix::from_csr(0, 7, {0}, {}, {});
  EXPECT_EQ(no_rows.rows(), 0u);
  EXPECT_EQ(no_rows.columns(), 7u);
  const auto no_columns = *SparseMatrix::from_dense(7, 0, {});
  EXPECT_EQ(no_columns.rows(), 7u);
  EXPECT_EQ(no_columns.columns(), 0u);
  EXPECT_EQ(no_columns.sparsity(), 0);
  EXPECT_THAT(no_columns.row_columns(6), IsEmpty());
  EXPECT_EQ(SparseMatrix::from_coo(7, 0, {}, {}, {})->rows(), 7u);
}

TEST(SparseMatrix, FromCooSortsAndSumsDuplicatesInTheOrderGiven) {
  // 1e8 + 1 - 1e8 is 0 in fp32, 1e8 - 1e8 + 1 is 1: the order shows.
  const std::vector<uint32_t> rows = {1, 0, 1, 1, 0, 1}, columns = {2, 3, 0, 2, 1, 2};
  const auto matrix = *SparseMatrix::from_coo(2, 4, rows, columns, std::vector<float>{1e8f, 3, 4, -1e8f, 2, 1});
  EXPECT_EQ(matrix, *SparseMatrix::from_csr(2, 4, {0, 2, 4}, {1, 3, 0, 2}, {2, 3, 4, 1}));
}

TEST(SparseMatrix, FromCooDropsDuplicatesThatCancel) {
  const std::vector<uint32_t> zeros = {0, 0};
  const auto matrix = *SparseMatrix::from_coo(1, 1, zeros, zeros, std::vector<float>{1, -1});
  EXPECT_EQ(matrix.nonzeros(), 0u);
  EXPECT_EQ(matrix.sparsity(), 1);
}

TEST(SparseMatrix, AllThreeFactoriesAgree) {
  const std::vector<float> dense = {0, 1, 0, 2, 0, 0, 0, 0, 3, 0, 4, 0};
  const auto expected = *SparseMatrix::from_csr(3, 4, {0, 2, 2, 4}, {1, 3, 0, 2}, {1, 2, 3, 4});
  EXPECT_EQ(*SparseMatrix::from_dense(3, 4, dense), expected);
  const std::vector<uint32_t> rows = {2, 0, 2, 0}, columns = {2, 3, 0, 1};
  EXPECT_EQ(*SparseMatrix::from_coo(3, 4, rows, columns, std::vector<float>{4, 2, 3, 1}), expected);
}

TEST(SparseMatrix, EqualityLooksAtShapeToo) {
  EXPECT_FALSE(*SparseMatrix::from_csr(1, 4, {0, 0}, {}, {}) == *SparseMatrix::from_csr(1, 5, {0, 0}, {}, {}));
  EXPECT_FALSE(*SparseMatrix::from_csr(1, 4, {0, 0}, {}, {}) == *SparseMatrix::from_csr(2, 4, {0, 0, 0}, {}, {}));
}

TEST(SeededRandom, NextIsSplitMix64) {
  // The reference outputs for seed 1234567 (Vigna's splitmix64.c).
  SeededRandom random(1234567);
  EXPECT_EQ(random.next(), 6457827717110365317u);
  EXPECT_EQ(random.next(), 3203168211198807973u);
  EXPECT_EQ(random.next(), 9817491932198370423u);
  EXPECT_EQ(random.next(), 4593380528125082431u);
  EXPECT_EQ(random.next(), 16408922859458223821u);
}

TEST(SeededRandom, UnitAndWeightArePinned) {
  SeededRandom random(1);
  EXPECT_EQ(random.unit(), 0x1.22145bd91204bp-1);
  EXPECT_EQ(random.unit(), 0x1.7dd71b42cb1ddp-1);
  EXPECT_EQ(random.weight(), 0x1.e24e8cp-1f);
  EXPECT_EQ(random.weight(), -0x1.c7061cp-1f);
}

TEST(SeededRandom, WeightsAreMultiplesOfTheirStepInRangeAndNeverZero) {
  SeededRandom random(7);
  int negative = 0;
  for (int i = 0; i < 10000; ++i) {
    const float weight = random.weight();
    ASSERT_NE(weight, 0.0f);
    ASSERT_LE(std::abs(weight), 1.0f);
    ASSERT_EQ(weight * 0x1p23f, std::floor(weight * 0x1p23f));
    negative += weight < 0;
  }
  EXPECT_GT(negative, 4700);
  EXPECT_LT(negative, 5300);
}

TEST(RandomSparseMatrix, DependsOnEveryArgumentAndOnNothingElse) {
  const SparseMatrix matrix = random_sparse_matrix(40, 50, 0.9, 3);
  EXPECT_EQ(matrix, random_sparse_matrix(40, 50, 0.9, 3));
  EXPECT_FALSE(matrix == random_sparse_matrix(40, 50, 0.9, 4));
  EXPECT_NEAR(matrix.sparsity(), 0.9, 0.03);
}

TEST(RandomSparseMatrix, IsPinned) {
  EXPECT_EQ(random_sparse_matrix(2, 3, 0.5, 42),
            *SparseMatrix::from_csr(2, 3, {0, 1, 3}, {0, 1, 2}, {-0x1.477f2p-2f, -0x1.bf4b4p-2f, -0x1.5c16e4p-1f}));
}

TEST(RandomSparseMatrix, SparsityZeroAndOneAreTheExtremes) {
  EXPECT_EQ(random_sparse_matrix(5, 6, 0, 1).nonzeros(), 30u);
  EXPECT_EQ(random_sparse_matrix(5, 6, 1, 1).nonzeros(), 0u);
}

}  // namespace
}  // namespace espalier
