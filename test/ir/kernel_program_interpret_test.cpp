#include <gmock/gmock.h>

#include <cmath>

#include "ir/kernel_program.h"
#include "ir/reference_spmm.h"
#include "sample_programs.h"

namespace espalier {
namespace {

using test::masked_program;
using test::neon_program;
using test::replaced;
using test::tail_program;
using testing::Each;
using testing::ElementsAre;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

KernelProgram verified(const std::string& text) {
  auto program = parse_kernel_program(text);
  EXPECT_TRUE(program) << program.error().message;
  const Status status = verify(*program);
  EXPECT_TRUE(status) << status.error().message;
  return *program;
}

/// Random input of exactly the elements a call may read; the gaps between rows are NaN, which any use would spread.
std::vector<float> input_of(const KernelProgram& program, uint32_t pixels, uint64_t seed = 1) {
  std::vector<float> x((program.input_channels - 1) * program.input_stride + pixels, kNan);
  SeededRandom random(seed);
  for (uint32_t row = 0; row < program.input_channels; ++row)
    for (uint32_t pixel = 0; pixel < pixels; ++pixel) x[row * program.input_stride + pixel] = random.weight();
  return x;
}

constexpr float kUntouched = 777;
std::vector<float> output_of(const KernelProgram& program, const std::vector<float>& x, uint32_t pixels) {
  std::vector<float> y((program.output_channels - 1) * program.output_stride + pixels, kUntouched);
  interpret(program, x, y, pixels);
  return y;
}

/// What test::neon_program computes: rows 0 and 1 with a ReLU, row 2 with an upper bound of -1.
KernelSpec neon_spec(std::span<const uint32_t> rows) {
  KernelSpec spec;
  const std::vector<float> dense = {1.5f, 2.5f, 1, 0, 0, 0, -7, 0.125f, 0, 0x1.99999ap-4f, 0, 0};
  std::vector<float> some;
  for (const uint32_t row : rows) some.insert(some.end(), dense.begin() + row * 4, dense.begin() + row * 4 + 4);
  spec.matrix = *SparseMatrix::from_dense(static_cast<uint32_t>(rows.size()), 4, some);
  spec.input_stride = 12;
  spec.output_stride = 16;
  return spec;
}

TEST(Interpret, AgreesWithTheReferenceOverGroupsBlocksAndTiles) {
  const KernelProgram program = verified(neon_program());
  const std::vector<float> x = input_of(program, 11);
  const std::vector<float> y = output_of(program, x, 11);
  KernelSpec upper = neon_spec(std::vector<uint32_t>{0, 1});
  upper.bias = {0, -0.25f};
  upper.clamp = {0, INFINITY};
  EXPECT_LE(error_in_bounds(upper, x, y, 11), 1);
  KernelSpec lower = neon_spec(std::vector<uint32_t>{2});
  lower.clamp = {-INFINITY, -1};
  EXPECT_LE(error_in_bounds(lower, x, std::span(y).subspan(2 * 16), 11), 1);
}

TEST(Interpret, LeavesEverythingOutsideThePixelsAlone) {
  const KernelProgram program = verified(neon_program());
  const std::vector<float> y = output_of(program, input_of(program, 11), 11);
  EXPECT_THAT(std::span(y).subspan(11, 5), Each(kUntouched));
  EXPECT_THAT(std::span(y).subspan(16 + 11, 5), Each(kUntouched));
}

TEST(Interpret, EveryRunTimePixelCountAgreesWithTheReference) {
  const KernelProgram program = verified(masked_program());
  KernelSpec spec;
  spec.matrix = *SparseMatrix::from_dense(1, 2, std::vector<float>{2, 3});
  spec.input_stride = 40;
  spec.output_stride = 44;
  for (uint32_t pixels = 1; pixels <= 40; ++pixels) {
    const std::vector<float> x = input_of(program, pixels, pixels);
    const std::vector<float> y = output_of(program, x, pixels);
    EXPECT_LE(error_in_bounds(spec, x, y, pixels), 1) << pixels;
  }
}

TEST(Interpret, ARemainderTouchesExactlyTheRemainingPixels) {
  const KernelProgram program = verified(masked_program());
  const std::vector<float> x = input_of(program, 19);
  std::vector<float> y(40, kUntouched);
  interpret(program, x, y, 19);
  EXPECT_NE(y[18], kUntouched);
  EXPECT_THAT(std::span(y).subspan(19), Each(kUntouched));
}

TEST(Interpret, NoPixelsIsNothing) {
  const KernelProgram program = verified(masked_program());
  std::vector<float> y(44, kUntouched);
  interpret(program, std::vector<float>(80, 1.0f), y, 0);
  EXPECT_THAT(y, Each(kUntouched));
}

TEST(Interpret, PixelBlocksDoNotChangeABit) {
  KernelProgram program = verified(masked_program());
  const std::vector<float> x = input_of(program, 40);
  const std::vector<float> whole = output_of(program, x, 40);
  for (const uint32_t block : {1u, 3u, 16u, 17u, 39u, 40u, 0xffffffffu}) {
    program.pixel_block = block;
    ASSERT_TRUE(verify(program));
    EXPECT_EQ(output_of(program, x, 40), whole) << block;
  }
}

TEST(Interpret, AMatrixWithoutColumnsNeedsNoInput) {
  const std::string text =
      "espalier-kernel-program 2\nkernel bias target c99 cpu portable\nshape 1 x 0 nonzeros 0\npixels 9\n"
      "strides input 9 output 9\nblock 4\nschedule unrolled\nstream 1\n.float 0x1.8p+0\ngroup rows 0 1 chunks 0 1\n"
      "chunk stream 0 1 nonzeros 0\n  tile 1\n    splat_load v0, w[0]\n    store v0, y[0,0]:1\nend\n";
  std::vector<float> y(9);
  interpret(verified(text), {}, y, 9);
  EXPECT_THAT(y, Each(1.5f));
}

/// A program for one full vector: y = clamped or multiplied values of x, by `ops` between the load of v0 and its store.
std::vector<float> one_vector(std::string_view target, uint32_t lanes, const std::string& ops,
                              const std::vector<float>& x, const std::string& stream) {
  const std::string text = fmt::format(
      "espalier-kernel-program 2\nkernel one target {0}\nshape 1 x 1 nonzeros 1\npixels {1}\n"
      "strides input {1} output {1}\nblock {1}\nschedule unrolled\nstream 4\n.float {3}\n"
      "group rows 0 1 chunks 0 1\nchunk stream 0 4 nonzeros 1\n  tile {1}\n    load v0, x[0,0]:{1}\n{2}"
      "    store v0, y[0,0]:{1}\nend\n",
      target, lanes, ops, stream);
  std::vector<float> y(lanes);
  interpret(verified(text), x, y, lanes);
  return y;
}

TEST(Interpret, FusedAndTwoStepArithmeticDifferWhereTheProductRounds) {
  // (1 + 2^-12)^2 - 1 is 2^-11 + 2^-24; the product alone rounds the 2^-24 away.
  const std::string ops =
      "    splat_load v1, w[0]\n    splat_load v2, w[1]\n    fma v2, v0, v1\n    splat_load v0, w[2]\n"
      "    max v0, v2\n";
  const std::string stream = "0x1.001p+0 -0x1p+0 -0x1p+10 0x0p+0";
  const std::vector<float> x(4, 0x1.001p+0f);
  EXPECT_THAT(one_vector("aarch64-linux cpu neon", 4, ops, x, stream), Each(0x1p-11f + 0x1p-24f));
  EXPECT_THAT(one_vector("wasm32 cpu relaxed", 4, ops, x, stream), Each(0x1p-11f + 0x1p-24f));
  EXPECT_THAT(one_vector("wasm32 cpu simd128", 4, ops, x, stream), Each(0x1p-11f));
  EXPECT_THAT(one_vector("c99 cpu portable", 4, ops, x, stream), Each(0x1p-11f));
}

TEST(Interpret, ClampsSendNanToTheBound) {
  const std::string ops = "    splat_load v1, w[0]\n    max v0, v1\n";
  const std::string min = "    splat_load v1, w[1]\n    min v0, v1\n";
  const std::vector<float> x = {kNan, -INFINITY, 3, 9};
  EXPECT_THAT(one_vector("c99 cpu portable", 4, ops, x, "0x0p+0 0x1.8p+2 0x0p+0 0x0p+0"), ElementsAre(0, 0, 3, 9));
  EXPECT_THAT(one_vector("c99 cpu portable", 4, min, x, "0x0p+0 0x1.8p+2 0x0p+0 0x0p+0"),
              ElementsAre(6, -INFINITY, 3, 6));
}

TEST(Interpret, LanesAreCopiedAndMultipliedOneByOne) {
  const std::string stream = "0x1p+0 0x1p+1 0x1p+2 0x1p+3";
  const std::vector<float> x = {1, 10, 100, 1000};
  for (uint32_t lane = 0; lane < 4; ++lane) {
    const auto weight = static_cast<float>(1 << lane);
    const std::string load = "    load v1, w[0]:4\n";
    EXPECT_THAT(
        one_vector("aarch64-linux cpu neon", 4, load + fmt::format("    splat_lane v0, v1.{}\n", lane), x, stream),
        Each(weight));
    const std::string fma = fmt::format("    load v2, x[0,0]:4\n    zero v0\n    fma_lane v0, v2, v1.{}\n", lane);
    EXPECT_THAT(one_vector("aarch64-linux cpu neon", 4, load + fma, x, stream),
                ElementsAre(weight, 10 * weight, 100 * weight, 1000 * weight));
  }
}

TEST(Interpret, FmaLoadTakesOneFactorFromMemory) {
  std::vector<float> x(8), expected(8);
  for (size_t i = 0; i < 8; ++i) x[i] = static_cast<float>(i), expected[i] = 1 + 2 * x[i];
  const std::string ops = "    splat_load v0, w[0]\n    splat_load v1, w[1]\n    fma_load v0, v1, x[0,0]:8\n";
  EXPECT_EQ(one_vector("x86_64-linux cpu avx2", 8, ops, x, "0x1p+0 0x1p+1 0x0p+0 0x0p+0"), expected);
}

TEST(Interpret, PartialLoadsClearTheOtherLanes) {
  const std::string ops = "    load v0, x[0,0]:2\n";
  EXPECT_THAT(one_vector("aarch64-linux cpu neon", 4, ops, {1, 2, kNan, kNan}, "0x0p+0 0x0p+0 0x0p+0 0x0p+0"),
              ElementsAre(1, 2, 0, 0));
}

TEST(Interpret, ARegisterMayBeSourceAndDestination) {
  const std::string zeros = "0x0p+0 0x0p+0 0x0p+0 0x0p+0";
  EXPECT_THAT(one_vector("c99 cpu portable", 4, "    fma v0, v0, v0\n", {1, 2, 3, -4}, zeros),
              ElementsAre(2, 6, 12, 12));
  EXPECT_THAT(one_vector("aarch64-linux cpu neon", 4, "    fma_lane v0, v0, v0.1\n", {1, 2, 3, 4}, zeros),
              ElementsAre(3, 6, 9, 12));
  EXPECT_THAT(one_vector("aarch64-linux cpu neon", 4, "    splat_lane v0, v0.3\n", {1, 2, 3, 4}, zeros), Each(4));
}

TEST(Interpret, TailsOfEveryWidthCopyExactly) {
  for (const auto& [target, lanes, tail] : {std::tuple{"x86_64-linux cpu avx2", 8u, 4u},
                                            {"x86_64-linux cpu avx512", 16u, 5u},
                                            {"x86_64-linux cpu avx512", 16u, 15u},
                                            {"aarch64-linux cpu neon", 4u, 2u},
                                            {"wasm32 cpu simd128", 4u, 1u}}) {
    const KernelProgram program = verified(tail_program(target, lanes, tail));
    const std::vector<float> x = input_of(program, lanes + tail);
    EXPECT_EQ(output_of(program, x, lanes + tail), x) << target << " + " << tail;
  }
}

}  // namespace
}  // namespace espalier
