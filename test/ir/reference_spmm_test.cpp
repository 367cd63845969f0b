#include "ir/reference_spmm.h"

#include <gmock/gmock.h>

#include <cmath>

namespace espalier {
namespace {

using testing::ElementsAre;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

/// [1 0 2; 0 0 0; 0 -1 0.5] over 2 pixels, strides 3 and 4.
KernelSpec small_spec() {
  KernelSpec spec;
  spec.name = "small";
  spec.matrix = *SparseMatrix::from_dense(3, 3, std::vector<float>{1, 0, 2, 0, 0, 0, 0, -1, 0.5f});
  spec.input_stride = 3;
  spec.output_stride = 4;
  return spec;
}
const std::vector<float> kX = {1, 2, 90, 3, 4, 91, 5, 6, 92};

std::vector<float> result_of(const KernelSpec& spec, const std::vector<float>& x = kX) {
  std::vector<float> y(3 * spec.output_stride, 99);
  reference_spmm(spec, x, y, 2);
  return y;
}

TEST(ReferenceSpmm, MultipliesAndLeavesThePaddingAlone) {
  EXPECT_THAT(result_of(small_spec()), ElementsAre(11, 14, 99, 99, 0, 0, 99, 99, -0.5f, -1, 99, 99));
}

TEST(ReferenceSpmm, AddsTheBiasToEmptyRowsToo) {
  KernelSpec spec = small_spec();
  spec.bias = {1, 2, 3};
  EXPECT_THAT(result_of(spec), ElementsAre(12, 15, 99, 99, 2, 2, 99, 99, 2.5f, 2, 99, 99));
}

TEST(ReferenceSpmm, ClampsBothWays) {
  KernelSpec spec = small_spec();
  spec.clamp = {-0.75f, 12};
  EXPECT_THAT(result_of(spec), ElementsAre(11, 12, 99, 99, 0, 0, 99, 99, -0.5f, -0.75f, 99, 99));
}

TEST(ReferenceSpmm, NanBecomesTheLowerBoundElseTheUpperElseStays) {
  std::vector<float> x = kX;
  x[0] = kNan;
  KernelSpec spec = small_spec();
  EXPECT_TRUE(std::isnan(result_of(spec, x)[0]));
  spec.clamp = {-1, kInf};
  EXPECT_EQ(result_of(spec, x)[0], -1);
  spec.clamp = {-1, 6};
  EXPECT_EQ(result_of(spec, x)[0], -1);
  spec.clamp = {-kInf, 6};
  EXPECT_EQ(result_of(spec, x)[0], 6);
}

TEST(ReferenceSpmm, RoundsOnceAtTheEnd) {
  KernelSpec spec = small_spec();
  spec.matrix = *SparseMatrix::from_dense(1, 3, std::vector<float>{1, 1, 1});
  // In fp32, 1 + 2^-24 is 1 twice; in double the two halves of an ulp add up.
  const std::vector<float> x = {1, 0, 0, 0x1p-24f, 0, 0, 0x1p-24f, 0, 0};
  std::vector<float> y(4);
  reference_spmm(spec, x, y, 1);
  EXPECT_EQ(y[0], 1 + 0x1p-23f);
}

TEST(ErrorInBounds, TheReferenceItselfHasNoError) {
  KernelSpec spec = small_spec();
  spec.bias = {0.1f, 0.2f, 0.3f};
  EXPECT_EQ(error_in_bounds(spec, kX, result_of(spec), 2), 0);
}

TEST(ErrorInBounds, IsTheErrorOverFourUlpsTimesRootOfTermsTimesScale) {
  KernelSpec spec = small_spec();
  spec.bias = {0, 0, 1.5f};
  std::vector<float> y = result_of(spec);
  y[4 * 2] += 0x1p-20f;  // row 2, pixel 0: terms -3, 2.5 and 1.5, scale 7, n = 3
  EXPECT_DOUBLE_EQ(error_in_bounds(spec, kX, y, 2), 0x1p-20 / (4 * 0x1p-23 * std::sqrt(3.0) * 7));
}

TEST(ErrorInBounds, TakesTheWorstOutput) {
  const KernelSpec spec = small_spec();
  std::vector<float> y = result_of(spec);
  y[0] += 0x1p-10f;
  const double first = error_in_bounds(spec, kX, y, 2);
  y[1] += 1;
  EXPECT_GT(first, 1);
  EXPECT_GT(error_in_bounds(spec, kX, y, 2), 100 * first);
}

TEST(ErrorInBounds, AnEmptyRowMustBeExact) {
  const KernelSpec spec = small_spec();
  std::vector<float> y = result_of(spec);
  y[4] = 0x1p-149f;
  EXPECT_EQ(error_in_bounds(spec, kX, y, 2), HUGE_VAL);
}

TEST(ErrorInBounds, WrongNansAndInfinitiesAreInfiniteErrors) {
  const KernelSpec spec = small_spec();
  for (const float wrong : {kNan, kInf, -kInf}) {
    std::vector<float> y = result_of(spec);
    y[0] = wrong;
    EXPECT_EQ(error_in_bounds(spec, kX, y, 2), HUGE_VAL) << wrong;
  }
}

TEST(ErrorInBounds, RightNansAndInfinitiesAreNone) {
  const KernelSpec spec = small_spec();
  for (const float extreme : {kNan, kInf, -kInf, 3e38f}) {
    std::vector<float> x = kX;
    x[6] = extreme;  // times 2 in row 0: overflows
    EXPECT_EQ(error_in_bounds(spec, x, result_of(spec, x), 2), 0) << extreme;
  }
}

TEST(ErrorInBounds, AnInfiniteBoundDoesNotExcuseAWrongValue) {
  const KernelSpec spec = small_spec();
  std::vector<float> x = kX;
  x[6] = kInf;
  std::vector<float> y = result_of(spec, x);
  y[0] = 0;
  EXPECT_EQ(error_in_bounds(spec, x, y, 2), HUGE_VAL);
}

TEST(ErrorInBounds, LooksAtNothingOutsideThePixels) {
  const KernelSpec spec = small_spec();
  std::vector<float> y = result_of(spec);
  y[2] = y[3] = kNan;
  EXPECT_EQ(error_in_bounds(spec, kX, y, 2), 0);
}

}  // namespace
}  // namespace espalier
