// AArch64 code: the instructions it consists of, and the answers it gives under an emulator.
#include "backends/aarch64/aarch64_assembler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/mc/assembly_listing.h"
#include "test/aarch64/emulator.h"
#include "test/support/random_program.h"

namespace espalier {
namespace {

using test::EmulatedCase;
using test::expect_emulated_answers;
using test::random_program;
using test::RandomShape;
using testing::HasSubstr;
using testing::Not;

#define SKIP_WITHOUT_EMULATOR() \
  if (const std::string reason = test::emulator_missing(); !reason.empty()) GTEST_SKIP() << reason

Target neon() { return *find_target("aarch64-linux"); }

/// One chunk of one tile of `width`, with the given operations.
KernelProgram program_of(std::vector<MicroOp> ops, uint32_t width = 4) {
  KernelProgram p;
  p.name = "k";
  p.target = neon();
  p.output_channels = 1, p.input_channels = 1000;
  p.pixels = 64, p.input_stride = 64, p.output_stride = 64, p.pixel_block = 64;
  p.groups = {{0, 1, 0, 1}};
  p.chunks = {{0, 4, 0, 0, 0, {{width, false, std::move(ops)}}}};
  p.stream = {1, 2, 3, 4};
  return p;
}

std::string listing_of(const KernelProgram& program) {
  const auto chunks = assemble_aarch64(program);
  EXPECT_TRUE(chunks) << chunks.error().message;
  const auto text = print_assembly({&program, *chunks}, program.target);
  EXPECT_TRUE(text);
  return *text;
}
std::string listing_of(std::vector<MicroOp> ops) { return listing_of(program_of(std::move(ops))); }

MicroOp load_x(uint8_t d, uint32_t row, uint32_t column, uint8_t lanes = 4) {
  return {.op = Op::kLoad, .d = d, .buffer = Buffer::kX, .lanes = lanes, .row = row, .column = column};
}
MicroOp load_w(uint8_t d, uint32_t column, uint8_t lanes = 4) {
  return {.op = Op::kLoad, .d = d, .buffer = Buffer::kW, .lanes = lanes, .column = column};
}

TEST(AArch64Code, UsesOneInstructionPerOperation) {
  struct {
    MicroOp op;
    const char* text;
  } const kCases[] = {
      {{.op = Op::kZero, .d = 3}, "movi\tv3.2d, #0000000000000000"},
      {{.op = Op::kCopy, .d = 3, .a = 20}, "mov\tv3.16b, v20.16b"},
      {{.op = Op::kPrefetchFar, .buffer = Buffer::kY, .row = 1}, "prfm\tpstl2keep, [x1, #256]"},
      {{.op = Op::kSplatLane, .d = 3, .a = 20, .lane = 2}, "dup\tv3.4s, v20.s[2]"},
      {{.op = Op::kFma, .d = 3, .a = 20, .b = 31}, "fmla\tv3.4s, v20.4s, v31.4s"},
      {{.op = Op::kFmaLane, .d = 3, .a = 20, .b = 31, .lane = 3}, "fmla\tv3.4s, v20.4s, v31.s[3]"},
      {{.op = Op::kMax, .d = 3, .a = 20}, "fmaxnm\tv3.4s, v3.4s, v20.4s"},
      {{.op = Op::kMin, .d = 3, .a = 20}, "fminnm\tv3.4s, v3.4s, v20.4s"},
      {load_x(3, 2, 4), "ldr\tq3, [x0, #528]"},
      {load_x(3, 2, 4, 2), "ldr\td3, [x0, #528]"},
      {load_x(3, 2, 5, 1), "ldr\ts3, [x0, #532]"},
      {load_x(3, 0, 1), "ldur\tq3, [x0, #4]"},
      {load_w(3, 8), "ldr\tq3, [x2, #32]"},
      {{.op = Op::kStore, .d = 3, .buffer = Buffer::kY, .lanes = 4, .row = 1}, "str\tq3, [x1, #256]"},
      {{.op = Op::kStore, .d = 3, .buffer = Buffer::kY, .lanes = 2, .row = 1}, "str\td3, [x1, #256]"},
      {{.op = Op::kStore, .d = 3, .buffer = Buffer::kY, .lanes = 1, .row = 1}, "str\ts3, [x1, #256]"},
      {{.op = Op::kSplatLoad, .d = 3, .buffer = Buffer::kW}, "ld1r\t{ v3.4s }, [x2]"},
      {{.op = Op::kPrefetch, .buffer = Buffer::kX, .row = 1, .column = 4}, "prfm\tpldl1keep, [x0, #272]"},
  };
  const auto empty = assemble_aarch64(program_of({}));
  ASSERT_TRUE(empty);
  for (const auto& c : kCases) {
    EXPECT_THAT(listing_of({c.op}), HasSubstr(c.text));
    EXPECT_EQ(assemble_aarch64(program_of({c.op}))->front().size(), empty->front().size() + 4) << c.text;
  }
}

TEST(AArch64Code, SplatsWeightsByLoadAndDup) {
  const std::string text = listing_of({{.op = Op::kSplatLoad, .d = 3, .buffer = Buffer::kW, .column = 3}});
  EXPECT_THAT(text, HasSubstr("ldr\ts3, [x2, #12]\n"));
  EXPECT_THAT(text, HasSubstr("dup\tv3.4s, v3.s[0]\n"));
}

TEST(AArch64Code, LoadsThreeWeightsWithoutTouchingAFourth) {
  const std::string text = listing_of({load_w(3, 1, 3)});
  EXPECT_THAT(text, HasSubstr("ldur\td3, [x2, #4]\n"));
  EXPECT_THAT(text, HasSubstr("ld1\t{ v3.s }[2], [x4]\n"));
  EXPECT_THAT(text, Not(HasSubstr("q3")));
}

TEST(AArch64Code, CountsPixelsInALoop) {
  EXPECT_EQ(listing_of({{.op = Op::kZero, .d = 3}}),
            "k.chunk.0:  ; rows 0..0, 0 non-zeros, 32 bytes\n"
            "     0:\tsubs\tx3, x3, #4\n"
            "     4:\tb.lo\t#24\n"
            "     8:\tmovi\tv3.2d, #0000000000000000\n"
            "     c:\tadd\tx0, x0, #16\n"
            "    10:\tadd\tx1, x1, #16\n"
            "    14:\tsubs\tx3, x3, #4\n"
            "    18:\tb.hs\t#-16\n"
            "    1c:\tret\n");
}

TEST(AArch64Code, GivesTheNextTileThePixelsThatAreLeft) {
  KernelProgram p = program_of({});
  p.chunks[0].tiles.push_back({1, false, {}});
  EXPECT_THAT(listing_of(p), HasSubstr("add\tx3, x3, #4\n"));
}

TEST(AArch64Code, SavesOnlyTheCalleeSavedRegistersItUses) {
  const auto zero = [](uint8_t d) { return MicroOp{.op = Op::kZero, .d = d}; };
  const std::string none = listing_of({zero(7), zero(16)});
  EXPECT_THAT(none, Not(HasSubstr("sp")));
  const std::string three = listing_of({zero(8), zero(11), zero(15)});
  EXPECT_THAT(three, HasSubstr("sub\tsp, sp, #32\n"));
  EXPECT_THAT(three, HasSubstr("stp\td8, d11, [sp]\n"));
  EXPECT_THAT(three, HasSubstr("str\td15, [sp, #16]\n"));
  EXPECT_THAT(three, HasSubstr("ldp\td8, d11, [sp]\n"));
  EXPECT_THAT(three, HasSubstr("ldr\td15, [sp, #16]\n"));
  EXPECT_THAT(three, HasSubstr("add\tsp, sp, #32\n"));
}

size_t instructions_of(const KernelProgram& p) { return assemble_aarch64(p)->front().size() / 4; }

TEST(AArch64Addresses, ReachSixtyFourKilobytesWithoutHelp) {
  EXPECT_THAT(listing_of({load_x(0, 255, 60)}), HasSubstr("ldr\tq0, [x0, #65520]"));
  const std::string beyond = listing_of({load_x(0, 256, 0)});
  EXPECT_THAT(beyond, HasSubstr("add\tx4, x0, #16, lsl #12"));
  EXPECT_THAT(beyond, HasSubstr("ldr\tq0, [x4]"));
}

TEST(AArch64Addresses, ServeAllRowsOfAnOddStrideFromFourWindows) {
  std::vector<MicroOp> ops;
  for (uint32_t row = 0; row < 300; ++row) ops.push_back(load_x(0, row, 0));
  KernelProgram p = program_of(ops);
  p.input_stride = 49, p.pixels = 49;
  EXPECT_EQ(instructions_of(p), instructions_of(program_of({})) + 300 + 3);
}

TEST(AArch64Addresses, MoveAWindowOnByOneInstruction) {
  std::vector<MicroOp> ops;
  for (uint32_t row = 0; row < 100; ++row) ops.push_back(load_x(0, row, 0)), ops.push_back(load_x(1, row, 4));
  KernelProgram p = program_of(ops);
  p.input_stride = 12545, p.pixels = 8;  // 50,180 bytes a row: a window holds one or two rows of its class
  EXPECT_LE(instructions_of(p), instructions_of(program_of({})) + 200 + 100 + 3);
}

TEST(AArch64Addresses, BeyondSixteenMebibytesAreConstants) {
  KernelProgram p = program_of({load_x(0, 3, 4)});
  p.input_stride = 1u << 27;
  const std::string text = listing_of(p);
  EXPECT_THAT(text, HasSubstr("mov\tx4, #16\n"));
  EXPECT_THAT(text, HasSubstr("movk\tx4, #24576, lsl #16\n"));
  EXPECT_THAT(text, HasSubstr("add\tx4, x0, x4\n"));
  EXPECT_THAT(text, HasSubstr("ldr\tq0, [x4]\n"));
}

TEST(AArch64Addresses, OfPrefetchesMayLieAnywhere) {
  KernelProgram p = program_of({{.op = Op::kPrefetch, .buffer = Buffer::kX, .row = 999, .column = 1u << 31}});
  p.input_stride = 1u << 30;
  EXPECT_THAT(listing_of(p), HasSubstr("movk\tx4, #"));
  EXPECT_THAT(listing_of(p), HasSubstr("lsl #32"));
}

TEST(AArch64Assembler, RefusesProgramsOfAnotherIsa) {
  KernelProgram p = program_of({});
  p.target = *find_target("x86_64-linux");
  const auto chunks = assemble_aarch64(p);
  ASSERT_FALSE(chunks);
  EXPECT_EQ(chunks.error().message, "kernel k was compiled for avx2, not for neon");
}

TEST(AArch64Assembler, RefusesTilesThatBranchesDoNotReachOver) {
  KernelProgram p = program_of(std::vector<MicroOp>(5'000'000, MicroOp{}));
  const auto chunks = assemble_aarch64(p);
  ASSERT_FALSE(chunks);
  EXPECT_EQ(chunks.error().kind, ErrorKind::kLimit);
  EXPECT_EQ(chunks.error().message, "kernel k: a tile has 5000000 operations, but AArch64 branches reach over 4194296");
}

TEST(AArch64Assembler, RefusesOperationsThatNeonLacks) {
  const auto chunks = assemble_aarch64(program_of({{.op = Op::kFmaLoad, .buffer = Buffer::kX, .lanes = 4}}));
  ASSERT_FALSE(chunks);
  EXPECT_EQ(chunks.error().message, "kernel k: neon has no operation fma_load");
}

TEST(AArch64Assembler, IsDeterministic) {
  const KernelProgram p = random_program(neon(), {}, 7);
  EXPECT_EQ(*assemble_aarch64(p), *assemble_aarch64(p));
}

// ---- answers ----

std::vector<uint32_t> pixel_counts(const KernelProgram& p) {
  if (p.pixels) return {p.pixels};
  const uint32_t most = p.max_pixels();
  std::vector<uint32_t> counts = {0, 1, most};
  for (uint32_t n : {2u, 3u, 4u, 7u, 13u, most / 2, most - 1})
    if (n < most) counts.push_back(n);
  return counts;
}

EmulatedCase random_case(const RandomShape& shape, uint64_t seed) {
  KernelProgram p = random_program(neon(), shape, seed);
  std::vector<uint32_t> counts = pixel_counts(p);
  return {std::move(p), std::move(counts)};
}

TEST(AArch64Answers, EqualTheInterpreterOnRandomPrograms) {
  SKIP_WITHOUT_EMULATOR();
  std::vector<EmulatedCase> cases;
  for (uint64_t seed = 0; seed < 150; ++seed) cases.push_back(random_case(test::random_shape(seed), seed));
  expect_emulated_answers(std::move(cases));
}

TEST(AArch64Answers, EqualTheInterpreterWithFarOffsets) {
  SKIP_WITHOUT_EMULATOR();
  std::vector<EmulatedCase> cases;
  // Strides in elements: 64 KiB, 4 MiB and 16 MiB are passed after a few rows; odd, even, and multiples of 4.
  const uint32_t strides[] = {1021, 1024, 4096, 12544, 12546, 16383, 60'001, 60'004, 300'001, 300'002, 300'004};
  for (uint32_t stride : strides)
    for (uint32_t pixels : {0u, 37u}) {
      RandomShape shape{
          .rows = 9, .columns = 20, .pixels = pixels, .input_stride = stride, .output_stride = 45, .pixel_block = 20};
      shape.output_stride = pixels ? stride : 45;
      cases.push_back(random_case(shape, stride + pixels));
    }
  expect_emulated_answers(std::move(cases));
}

TEST(AArch64Answers, TouchNothingOutsideTheirPixels) {
  SKIP_WITHOUT_EMULATOR();
  std::vector<EmulatedCase> cases;
  for (uint32_t pixels = 1; pixels <= 40; ++pixels) {  // strides of two pages: every row ends at a forbidden page
    const RandomShape shape{.rows = 7,
                            .columns = 11,
                            .pixels = pixels,
                            .input_stride = 2048,
                            .output_stride = 4096,
                            .pixel_block = pixels % 2 ? pixels : 16};
    cases.push_back(random_case(shape, pixels));
  }
  expect_emulated_answers(std::move(cases));
}

TEST(AArch64Answers, HoldForTilesBeyondTheReachOfConditionalBranches) {
  SKIP_WITHOUT_EMULATOR();
  std::vector<MicroOp> ops = {{.op = Op::kZero, .d = 9}, load_w(10, 0)};
  for (uint32_t i = 0; i < 300'000; ++i) {
    if (i % 300 == 0) ops.push_back(load_x(11, i / 300, 0));
    ops.push_back({.op = Op::kFmaLane, .d = 9, .a = 11, .b = 10, .lane = static_cast<uint8_t>(i % 4)});
  }
  ops.push_back({.op = Op::kStore, .d = 9, .buffer = Buffer::kY, .lanes = 4});
  KernelProgram p = program_of(ops);
  p.schedule = *parse_schedule("unrolled:rows=1,vectors=1,k=1000,chunk=300000,pixels=64,prefetch=0");
  p.stream = {0.25f, -0.5f, 0.125f, 0.0625f};
  expect_emulated_answers({{p, {64}}});
}

}  // namespace
}  // namespace espalier
