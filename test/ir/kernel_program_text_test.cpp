#include <gtest/gtest.h>

#include <clocale>
#include <cmath>

#include "ir/kernel_program.h"
#include "random_kernel_program.h"
#include "sample_programs.h"

namespace espalier {
namespace {

using test::masked_program;
using test::neon_program;
using test::replaced;

/// A program that is only a stream; text comes back as its line of floats.
std::string floats_again(const std::string& floats, size_t count) {
  const auto program = parse_kernel_program(fmt::format(
      "espalier-kernel-program 2\nkernel k target c99 cpu portable\nstream {}\n.float {}\nend\n", count, floats));
  if (!program) return program.error().message;
  const std::string text = print(*program);
  const size_t at = text.find(".float ") + 7;
  return text.substr(at, text.find('\n', at) - at);
}

TEST(KernelProgramText, GoodProgramsPrintAsTheyWereWritten) {
  for (const std::string& text : {neon_program(), masked_program()}) {
    const auto program = parse_kernel_program(text);
    ASSERT_TRUE(program) << program.error().message;
    EXPECT_EQ(print(*program), text);
  }
}

TEST(KernelProgramText, FieldsAreReadIntoTheirPlaces) {
  const auto program = *parse_kernel_program(neon_program());
  EXPECT_EQ(program.name, "good");
  EXPECT_EQ(program.target.cpu->name, "cortex-a76");
  EXPECT_EQ(program.output_channels, 3u);
  EXPECT_EQ(program.input_channels, 4u);
  EXPECT_EQ(program.nonzeros, 6u);
  EXPECT_EQ(program.pixels, 11u);
  EXPECT_EQ(program.input_stride, 12u);
  EXPECT_EQ(program.output_stride, 16u);
  EXPECT_EQ(program.pixel_block, 8u);
  EXPECT_EQ(program.schedule.k_block, 2u);
  EXPECT_EQ(program.groups[1], (RowGroup{.first_row = 2, .rows = 1, .first_chunk = 2, .chunks = 1}));
  EXPECT_EQ(program.chunks[1].stream_offset, 4u);
  EXPECT_EQ(program.chunks[1].nonzeros, 3u);
  EXPECT_EQ(program.micro_ops(), 3u * (9 + 13 + 8));
  const MicroOp fma_lane{.op = Op::kFmaLane, .d = 0, .a = 4, .b = 2, .lane = 2};
  EXPECT_EQ(program.chunks[0].tiles[1].ops[6], fma_lane);
  const MicroOp store{.op = Op::kStore, .d = 1, .buffer = Buffer::kY, .lanes = 2, .row = 1};
  EXPECT_EQ(program.chunks[0].tiles[1].ops[8], store);
  EXPECT_EQ(parse_kernel_program(masked_program())->max_pixels(), 40u);
}

TEST(KernelProgramText, EveryOperationHasItsOwnNameAndReadsBack) {
  const std::string head =
      "espalier-kernel-program 2\nkernel k target c99 cpu portable\nshape 0 x 0 nonzeros 0\npixels any\n"
      "strides input 0 output 0\nblock 0\nschedule unrolled\nstream 0\nchunk stream 0 0 nonzeros 0\n  tile 4\n";
  for (int code = 0; code < kOpCount; ++code) {
    const OpInfo& info = op_info(static_cast<Op>(code));
    MicroOp op{.op = static_cast<Op>(code)};
    if (info.writes_d || info.reads_d) op.d = 7;
    if (info.reads_a) op.a = 8;
    if (info.reads_b) op.b = 9;
    if (info.has_lane) op.lane = 3;
    if (info.has_access) op.buffer = Buffer::kY, op.row = 11, op.column = 12;
    if (info.has_lanes) op.lanes = 4;
    if (op.op == Op::kLoop || op.op == Op::kLoopIndexed || op.op == Op::kPoint) op.column = 13;
    if (op.op == Op::kLoopIndexed) op.buffer = Buffer::kI;
    if (op.op == Op::kPoint) op.buffer = Buffer::kXAt, op.row = 2;
    if (op.op == Op::kAdvance) op.buffer = Buffer::kX, op.row = 3;
    auto program = *parse_kernel_program(head + "end\n");
    program.chunks[0].tiles[0].ops = {op};
    const auto again = parse_kernel_program(print(program));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->chunks[0].tiles[0].ops[0], op) << info.name;
  }
}

TEST(KernelProgramText, RandomProgramsOfEveryTargetReadBack) {
  for (const TargetEntry& entry : known_targets()) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      const KernelProgram program = test::random_kernel_program(*find_target(entry.target, entry.cpu), seed);
      const auto again = parse_kernel_program(print(program));
      ASSERT_TRUE(again) << again.error().message;
      ASSERT_EQ(*again, program) << entry.cpu << ", seed " << seed;
    }
  }
}

TEST(KernelProgramText, FloatsKeepTheirBits) {
  const std::string all = "0x0p+0 -0x0p+0 0x1p-149 0x1.fffffep+127 -0x1.99999ap-4 inf -inf 0x1.fffffcp-127";
  EXPECT_EQ(floats_again(all, 8), all);
  SeededRandom random(3);
  for (int i = 0; i < 2000; ++i) {
    const auto bits = static_cast<uint32_t>(random.next());
    auto program = *parse_kernel_program(neon_program());
    const float value = std::bit_cast<float>(bits);
    if (std::isnan(value)) continue;
    program.stream[0] = value;
    const auto again = parse_kernel_program(print(program));
    ASSERT_TRUE(again) << again.error().message;
    ASSERT_EQ(std::bit_cast<uint32_t>(again->stream[0]), bits);
  }
}

TEST(KernelProgramText, FloatsDoNotFollowTheLocale) {
  const std::string before = setlocale(LC_ALL, nullptr);
  for (const char* name : {"de_DE.UTF-8", "fr_FR.UTF-8", "C.UTF-8"})
    if (setlocale(LC_ALL, name)) break;
  EXPECT_EQ(floats_again("0x1.8p+1", 1), "0x1.8p+1");
  setlocale(LC_ALL, before.c_str());
}

TEST(KernelProgramText, CommentsBlankLinesAndSpacingDoNotMatter) {
  std::string text = replaced(masked_program(), "shape", "# a comment\n\n \t \n\tshape");
  text = replaced(text, "    zero v31", "zero\tv31");
  text = replaced(text, "fma v1, v0, v2", "fma v1,v0 ,  v2 ");
  const auto program = parse_kernel_program(text);
  ASSERT_TRUE(program) << program.error().message;
  EXPECT_EQ(print(*program), masked_program());
}

TEST(KernelProgramText, TheLastLineNeedsNoNewline) {
  std::string text = masked_program();
  text.pop_back();
  EXPECT_TRUE(parse_kernel_program(text));
  EXPECT_TRUE(parse_kernel_program(text + "\n\n  \n"));
}

/// One replacement in the NEON sample and the message that reading must give.
struct BadText {
  const char *name, *from, *to, *message;
};
class BadTextTest : public testing::TestWithParam<BadText> {};

TEST_P(BadTextTest, GivesItsMessage) {
  const BadText& bad = GetParam();
  const std::string text = replaced(neon_program(), bad.from, bad.to);
  ASSERT_FALSE(text.empty()) << "the good program has no '" << bad.from << "'";
  const auto program = parse_kernel_program(text);
  ASSERT_FALSE(program);
  EXPECT_EQ(program.error().kind, ErrorKind::kBadInput);
  EXPECT_EQ(program.error().message, bad.message);
}

const BadText kBadTexts[] = {
    {"NoHeader", "espalier-kernel-program 2\n", "",
     "line 1: expected 'espalier-kernel-program 2', but found 'kernel good target aarch'"},
    {"AnotherVersion", "program 2\n", "program 1\n",
     "line 1: expected 'espalier-kernel-program 2', but found 'espalier-kernel-program '"},
    {"AVersionThatStartsAlike", "program 2\n", "program 21\n", "line 1: unexpected '1' at the end"},
    {"KernelWithoutTarget", "good target", "good", "line 2: expected 'target', but found 'aarch64-linux cpu cortex'"},
    {"KernelNameIsNoIdentifier", "kernel good", "kernel go-od", "line 2: kernel name 'go-od' is not a C identifier"},
    {"KernelWithoutName", "kernel good target aarch64-linux cpu cortex-a76", "kernel",
     "line 2: kernel name '' is not a C identifier"},
    {"UnknownTarget", "aarch64-linux", "vax",
     "line 2: unknown target 'vax', known targets are x86_64-linux, x86_64-macos, aarch64-linux, aarch64-macos, "
     "wasm32, c99, host"},
    {"UnknownCpu", "aarch64-linux cpu cortex-a76", "wasm32 cpu cortex-a76",
     "line 2: target wasm32 has no CPU 'cortex-a76', known CPUs are simd128, relaxed, simd128-arm64, relaxed-arm64"},
    {"WordAfterCpu", "cortex-a76", "cortex-a76 fast", "line 2: unexpected 'fast' at the end"},
    {"NoKernelLine", "kernel good target aarch64-linux cpu cortex-a76\n", "",
     "line 114: the program has no 'kernel' line"},
    {"ShapeWithoutX", "3 x 4", "3 by 4", "line 3: expected 'x', but found 'by 4 nonzeros 6'"},
    {"ShapeWithoutNonzeros", "nonzeros 6", "", "line 3: expected 'nonzeros', but found ''"},
    {"NegativeRows", "shape 3", "shape -3",
     "line 3: expected a number up to 4294967295, but found '-3 x 4 nonzeros 6'"},
    {"RowsOverflow32Bits", "shape 3", "shape 4294967296",
     "line 3: expected a number up to 4294967295, but found '4294967296 x 4 nonzeros '"},
    {"NonzerosOverflow64Bits", "nonzeros 6", "nonzeros 18446744073709551616",
     "line 3: expected a number up to 18446744073709551615, but found '18446744073709551616'"},
    {"PixelsAreNoNumber", "pixels 11", "pixels few", "line 4: expected a number up to 4294967295, but found 'few'"},
    {"PixelsAnyAndMore", "pixels 11", "pixels any 11", "line 4: unexpected '11' at the end"},
    {"StridesWithoutInput", "strides input 12", "strides 12", "line 5: expected 'input', but found '12 output 16'"},
    {"StridesWithoutOutput", "output 16", "16", "line 5: expected 'output', but found '16'"},
    {"BlockIsMissing", "block 8", "block", "line 6: expected a number up to 4294967295, but found ''"},
    {"BadSchedule", "unrolled:rows=2", "unrolled:rows=0",
     "line 7: schedule field rows is '0', but must be a number in 1..2147483647"},
    {"StreamTooLarge", "stream 10", "stream 4294967296",
     "line 8: expected a number up to 4294967295, but found '4294967296'"},
    {"StreamShorterThanAnnounced", "stream 10", "stream 4294967295",
     "line 115: the stream has 10 values, but announced 4294967295"},
    {"StreamLongerThanAnnounced", "stream 10", "stream 9", "line 115: the stream has 10 values, but announced 9"},
    {"DecimalFloat", "-0x1p-2", "-0.25", "line 9: expected a hexadecimal float, but found '-0.25 0x1.4p+1 0x0p+0 0x'"},
    {"NanFloat", "-0x1p-2", "nan", "line 9: expected a hexadecimal float, but found 'nan 0x1.4p+1 0x0p+0 0x1p'"},
    {"HexNanFloat", "-0x1p-2", "0xnan", "line 9: expected a hexadecimal float, but found '0xnan 0x1.4p+1 0x0p+0 0x'"},
    {"HexInfFloat", "-0x1p-2", "0xinf", "line 9: expected a hexadecimal float, but found '0xinf 0x1.4p+1 0x0p+0 0x'"},
    {"TwoSigns", "-0x1p-2", "-0x-1p-2", "line 9: expected a hexadecimal float, but found '-0x-1p-2 0x1.4p+1 0x0p+0'"},
    {"FloatWithoutDigits", "-0x1p-2", "-0x",
     "line 9: expected a hexadecimal float, but found '-0x 0x1.4p+1 0x0p+0 0x1p'"},
    {"FloatOverflows", "-0x1p-2", "0x1p+128",
     "line 9: expected a hexadecimal float, but found '0x1p+128 0x1.4p+1 0x0p+0'"},
    {"JunkAfterFloat", "-0x1p-2", "-0x1p-2z",
     "line 9: expected a hexadecimal float, but found 'z 0x1.4p+1 0x0p+0 0x1p+0'"},
    {"GroupWithoutRows", "group rows 0 2", "group 0 2", "line 11: expected 'rows', but found '0 2 chunks 0 2'"},
    {"GroupWithoutChunks", "rows 0 2 chunks 0 2", "rows 0 2", "line 11: expected 'chunks', but found ''"},
    {"ChunkWithoutStream", "chunk stream 0 4", "chunk 0 4", "line 13: expected 'stream', but found '0 4 nonzeros 2'"},
    {"ChunkWithoutNonzeros", "4 nonzeros 2", "4", "line 13: expected 'nonzeros', but found ''"},
    {"TileOutsideAChunk", "group rows 0 2", "tile 4\ngroup rows 0 2", "line 11: tile outside a chunk"},
    {"TileWithoutWidth", "  tile 4", "  tile", "line 14: expected a number up to 4294967295, but found ''"},
    {"TileOfAnotherKind", "  tile 4", "  tile rest", "line 14: expected a number up to 4294967295, but found 'rest'"},
    {"OperationOutsideATile", "  tile 4\n", "", "line 14: operation outside a tile"},
    {"OperationOutsideAChunk", "group rows 0 2", "zero v0\ngroup rows 0 2", "line 11: operation outside a tile"},
    {"UnknownOperation", "    zero v0", "    nought v0", "line 16: unknown operation 'nought'"},
    {"OperationOfAnotherCase", "    zero v0", "    Zero v0", "line 16: unknown operation 'Zero'"},
    {"NoRegister", "    zero v0", "    zero", "line 16: expected 'v', but found ''"},
    {"RegisterWithoutNumber", "    zero v0", "    zero v", "line 16: expected a number up to 255, but found ''"},
    {"RegisterTooLarge", "    zero v0", "    zero v256", "line 16: expected a number up to 255, but found '256'"},
    {"RegisterNegative", "    zero v0", "    zero v-1", "line 16: expected a number up to 255, but found '-1'"},
    {"OperandTooMany", "    zero v0", "    zero v0, v1", "line 16: unexpected ', v1' at the end"},
    {"OperandTooFew", "fma_lane v0, v3, v2.0", "fma_lane v0, v3", "line 19: expected ',', but found ''"},
    {"NoComma", "fma_lane v0, v3, v2.0", "fma_lane v0 v3, v2.0", "line 19: expected ',', but found 'v3, v2.0'"},
    {"NoLane", "splat_lane v1, v2.1", "splat_lane v1, v2", "line 17: expected '.', but found ''"},
    {"LaneIsNoNumber", "splat_lane v1, v2.1", "splat_lane v1, v2.x",
     "line 17: expected a number up to 255, but found 'x'"},
    {"NoAccess", "load v3, x[0,0]:4", "load v3", "line 18: expected ',', but found ''"},
    {"UnknownBuffer", "load v3, x[0,0]:4", "load v3, z[0,0]:4",
     "line 18: expected an access x[row,column], y[row,column], w[index], p0[column] or q0[column]"},
    {"AccessWithoutColumn", "load v3, x[0,0]:4", "load v3, x[0]:4", "line 18: expected ',', but found ']:4'"},
    {"AccessNotClosed", "load v3, x[0,0]:4", "load v3, x[0,0:4", "line 18: expected ']', but found ':4'"},
    {"WeightsByRow", "load v2, w[0]:4", "load v2, w[0,0]:4", "line 15: expected ']', but found ',0]:4'"},
    {"RowTooLarge", "load v3, x[0,0]:4", "load v3, x[4294967296,0]:4",
     "line 18: expected a number up to 4294967295, but found '4294967296,0]:4'"},
    {"NoLanes", "load v3, x[0,0]:4", "load v3, x[0,0]", "line 18: expected ':', but found ''"},
    {"ZeroLanes", "load v3, x[0,0]:4", "load v3, x[0,0]:0", "line 18: expected r or at least 1 lane, but found 0"},
    {"TooManyLanes", "load v3, x[0,0]:4", "load v3, x[0,0]:256",
     "line 18: expected a number up to 255, but found '256'"},
    {"LanesWhereNoneBelong", "splat_load v5, w[3]", "splat_load v5, w[3]:4", "line 54: unexpected ':4' at the end"},
    {"NoEnd", "end\n", "", "line 115: the program has no 'end'"},
    {"WordAfterEnd", "end\n", "end here\n", "line 115: unexpected 'here' at the end"},
    {"TextAfterEnd", "end\n", "end\n\nend\n", "line 116: there is text after 'end'"},
    {"CarriageReturns", "program 2\n", "program 2\r\n", "line 1: unexpected '\r' at the end"},
};

INSTANTIATE_TEST_SUITE_P(KernelProgramText, BadTextTest, testing::ValuesIn(kBadTexts),
                         [](const auto& test) { return test.param.name; });

std::string error_of(std::string_view text) {
  const auto program = parse_kernel_program(text);
  return program ? "no error" : program.error().message;
}

TEST(KernelProgramText, EmptyTextsHaveNoEnd) {
  EXPECT_EQ(error_of(""), "line 1: the program has no 'end'");
  EXPECT_EQ(error_of("# only a comment\n\n"), "line 3: the program has no 'end'");
  EXPECT_EQ(error_of("espalier-kernel-program 2"), "line 2: the program has no 'end'");
}

TEST(KernelProgramText, EveryPrefixIsReadOrRefused) {
  const std::string text = neon_program();
  for (size_t length = 0; length + 1 < text.size(); ++length)
    ASSERT_FALSE(parse_kernel_program(std::string_view(text).substr(0, length))) << length;
}

TEST(KernelProgramText, LongLinesAndZeroBytesAreRefusedShortly) {
  const std::string text = replaced(neon_program(), "zero v0", std::string(1 << 20, 'q'));
  EXPECT_LT(error_of(text).size(), size_t{320});
  EXPECT_LT(error_of(replaced(neon_program(), "good", std::string(1 << 20, '-'))).size(), size_t{320});
  EXPECT_LT(error_of(replaced(neon_program(), "cortex-a76", std::string(1 << 20, 'c'))).size(), size_t{320});
  EXPECT_LT(error_of(replaced(neon_program(), "unrolled:rows", std::string(1 << 20, 's'))).size(), size_t{320});
  EXPECT_NE(error_of(std::string(1000, '\0')), "no error");
}

}  // namespace
}  // namespace espalier
