#include <gtest/gtest.h>

#include "ir/kernel_program.h"
#include "sample_programs.h"

namespace espalier {
namespace {

using test::masked_program;
using test::neon_program;
using test::replaced;
using test::tail_program;

/// One replacement in a good program's text, and what the verifier must say after "kernel program NAME: ".
struct BadProgram {
  const char* name;
  std::string text;
  const char *from, *to, *message;
};

class BadProgramTest : public testing::TestWithParam<BadProgram> {};

TEST_P(BadProgramTest, GivesItsMessage) {
  const BadProgram& bad = GetParam();
  const auto good = parse_kernel_program(bad.text);
  ASSERT_TRUE(good) << good.error().message;
  ASSERT_TRUE(verify(*good)) << verify(*good).error().message;
  const std::string text = replaced(bad.text, bad.from, bad.to);
  ASSERT_FALSE(text.empty()) << "the good program has no '" << bad.from << "'";
  const auto program = parse_kernel_program(text);
  ASSERT_TRUE(program) << program.error().message;
  const Status status = verify(*program);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, ErrorKind::kInternal);
  EXPECT_EQ(status.error().message, "kernel program " + program->name + ": " + bad.message);
}

const std::string kNeon = neon_program(), kMasked = masked_program();
const std::string kAvx2 = tail_program("x86_64-linux cpu avx2", 8, 4);
const std::string kAvx512 = tail_program("x86_64-linux cpu avx512", 16, 5);

const BadProgram kRegisters[] = {
    {"WritesPastTheFile", kNeon, "zero v0", "zero v32",
     "chunk 0, tile 0: operation 1 (zero): writes v32, but neon has 32 vector registers"},
    {"LoadsPastTheFile", kAvx2, "load v1, x", "load v16, x",
     "chunk 0, tile 0: operation 1 (load): writes v16, but avx2 has 16 vector registers"},
    {"ReadsAPastTheFile", kNeon, "fma_lane v0, v3,", "fma_lane v0, v40,",
     "chunk 0, tile 0: operation 4 (fma_lane): reads v40, but neon has 32 vector registers"},
    {"ReadsBPastTheFile", kNeon, "v3, v2.0", "v3, v255.0",
     "chunk 0, tile 0: operation 4 (fma_lane): reads v255, but neon has 32 vector registers"},
    {"StoresPastTheFile", kNeon, "store v1, y", "store v99, y",
     "chunk 0, tile 0: operation 8 (store): reads v99, but neon has 32 vector registers"},
    {"AccumulatesIntoNothing", kNeon, "fma_lane v0, v3", "fma_lane v7, v3",
     "chunk 0, tile 0: operation 4 (fma_lane): reads v7 before anything was written to it"},
    {"ReadsABeforeWritten", kNeon, "fma_lane v0, v3", "fma_lane v0, v4",
     "chunk 0, tile 0: operation 4 (fma_lane): reads v4 before anything was written to it"},
    {"ReadsBBeforeWritten", kNeon, "v3, v2.0", "v3, v9.0",
     "chunk 0, tile 0: operation 4 (fma_lane): reads v9 before anything was written to it"},
    {"SplatsBeforeWritten", kNeon, "splat_lane v1, v2.1", "splat_lane v1, v1.1",
     "chunk 0, tile 0: operation 2 (splat_lane): reads v1 before anything was written to it"},
    {"StoresBeforeWritten", kNeon, "store v1, y", "store v31, y",
     "chunk 0, tile 0: operation 8 (store): reads v31 before anything was written to it"},
    {"AnotherTilesRegistersDoNotCount", kNeon, "  tile 2\n    load v2, w[0]:4\n", "  tile 2\n",
     "chunk 0, tile 1: operation 1 (splat_lane): reads v2 before anything was written to it"},
    {"AnotherChunksRegistersDoNotCount", kNeon, "    load v1, y[1,0]:4\n", "",
     "chunk 1, tile 0: operation 4 (fma_lane): reads v1 before anything was written to it"},
};

const BadProgram kOperations[] = {
    {"NeonHasNoFmaLoad", kNeon, "fma_lane v0, v3, v2.0", "fma_load v0, v2, x[0,0]:4",
     "chunk 0, tile 0: operation 4 (fma_load): neon does not have this operation"},
    {"NeonHasNoFmaSplat", kNeon, "fma_lane v0, v3, v2.0", "fma_splat v0, v3, w[0]",
     "chunk 0, tile 0: operation 4 (fma_splat): neon does not have this operation"},
    {"FmaSplatOfTheInput", kMasked, "fma v1, v0, v2", "fma_splat v1, v0, x[0,0]",
     "chunk 1, tile 0: operation 3 (fma_splat): splats from outside the weight stream"},
    {"FmaSplatPastTheWeights", kMasked, "fma v1, v0, v2", "fma_splat v1, v0, w[400]",
     "chunk 1, tile 0: operation 3 (fma_splat): reads weights 400..400, but the chunk has 2"},
    {"FmaSplatOfNothing", kMasked, "fma v1, v0, v2", "fma_splat v1, v9, w[0]",
     "chunk 1, tile 0: operation 3 (fma_splat): reads v9 before anything was written to it"},
    {"Avx512HasNoFmaLane", kMasked, "fma v1, v0, v2", "fma_lane v1, v0, v2.0",
     "chunk 1, tile 0: operation 3 (fma_lane): avx512 does not have this operation"},
    {"Simd128HasNoFmaLane", kNeon, "aarch64-linux cpu cortex-a76", "wasm32 cpu simd128",
     "chunk 0, tile 0: operation 4 (fma_lane): simd128 does not have this operation"},
    {"PortableHasNoSplatLane", kNeon, "aarch64-linux cpu cortex-a76", "c99 cpu portable",
     "chunk 0, tile 0: operation 2 (splat_lane): portable does not have this operation"},
    {"LaneOfSplatLane", kNeon, "v2.1", "v2.4",
     "chunk 0, tile 0: operation 2 (splat_lane): names lane 4, but lanes are 0..3"},
    {"LaneOfFmaLane", kNeon, "v2.2", "v2.255",
     "chunk 0, tile 0: operation 6 (fma_lane): names lane 255, but lanes are 0..3"},
};

const BadProgram kLanes[] = {
    {"MoreThanTheVector", kNeon, "x[0,0]:4", "x[0,0]:5",
     "chunk 0, tile 0: operation 3 (load): touches 5 lanes, but neon has 4"},
    {"ThreeOnNeon", kNeon, "x[0,0]:4", "x[0,0]:3",
     "chunk 0, tile 0: operation 3 (load): touches 3 lanes, but neon moves 1, 2, 4, ... lanes"},
    {"SixOnAvx2", kAvx2, "y[0,0]:8", "y[0,0]:6",
     "chunk 0, tile 0: operation 4 (store): touches 6 lanes, but avx2 moves 1, 2, 4, ... lanes"},
    {"PartialFmaLoadOnAvx2", kAvx2, "    fma v2, v0, v1\n    store v2, y[0,0]:4",
     "    fma_load v2, v0, x[0,0]:4\n    store v2, y[0,0]:4",
     "chunk 0, tile 1: operation 3 (fma_load): touches 4 lanes, but avx2 fuses loads of 8 lanes only"},
    {"TwoMasksInOneTile", kAvx512, "y[0,0]:5", "y[0,0]:4",
     "chunk 0, tile 1: operation 4 (store): touches 4 lanes, but the tile's mask is for 5"},
    {"RemainderInACountedTile", kMasked, "x[0,0]:16", "x[0,0]:r",
     "chunk 0, tile 0: operation 2 (fma_load): has remaining lanes, but the tile is 16 pixels wide"},
    {"RemainderOnNeon", kNeon, "x[0,0]:4", "x[0,0]:r",
     "chunk 0, tile 0: operation 3 (load): has remaining lanes, but the tile is 4 pixels wide"},
    {"FixedLanesInARemainder", kMasked, "x[0,0]:r", "x[0,0]:3",
     "chunk 0, tile 1: operation 2 (fma_load): touches 3 lanes in a remainder tile"},
    {"FullVectorInARemainder", kMasked, "y[0,0]:r", "y[0,0]:16",
     "chunk 0, tile 1: operation 3 (store): touches 16 lanes in a remainder tile"},
};

const BadProgram kAccesses[] = {
    {"InputRow", kNeon, "x[1,0]:4", "x[4,0]:4",
     "chunk 0, tile 0: operation 5 (load): reads input row 4, but there are 4"},
    {"InputColumn", kNeon, "x[1,0]:4", "x[1,1]:4",
     "chunk 0, tile 0: operation 5 (load): touches pixels 1..4, but the tile is 4 wide"},
    {"InputColumnOfASmallTile", kNeon, "x[0,0]:1", "x[0,1]:1",
     "chunk 0, tile 2: operation 3 (load): touches pixels 1..1, but the tile is 1 wide"},
    {"InputColumnOfARemainder", kMasked, "x[0,0]:r", "x[0,1]:r",
     "chunk 0, tile 1: operation 2 (fma_load): touches pixels 1..1, but the tile is 1 wide"},
    {"OutputRowBelowTheGroup", kNeon, "y[2,0]:4", "y[1,0]:4",
     "chunk 2, tile 0: operation 7 (store): touches output row 1, but the row group is 2..2"},
    {"OutputRowAboveTheGroup", kNeon, "y[1,0]:4", "y[2,0]:4",
     "chunk 0, tile 0: operation 8 (store): touches output row 2, but the row group is 0..1"},
    {"OutputColumn", kNeon, "y[1,0]:2", "y[1,1]:2",
     "chunk 0, tile 1: operation 8 (store): touches pixels 1..2, but the tile is 2 wide"},
    {"WeightPastTheSlice", kNeon, "w[3]", "w[4]",
     "chunk 1, tile 0: operation 8 (splat_load): reads weights 4..4, but the chunk has 4"},
    {"WeightsPastTheSlice", kNeon, "w[0]:4", "w[1]:4",
     "chunk 0, tile 0: operation 0 (load): reads weights 1..4, but the chunk has 4"},
    {"WeightsByRemainder", kMasked, "load v2, x[1,0]:r", "load v2, w[0]:r",
     "chunk 1, tile 1: operation 2 (load): addresses the weight stream by row or remainder"},
    {"StoreToTheInput", kNeon, "store v0, y[0,0]", "store v0, x[0,0]",
     "chunk 0, tile 0: operation 7 (store): stores outside the output buffer"},
    {"StoreToTheWeights", kNeon, "store v0, y[0,0]", "store v0, w[0]",
     "chunk 0, tile 0: operation 7 (store): stores outside the output buffer"},
    {"SplatFromTheInput", kNeon, "splat_load v5, w[3]", "splat_load v5, x[3,0]",
     "chunk 1, tile 0: operation 8 (splat_load): splats from outside the weight stream"},
    {"FmaLoadFromTheOutput", kMasked, "v0, x[0,0]:16", "v0, y[0,0]:16",
     "chunk 0, tile 0: operation 2 (fma_load): multiplies memory outside the input buffer"},
    {"PrefetchOutOfReach", kNeon, "prefetch x[1,4]", "prefetch x[44739242,8]",
     "chunk 2, tile 0: operation 3 (prefetch): reaches element 536870912, but the limit is 536870911"},
    {"TouchOutsideTheTile", kNeon, "prefetch x[1,4]", "touch x[1,4]",
     "chunk 2, tile 0: operation 3 (touch): touches pixels 4..4, but the tile is 4 wide"},
    {"TouchOfTheOutput", kNeon, "prefetch x[1,4]", "touch y[1,0]",
     "chunk 2, tile 0: operation 3 (touch): touches more than the input buffer"},
    {"OutputReadBeforeAnythingIsThere", kNeon, "load v3, x[0,0]:4", "load v3, y[0,0]:4",
     "chunk 0, tile 0: operation 3 (load): reads output row 0, pixel 0, which no earlier chunk has left there"},
    {"OutputReadAfterAStoreOfTheSameChunk", kNeon, "    store v1, y[1,0]:4\n  tile 2\n    load v0, y",
     "    store v1, y[1,0]:4\n    load v9, y[0,0]:4\n  tile 2\n    load v0, y",
     "chunk 1, tile 0: operation 13 (load): reads output row 0, pixel 0, which no earlier chunk has left there"},
    {"HoleInTheRows", kNeon, "    store v1, y[1,0]:4\n  tile 2\n    load v2, w", "  tile 2\n    load v2, w",
     "chunk 1, tile 0: operation 1 (load): reads output row 1, pixel 0, which no earlier chunk has left there"},
    {"HoleInTheOutput", kNeon, "    store v0, y[2,0]:4\n", "    store v0, y[2,1]:2\n",
     "tile 0: nothing stores output row 2, pixel 0"},
    {"HoleInTheMiddleOfATile", kNeon, "store v0, y[2,0]:4\n", "store v0, y[2,0]:2\n    store v0, y[2,3]:1\n",
     "tile 0: nothing stores output row 2, pixel 2"},
    {"NoStoreInARemainder", kMasked, "    store v31, y[0,0]:r\n", "",
     "chunk 1, tile 1: operation 1 (load): reads output row 0, pixel 0, which no earlier chunk has left there"},
};

const BadProgram kShape[] = {
    {"NoBlock", kNeon, "block 8", "block 0", "pixel block is 0"},
    {"NoStrides", kMasked, "input 40 output 44", "input 0 output 44", "input stride is 0, but must be at least 1"},
    {"InputStrideBelowPixels", kNeon, "input 12", "input 10", "input stride is 10, but there are up to 11 pixels"},
    {"OutputStrideBelowPixels", kNeon, "output 16", "output 10", "output stride is 10, but there are up to 11 pixels"},
    {"BufferPastTheReach", kNeon, "output 16", "output 178956971",
     "a buffer has 536870913 elements, but the limit is 536870911"},
    {"FirstGroupStartsLate", kNeon, "rows 0 2", "rows 1 2", "row group 0 starts at row 1, but row 0 is next"},
    {"GroupsOverlap", kNeon, "rows 2 1", "rows 1 1", "row group 1 starts at row 1, but row 2 is next"},
    {"GroupWithoutRows", kNeon, "rows 2 1", "rows 2 0", "row group 1 starts at row 2, but row 2 is next"},
    {"GroupsEndEarly", kNeon, "shape 3", "shape 4", "row groups cover 3 rows of 4"},
    {"GroupsEndLate", kNeon, "shape 3", "shape 2", "row groups cover 3 rows of 2"},
    {"ChunksOverlap", kNeon, "chunks 2 1", "chunks 1 2", "row group 1 starts at chunk 1, but chunk 2 is next"},
    {"GroupWithoutChunks", kNeon, "chunks 2 1", "chunks 2 0", "row group 1 starts at chunk 2, but chunk 2 is next"},
    {"ChunkLeftOver", kNeon, "group rows 2 1 chunks 2 1\n", "", "row groups cover 2 rows of 3"},
    {"ChunkMissing", kNeon, "chunks 2 1", "chunks 2 2", "row groups have 4 chunks of 3"},
    {"ManyChunksMissing", kNeon, "chunks 2 1", "chunks 2 4294967295", "row groups have 4294967297 chunks of 3"},
    {"SliceStartsPastTheStream", kNeon, "stream 8 2", "stream 11 0",
     "chunk 2 has weights 11 + 0, but the stream has 10"},
    {"SliceEndsPastTheStream", kNeon, "stream 8 2", "stream 8 3", "chunk 2 has weights 8 + 3, but the stream has 10"},
    {"SliceOverflows", kNeon, "stream 8 2", "stream 18446744073709551615 2",
     "chunk 2 has weights 18446744073709551615 + 2, but the stream has 10"},
    {"ChunkWithMoreTiles", kNeon, "end\n", "  tile 3\nend\n", "tile 3: nothing stores output row 2, pixel 0"},
    {"ChunkWithAnotherTile", kNeon, "    store v0, y[2,0]:2\n  tile 1\n", "    store v0, y[2,0]:2\n  tile 3\n",
     "the tiles leave 1 of 3 pixels"},
    {"ChunkWithAnotherKindOfTile", kMasked, "y[0,0]:16\n  tile remainder", "y[0,0]:16\n  tile 0",
     "chunk 1 has another tile 1 than chunk 0"},
};

INSTANTIATE_TEST_SUITE_P(Registers, BadProgramTest, testing::ValuesIn(kRegisters),
                         [](const auto& test) { return test.param.name; });
INSTANTIATE_TEST_SUITE_P(Operations, BadProgramTest, testing::ValuesIn(kOperations),
                         [](const auto& test) { return test.param.name; });
INSTANTIATE_TEST_SUITE_P(Lanes, BadProgramTest, testing::ValuesIn(kLanes),
                         [](const auto& test) { return test.param.name; });
INSTANTIATE_TEST_SUITE_P(Accesses, BadProgramTest, testing::ValuesIn(kAccesses),
                         [](const auto& test) { return test.param.name; });
INSTANTIATE_TEST_SUITE_P(Shape, BadProgramTest, testing::ValuesIn(kShape),
                         [](const auto& test) { return test.param.name; });

/// The tiles of a program without input or output channels to speak of: only their widths matter.
std::string verdict_on_tiles(std::string_view target, std::string_view pixels, uint32_t block, uint32_t stride,
                             const std::vector<std::string>& widths) {
  std::string text = fmt::format(
      "espalier-kernel-program 2\nkernel t target {}\nshape 1 x 0 nonzeros 0\npixels {}\n"
      "strides input {} output {}\nblock {}\nschedule unrolled\nstream 0\ngroup rows 0 1 chunks 0 1\n"
      "chunk stream 0 0 nonzeros 0\n",
      target, pixels, stride, stride, block);
  const uint32_t lanes = find_target("x86_64-linux", "avx512")->vector->lanes;
  for (const std::string& width : widths) {
    text += "  tile " + width + "\n    zero v0\n";
    if (width == "remainder") text += "    store v0, y[0,0]:r\n";
    for (uint32_t at = 0; width != "remainder" && at < static_cast<uint32_t>(std::stoi(width)); at += lanes)
      text += fmt::format("    store v0, y[0,{}]:{}\n", at, std::min<uint32_t>(lanes, std::stoi(width) - at));
  }
  const auto program = parse_kernel_program(text + "end\n");
  if (!program) return program.error().message;
  const Status status = verify(*program);
  return status ? "good" : status.error().message;
}

constexpr std::string_view kAvx512Target = "x86_64-linux cpu avx512";

TEST(VerifyTiles, FixedPixelCountsMustBeConsumed) {
  EXPECT_EQ(verdict_on_tiles(kAvx512Target, "49", 49, 49, {"48", "1"}), "good");
  EXPECT_EQ(verdict_on_tiles(kAvx512Target, "49", 49, 49, {"48"}), "kernel program t: the tiles leave 1 of 49 pixels");
  EXPECT_EQ(verdict_on_tiles(kAvx512Target, "49", 49, 49, {}), "kernel program t: the tiles leave 49 of 49 pixels");
  EXPECT_EQ(verdict_on_tiles(kAvx512Target, "49", 1000, 49, {"7"}), "good");
}

TEST(VerifyTiles, TheFullBlockAndTheLastBlockAreBothChecked) {
  EXPECT_EQ(verdict_on_tiles(kAvx512Target, "41", 32, 41, {"16", "9"}), "good");
  EXPECT_EQ(verdict_on_tiles(kAvx512Target, "41", 32, 41, {"16", "8"}),
            "kernel program t: the tiles leave 1 of 9 pixels");
  EXPECT_EQ(verdict_on_tiles(kAvx512Target, "41", 32, 41, {"9"}), "kernel program t: the tiles leave 5 of 32 pixels");
  EXPECT_EQ(verdict_on_tiles(kAvx512Target, "64", 32, 64, {"16"}), "good");
}

TEST(VerifyTiles, AllRunTimePixelCountsMustBeConsumed) {
  EXPECT_EQ(verdict_on_tiles(kAvx512Target, "any", 64, 64, {"32", "16", "remainder"}), "good");
  EXPECT_EQ(verdict_on_tiles(kAvx512Target, "any", 64, 64, {"16", "1"}), "good");
  EXPECT_EQ(verdict_on_tiles(kAvx512Target, "any", 64, 64, {"16"}), "kernel program t: the tiles leave 1 of 1 pixels");
  EXPECT_EQ(verdict_on_tiles(kAvx512Target, "any", 64, 64, {}), "kernel program t: the tiles leave 1 of 1 pixels");
  EXPECT_EQ(verdict_on_tiles(kAvx512Target, "any", 64, 64, {"16", "2"}),
            "kernel program t: the tiles leave 1 of 1 pixels");
  EXPECT_EQ(verdict_on_tiles(kAvx512Target, "any", 64, 64, {"32", "remainder"}),
            "kernel program t: the tiles leave 16 of 16 pixels");
  EXPECT_EQ(verdict_on_tiles(kAvx512Target, "any", 15, 64, {"remainder"}), "good");
  EXPECT_EQ(verdict_on_tiles(kAvx512Target, "any", 64, 15, {"remainder"}), "good");
}

TEST(VerifyTiles, RunTimePixelsAgreeWithTryingEveryCount) {
  SeededRandom random(5);
  int good = 0;
  for (int round = 0; round < 300; ++round) {
    const uint32_t block = 1 + static_cast<uint32_t>(random.next() % 40);
    std::vector<uint32_t> widths;
    std::vector<std::string> names;
    for (uint64_t n = random.next() % 4; n > 0; --n) widths.push_back(1 + static_cast<uint32_t>(random.next() % 20));
    for (const uint32_t width : widths) names.push_back(std::to_string(width));
    const bool remainder = random.next() % 2;
    if (remainder) names.push_back("remainder");
    std::string expected = "good";
    for (uint32_t pixels = 1; pixels <= block && expected == "good"; ++pixels) {
      uint32_t left = pixels;
      for (const uint32_t width : widths) left %= width;
      if (remainder && left < 16) left = 0;
      if (left) expected = fmt::format("kernel program t: the tiles leave {} of {} pixels", left, pixels);
    }
    good += expected == "good";
    EXPECT_EQ(verdict_on_tiles(kAvx512Target, "any", block, 64, names), expected);
  }
  EXPECT_GT(good, 30);
}

TEST(VerifyTiles, HugeBlocksTakeNoTime) {
  EXPECT_EQ(verdict_on_tiles(kAvx512Target, "any", 0xffffffff, 0x1fffffff, {"16", "remainder"}), "good");
}

TEST(VerifyTiles, RemaindersNeedMasksAndTheLastPlace) {
  EXPECT_EQ(verdict_on_tiles("aarch64-linux cpu neon", "any", 8, 8, {"4", "remainder"}),
            "kernel program t: tile 1 takes the remainder, but is not last or neon has no masks");
  EXPECT_EQ(verdict_on_tiles(kAvx512Target, "any", 8, 8, {"remainder", "4"}),
            "kernel program t: tile 0 takes the remainder, but is not last or avx512 has no masks");
  EXPECT_EQ(verdict_on_tiles(kAvx512Target, "any", 8, 8, {"0", "1"}), "kernel program t: tile 0 has width 0");
}

TEST(VerifyTiles, ARemainderTileOfSomeWidthIsRefused) {
  auto program = *parse_kernel_program(kMasked);
  for (Chunk& chunk : program.chunks) chunk.tiles[1].width = 3;
  EXPECT_EQ(verify(program).error().message, "kernel program masked: tile 1 has width 3");
}

TEST(Verify, AnnouncedSizesReserveNoMemory) {
  // 2^29 - 1 pixels wide, so a map of its outputs would take 2 GiB.
  std::string text = kMasked;
  for (int chunk = 0; chunk < 2; ++chunk) text = replaced(text, "  tile 16\n", "  tile 536870911\n");
  text = replaced(text, "block 32", "block 15");
  const auto program = parse_kernel_program(text);
  ASSERT_TRUE(program);
  EXPECT_EQ(verify(*program).error().message,
            "kernel program masked: tile 0: stores reach at most 32 of 536870911 output elements");
}

TEST(Verify, AProgramWithoutTargetIsRefused) {
  KernelProgram program;
  program.name = "none";
  program.pixel_block = 1;
  EXPECT_EQ(verify(program).error().message, "kernel program none: no target");
}

TEST(Verify, AWeightAccessWithARowIsRefused) {
  auto program = *parse_kernel_program(kNeon);  // the text has no such access
  program.chunks[0].tiles[0].ops[0].row = 1;
  EXPECT_EQ(
      verify(program).error().message,
      "kernel program good: chunk 0, tile 0: operation 0 (load): addresses the weight stream by row or remainder");
}

TEST(Verify, AMatrixWithoutRowsNeedsNoChunks) {
  const std::string text =
      "espalier-kernel-program 2\nkernel empty target wasm32 cpu simd128\nshape 0 x 5 nonzeros 0\npixels 7\n"
      "strides input 7 output 7\nblock 7\nschedule unrolled\nstream 0\nend\n";
  EXPECT_TRUE(verify(*parse_kernel_program(text)));
}

TEST(Verify, PrefetchesMayLeaveTheBufferAndAStoreMayBeRepeated) {
  std::string text = replaced(kNeon, "prefetch x[1,4]", "prefetch x[400,4]");
  text = replaced(text, "    store v0, y[2,0]:4\n", "    store v0, y[2,0]:4\n    store v0, y[2,0]:4\n");
  EXPECT_TRUE(verify(*parse_kernel_program(text)));
}

}  // namespace
}  // namespace espalier
