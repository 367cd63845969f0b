#include "ir/kernel_spec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace espalier {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

KernelSpec good_spec() {
  KernelSpec spec;
  spec.name = "conv_3";
  spec.matrix = random_sparse_matrix(4, 6, 0.5, 1);
  spec.bias = {1, 2, 3, 4};
  spec.clamp = {0, 6};
  spec.pixels = 49;
  spec.input_stride = 64;
  spec.output_stride = 49;
  return spec;
}

/// One change that makes the good specification bad.
struct BadSpec {
  const char* name;
  std::function<void(KernelSpec&)> spoil;
  ErrorKind kind;
  const char* message;
};

class BadSpecTest : public testing::TestWithParam<BadSpec> {};

TEST_P(BadSpecTest, GivesItsMessage) {
  KernelSpec spec = good_spec();
  GetParam().spoil(spec);
  const auto result = validated(std::move(spec));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, GetParam().kind);
  EXPECT_EQ(result.error().message, GetParam().message);
}

constexpr ErrorKind kBad = ErrorKind::kBadInput;
const BadSpec kBadSpecs[] = {
    {"NoName", [](KernelSpec& s) { s.name = ""; }, kBad, "kernel name '' is not a C identifier"},
    {"NameStartsWithDigit", [](KernelSpec& s) { s.name = "3x3"; }, kBad, "kernel name '3x3' is not a C identifier"},
    {"NameHasDash", [](KernelSpec& s) { s.name = "conv-3"; }, kBad, "kernel name 'conv-3' is not a C identifier"},
    {"NameIsNotAscii", [](KernelSpec& s) { s.name = "f\xc3\xa4hre"; }, kBad,
     "kernel name 'f\xc3\xa4hre' is not a C identifier"},
    {"NameIsAKeyword", [](KernelSpec& s) { s.name = "while"; }, kBad,
     "kernel name 'while' is reserved in C or C++, but emitted headers declare it"},
    {"NameIsAParameter", [](KernelSpec& s) { s.name = "pixels"; }, kBad,
     "kernel name 'pixels' is reserved in C or C++, but emitted headers declare it"},
    {"NoPixels", [](KernelSpec& s) { s.pixels = 0; }, kBad, "kernel conv_3: pixels is 0, but must be at least 1"},
    {"ShortBias", [](KernelSpec& s) { s.bias.pop_back(); }, kBad,
     "kernel conv_3: bias has 3 values, but the matrix has 4 rows"},
    {"NanBias", [](KernelSpec& s) { s.bias[2] = kNan; }, kBad, "kernel conv_3: bias 2 is nan, but must be finite"},
    {"InfiniteBias", [](KernelSpec& s) { s.bias[0] = kInf; }, kBad, "kernel conv_3: bias 0 is inf, but must be finite"},
    {"ClampUpsideDown", [](KernelSpec& s) { s.clamp = {6, 0}; }, kBad,
     "kernel conv_3: clamp low 6 must not be above clamp high 0"},
    {"NanClampLow", [](KernelSpec& s) { s.clamp.low = kNan; }, kBad,
     "kernel conv_3: clamp low nan must not be above clamp high 6"},
    {"NanClampHigh", [](KernelSpec& s) { s.clamp.high = kNan; }, kBad,
     "kernel conv_3: clamp low 0 must not be above clamp high nan"},
    {"NoInputStride", [](KernelSpec& s) { s.input_stride = 0; }, kBad,
     "kernel conv_3: input stride is 0, but must be at least 1"},
    {"NoOutputStride", [](KernelSpec& s) { s.output_stride = 0; }, kBad,
     "kernel conv_3: output stride is 0, but must be at least 1"},
    {"InputStrideBelowPixels", [](KernelSpec& s) { s.input_stride = 48; }, kBad,
     "kernel conv_3: input stride is 48, but there are 49 pixels"},
    {"OutputStrideBelowPixels", [](KernelSpec& s) { s.output_stride = 48; }, kBad,
     "kernel conv_3: output stride is 48, but there are 49 pixels"},
    {"InputTooLarge", [](KernelSpec& s) { s.input_stride = 0xffffffff; }, ErrorKind::kLimit,
     "kernel conv_3: input buffer has 6 x 4294967295 elements, but the limit is 536870911"},
    {"OutputTooLarge", [](KernelSpec& s) { s.output_stride = 1u << 27; }, ErrorKind::kLimit,
     "kernel conv_3: output buffer has 4 x 134217728 elements, but the limit is 536870911"},
};

INSTANTIATE_TEST_SUITE_P(KernelSpec, BadSpecTest, testing::ValuesIn(kBadSpecs),
                         [](const auto& test) { return test.param.name; });

TEST(KernelSpec, GoodSpecPassesUnchanged) {
  const auto spec = *validated(good_spec());
  EXPECT_EQ(spec.name, "conv_3");
  EXPECT_EQ(spec.bias, good_spec().bias);
  EXPECT_EQ(spec.matrix, good_spec().matrix);
  EXPECT_EQ(spec.pixels, 49u);
}

TEST(KernelSpec, TheLargestLegalBufferPasses) {
  KernelSpec spec = good_spec();
  spec.output_stride = (1u << 27) - 1;  // 4 rows of it stay 4 elements below 2^29
  EXPECT_TRUE(validated(spec));
}

TEST(KernelSpec, ClampBoundsOfMinusZeroBecomePlusZero) {
  KernelSpec spec = good_spec();
  spec.clamp = {-0.0f, -0.0f};
  const auto result = *validated(spec);
  EXPECT_FALSE(std::signbit(result.clamp.low));
  EXPECT_FALSE(std::signbit(result.clamp.high));
}

TEST(KernelSpec, MatrixWithoutRowsOrColumnsPasses) {
  for (const auto& [rows, columns] : {std::pair{0u, 5u}, {5u, 0u}, {0u, 0u}}) {
    KernelSpec spec = good_spec();
    spec.matrix = random_sparse_matrix(rows, columns, 0, 1);
    spec.bias.clear();
    EXPECT_TRUE(validated(spec)) << rows << " x " << columns;
  }
}

TEST(KernelSpec, MaxPixelsIsTheSmallerStrideWhenLeftToRunTime) {
  KernelSpec spec = good_spec();
  EXPECT_EQ(spec.max_pixels(), 49u);
  spec.pixels.reset();
  spec.output_stride = 52;
  EXPECT_EQ(spec.max_pixels(), 52u);
  spec.input_stride = 50;
  EXPECT_EQ(spec.max_pixels(), 50u);
}

TEST(KernelSpec, ClampKnowsWhichBoundsItHas) {
  EXPECT_FALSE(Clamp{}.has_low() || Clamp{}.has_high());
  const Clamp relu{0, kInf}, relu6{0, 6};
  EXPECT_TRUE(relu.has_low() && !relu.has_high());
  EXPECT_TRUE(relu6.has_low() && relu6.has_high());
}

TEST(KernelSpec, CIdentifiersAreLettersDigitsAndUnderscores) {
  for (const char* good : {"a", "_", "Z9", "conv_1x1"}) EXPECT_TRUE(is_c_identifier(good)) << good;
  for (const char* bad : {"", "1", "a b", "a.b", "a\n", "$a"}) EXPECT_FALSE(is_c_identifier(bad)) << bad;
}

TEST(RecommendedStride, IsAnOddNumberOfWholeLinesThatHoldsThePixels) {
  for (uint32_t pixels = 1; pixels < 5000; ++pixels) {
    const uint32_t stride = recommended_stride(pixels);
    EXPECT_GE(stride, pixels);
    EXPECT_LT(stride, pixels + 32);
    EXPECT_EQ(stride % 32, 16u) << pixels;
  }
}

TEST(RecommendedStride, OfShortRowsIsWholeHalvesOfLinesThatSpreadOverTheSets) {
  for (uint32_t pixels = 1; pixels <= 1024; ++pixels) {
    const uint32_t stride = recommended_stride(pixels, 8);
    EXPECT_GE(stride, pixels);
    EXPECT_LT(stride, pixels + 16);
    EXPECT_EQ(stride % 8, 0u) << pixels;
    EXPECT_NE(stride % 32, 0u) << pixels;
    EXPECT_LE(stride, recommended_stride(pixels)) << pixels;
  }
  EXPECT_EQ(recommended_stride(1025, 8), recommended_stride(1025));
  EXPECT_EQ(recommended_stride(0, 4), 0u);
}

TEST(RecommendedStride, OfTheLayersOfMobileNet) {
  EXPECT_EQ(recommended_stride(112 * 112), 785 * 16u);
  EXPECT_EQ(recommended_stride(56 * 56), 197 * 16u);
  EXPECT_EQ(recommended_stride(28 * 28), 784u);
  EXPECT_EQ(recommended_stride(14 * 14), 13 * 16u);
  EXPECT_EQ(recommended_stride(14 * 14, 8), 200u);
  EXPECT_EQ(recommended_stride(7 * 7), 5 * 16u);
  EXPECT_EQ(recommended_stride(7 * 7, 4), 56u);
  EXPECT_EQ(recommended_stride(1024), 65 * 16u);
  EXPECT_EQ(recommended_stride(1), 16u);
  EXPECT_EQ(recommended_stride(0), 0u);
}

}  // namespace
}  // namespace espalier
