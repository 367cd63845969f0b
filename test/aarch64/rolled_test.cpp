// Loops, pointers, cursors and panels as AArch64 code: which instructions they become, and the answers under an
// emulator.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/aarch64/aarch64_assembler.h"
#include "backends/mc/assembly_listing.h"
#include "test/aarch64/emulator.h"
#include "test/support/random_rolled_program.h"

namespace espalier {
namespace {

using test::EmulatedCase;
using test::expect_emulated_answers;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

#define SKIP_WITHOUT_EMULATOR() \
  if (const std::string reason = test::emulator_missing(); !reason.empty()) GTEST_SKIP() << reason

/// What a program has around its operations; one row group, one chunk.
struct Frame {
  std::string cpu = "cortex-a76";
  uint32_t rows = 1, columns = 4;
  uint32_t pixels = 4, block = 4, multiple = 1;
  uint32_t input_stride = 4, output_stride = 4, input_panel = 0, output_panel = 0;
  std::vector<uint32_t> indices = {};
  uint32_t index_bytes = 2, index_shift = 0;
  uint32_t weights = 8;
};

/// `tiles` in the text form; weights are 1/8, 2/8, ... up to 5/8 with changing signs.
KernelProgram program_of(const Frame& f, const std::string& tiles) {
  std::string floats, entries;
  for (uint32_t i = 0; i < f.weights; ++i) floats += fmt::format(".float {}0x{}p-3\n", i % 3 ? "" : "-", i % 5 + 1);
  for (const uint32_t entry : f.indices) entries += fmt::format(".index {}\n", entry);
  const std::string text = fmt::format(
      "espalier-kernel-program 2\nkernel k target aarch64-linux cpu {}\nshape {} x {} nonzeros 0\npixels {}\n"
      "strides input {} output {}\npanels input {} output {}\nblock {}\nmultiple {}\nschedule unrolled\n"
      "stream {}\n{}indices {} bytes {} shift {}\n{}group rows 0 {} chunks 0 1\n"
      "chunk stream 0 {} indices 0 {} nonzeros 0\n{}end\n",
      f.cpu, f.rows, f.columns, f.pixels, f.input_stride, f.output_stride, f.input_panel, f.output_panel, f.block,
      f.multiple, f.weights, floats, f.indices.size(), f.index_bytes, f.index_shift, entries, f.rows, f.weights,
      f.indices.size(), tiles);
  auto program = parse_kernel_program(text);
  EXPECT_TRUE(program) << program.error().message;
  return *program;
}

std::string listing_of(const KernelProgram& program) {
  const auto chunks = assemble_aarch64(program);
  EXPECT_TRUE(chunks) << chunks.error().message;
  const auto text = print_assembly({&program, *chunks}, program.target);
  EXPECT_TRUE(text);
  return *text;
}
std::string listing_of(const Frame& frame, const std::string& tiles) { return listing_of(program_of(frame, tiles)); }

/// "\top\toperands\n" lines, without the offsets in front.
std::string lines(std::initializer_list<std::string_view> instructions) {
  std::string text;
  for (const std::string_view i : instructions) text += fmt::format("{}{}", text.empty() ? "" : "\n", i);
  return text;
}
std::string without_offsets(const std::string& listing) {
  std::string text;
  for (size_t at = 0; at < listing.size();) {
    const size_t end = listing.find('\n', at), tab = listing.find('\t', at);
    text += tab < end ? listing.substr(tab + 1, end - tab) : "";
    at = end + 1;
  }
  return text;
}

TEST(AArch64Rolled, CountsALoopDownInARegister) {
  EXPECT_THAT(without_offsets(listing_of({}, "tile 4\nloop 70000\nadvance w, 1\nend_loop\n")),
              HasSubstr(lines({"mov\tx11, #4464", "movk\tx11, #1, lsl #16", "add\tx2, x2, #4", "subs\tx11, x11, #1",
                               "b.ne\t#-8"})));
}

TEST(AArch64Rolled, SkipsALoopOfNoTurns) {
  const Frame frame{.indices = {0, 3}};
  EXPECT_THAT(
      without_offsets(listing_of(frame, "tile 4\nloop_indexed i[1]\nadvance i, 0\nend_loop\n")),
      HasSubstr(lines({"ldrh\tw11, [x4, #2]", "cbz\tx11, #16", "add\tx4, x4, #0", "subs\tx11, x11, #1", "b.ne\t#-8"})));
}

TEST(AArch64Rolled, PointsByOneLoadAndOneShiftedAddition) {
  const std::string tile = "tile 4\npoint p0, i[1]\npoint p3, i[2]\npoint q0, i[3]\n";
  EXPECT_THAT(without_offsets(listing_of({.indices = {0, 0, 0, 0}}, tile)),
              HasSubstr(lines({"ldrh\tw6, [x4, #2]", "add\tx6, x0, x6, lsl #2", "ldrh\tw9, [x4, #4]",
                               "add\tx9, x0, x9, lsl #2", "ldrh\tw10, [x4, #6]", "add\tx10, x1, x10, lsl #2"})));
  EXPECT_THAT(without_offsets(listing_of({.indices = {0, 0, 0, 0}, .index_bytes = 4, .index_shift = 1}, tile)),
              HasSubstr(lines({"ldr\tw6, [x4, #4]", "add\tx6, x0, x6, lsl #3"})));
}

constexpr const char* kFourPoints = "point p0, i[1]\npoint p1, i[2]\npoint p2, i[3]\npoint p3, i[4]\n";

/// The first turn's entries come before the loop, every turn loads the next one's.
TEST(AArch64Rolled, LoadsTheEntriesOfFourPointersATurnAhead) {
  const Frame frame{.columns = 8, .indices = {2, 0, 4, 8, 12, 16, 20, 24, 28, 0, 0, 0}};
  const std::string sums = "load v1, p0[0]:4\nload v2, p1[0]:4\nload v3, p2[0]:4\nload v4, p3[0]:4\n";
  const std::string loop = "loop_indexed i[0]\n" + std::string(kFourPoints) + sums + "advance i, 4\nend_loop\n";
  const std::string text = without_offsets(listing_of(frame, "tile 4\n" + loop));
  EXPECT_THAT(text, HasSubstr(lines({"ldur\tx17, [x4, #2]", "add\tx6, x0, w17, uxth #2", "ubfx\tx7, x17, #16, #16"})));
  EXPECT_THAT(text, HasSubstr(lines({"ldur\tx17, [x4, #10]", "ldr\tq1, [x6]"})));
}

TEST(AArch64Rolled, LoadsFourWordsATurnAhead) {
  const Frame frame{.columns = 8, .indices = std::vector<uint32_t>(12, 1), .index_bytes = 4};
  const std::string loop =
      "loop_indexed i[0]\n" + std::string(kFourPoints) + "load v1, p3[0]:4\nadvance i, 4\nend_loop\n";
  const std::string text = without_offsets(listing_of(frame, "tile 4\n" + loop));
  EXPECT_THAT(text, HasSubstr(lines({"ldur\tx17, [x4, #4]", "ldur\tx16, [x4, #12]", "add\tx6, x0, w17, uxtw #2",
                                     "lsr\tx7, x17, #32", "add\tx7, x0, x7, lsl #2", "add\tx8, x0, w16, uxtw #2"})));
  EXPECT_THAT(text, HasSubstr(lines({"ldur\tx17, [x4, #20]", "ldur\tx16, [x4, #28]"})));
}

constexpr const char* kFourMorePoints = "point p0, i[5]\npoint p1, i[6]\npoint p2, i[7]\npoint p3, i[8]\n";
std::string eight_points() {
  return "tile 4\nloop_indexed i[0]\n" + std::string(kFourPoints) + "load v1, p3[0]:4\n" + kFourMorePoints +
         "load v2, p3[0]:4\nadvance i, 8\nend_loop\n";
}

/// A load of two registers has no place for offsets that are not multiples of 8, so the entries have a cursor.
TEST(AArch64Rolled, LoadsTheEntriesOfEightPointersByOneInstruction) {
  const Frame frame{.columns = 8, .indices = std::vector<uint32_t>(20, 0)};
  const std::string text = without_offsets(listing_of(frame, eight_points()));
  EXPECT_THAT(text, HasSubstr(lines({"add\tx15, x4, #2", "ldp\tx17, x16, [x15], #16", "add\tx6, x0, w17, uxth #2",
                                     "ubfx\tx7, x17, #16, #16"})));
  EXPECT_THAT(text, HasSubstr(lines({"ldr\tq1, [x9]", "add\tx6, x0, w16, uxth #2", "ubfx\tx7, x16, #16, #16"})));
  EXPECT_THAT(
      text,
      HasSubstr(lines({"add\tx9, x0, x9, lsl #2", "ldp\tx17, x16, [x15], #16", "ldr\tq2, [x9]", "add\tx4, x4, #16"})));
}

TEST(AArch64Rolled, LoadsEightWordsATurnAhead) {
  const Frame frame{.columns = 8, .indices = std::vector<uint32_t>(20, 0), .index_bytes = 4, .index_shift = 2};
  const std::string text = without_offsets(listing_of(frame, eight_points()));
  EXPECT_THAT(text, HasSubstr(lines({"ldur\tx17, [x4, #4]", "ldur\tx16, [x4, #12]", "ldur\tx15, [x4, #20]",
                                     "ldur\tx14, [x4, #28]", "add\tx6, x0, w17, uxtw #4"})));
  EXPECT_THAT(text, HasSubstr(lines({"add\tx6, x0, w15, uxtw #4", "lsr\tx7, x15, #32", "add\tx7, x0, x7, lsl #4",
                                     "add\tx8, x0, w14, uxtw #4"})));
  EXPECT_THAT(text, HasSubstr(lines({"ldur\tx17, [x4, #36]", "ldur\tx16, [x4, #44]", "ldur\tx15, [x4, #52]",
                                     "ldur\tx14, [x4, #60]", "ldr\tq2, [x9]"})));
}

TEST(AArch64Rolled, LoadsNoEntriesAheadWhereWindowsOrLoopsAreInTheWay) {
  const Frame frame{.columns = 20'000, .indices = std::vector<uint32_t>(12, 1)};
  const std::string begin = "tile 4\nloop_indexed i[0]\n" + std::string(kFourPoints);
  for (const std::string& body :
       std::vector<std::string>{"load v0, x[19999,0]:4\n", "loop 2\nadvance i, 1\nend_loop\n", "load v0, w[5001]:4\n",
                                "point p0, i[5]\n", "prefetch w[0]\n", std::string(kFourMorePoints) + kFourPoints}) {
    const std::string text = without_offsets(listing_of(frame, begin + body + "advance i, 4\nend_loop\n"));
    EXPECT_THAT(text, AllOf(HasSubstr("ldur\tx9, [x4, #2]"), Not(HasSubstr("ldur\tx17")))) << body;
  }
}

TEST(AArch64Rolled, PointsFromTheTilesOwnXWhereLoopsMoveIt) {
  const std::string text =
      without_offsets(listing_of({.indices = {0}}, "tile 4\nadvance x, 2\npoint p0, i[0]\nload v0, x[0,0]:4\n"));
  EXPECT_THAT(text, HasSubstr(lines({"add\tx5, x0, #0", "add\tx0, x0, #32", "ldrh\tw6, [x4]", "add\tx6, x5, x6, lsl #2",
                                     "ldr\tq0, [x0]", "add\tx0, x5, #0", "add\tx0, x0, #16"})));
}

TEST(AArch64Rolled, MovesCursorsBackAtTheEndOfARound) {
  const Frame frame{.indices = std::vector<uint32_t>(4000), .index_bytes = 4, .weights = 600};
  EXPECT_THAT(without_offsets(listing_of(frame, "tile 4\nloop 200\nadvance w, 3\nadvance i, 20\nend_loop\n")),
              HasSubstr(lines({"subs\tx2, x2, #2400", "mov\tx13, #16000", "subs\tx4, x4, x13", "add\tx0, x0, #16"})));
}

TEST(AArch64Rolled, StepsFromPanelToPanel) {
  Frame frame{.rows = 200, .columns = 20'000, .pixels = 16, .input_panel = 4, .output_panel = 4};
  EXPECT_THAT(without_offsets(listing_of(frame, "tile 4\nzero v0\n")),
              HasSubstr(lines({"mov\tx4, #57856", "movk\tx4, #4, lsl #16", "add\tx0, x0, x4", "add\tx1, x1, #3200"})));
  frame.input_stride = frame.output_stride = frame.input_panel = frame.output_panel = 8;
  EXPECT_THAT(without_offsets(listing_of(frame, "tile 4\nzero v0\n")),
              HasSubstr(lines({"add\tx0, x0, #16", "add\tx1, x1, #16"})));
}

TEST(AArch64Rolled, KeepsTheIndicesThroughStraightTiles) {
  const Frame frame{.columns = 300, .pixels = 5, .block = 5, .input_stride = 5001, .indices = {0}, .index_bytes = 4};
  std::string straight = "tile 4\n";
  for (int row = 0; row < 300; ++row) straight += fmt::format("load v0, x[{},0]:4\n", row);
  EXPECT_THAT(listing_of(frame, straight), HasSubstr("\tx4, x0, #"));
  const std::string mixed = listing_of(frame, straight + "tile 1\npoint p0, i[0]\nload v0, p0[0]:1\n");
  EXPECT_THAT(mixed, Not(HasSubstr("\tx4, ")));
  EXPECT_THAT(mixed, HasSubstr("\tx5, x0, #"));
}

/// Two loads of a rolled tile.
std::string two_loads(const std::string& first, const std::string& second, const std::string& cpu = "cortex-a76") {
  const Frame frame{
      .cpu = cpu, .pixels = 4000, .block = 4000, .input_stride = 4000, .output_stride = 4000, .indices = {0}};
  return listing_of(frame, fmt::format("tile 4000\npoint p0, i[0]\npoint p1, i[0]\nload {}\nload {}\n", first, second));
}

TEST(AArch64Rolled, LoadsNeighboursAsPairs) {
  EXPECT_THAT(two_loads("v3, p0[8]:4", "v9, p0[12]:4"), HasSubstr("ldp\tq3, q9, [x6, #32]"));
  EXPECT_THAT(two_loads("v3, p0[252]:4", "v4, p0[256]:4"), HasSubstr("ldp\tq3, q4, [x6, #1008]"));
  EXPECT_THAT(two_loads("v3, x[0,0]:4", "v4, x[0,4]:4"), HasSubstr("ldp\tq3, q4, [x0]"));
  EXPECT_THAT(two_loads("v3, w[0]:4", "v4, w[4]:4"), HasSubstr("ldp\tq3, q4, [x2]"));
}

TEST(AArch64Rolled, LoadsTwoOfThreeNeighboursAsPairsWherePairsTakeManySlots) {
  std::string tile = "tile 24\npoint p0, i[0]\n";
  for (int v = 0; v < 6; ++v) tile += fmt::format("load v{}, p0[{}]:4\n", v, 4 * v);
  const Frame frame{
      .cpu = "cortex-a72", .pixels = 24, .block = 24, .input_stride = 24, .output_stride = 24, .indices = {0}};
  EXPECT_THAT(
      without_offsets(listing_of(frame, tile)),
      HasSubstr(lines({"ldp\tq0, q1, [x6]", "ldp\tq2, q3, [x6, #32]", "ldr\tq4, [x6, #64]", "ldr\tq5, [x6, #80]"})));
}

TEST(AArch64Rolled, LoadsOthersOneByOne) {
  const std::pair<const char*, const char*> kOthers[] = {
      {"v3, p0[8]:4", "v3, p0[12]:4"},     // one register
      {"v3, p0[8]:4", "v4, p1[12]:4"},     // two pointers
      {"v3, p0[12]:4", "v4, p0[8]:4"},     // backwards
      {"v3, p0[8]:4", "v4, p0[16]:4"},     // a gap
      {"v3, p0[8]:2", "v4, p0[10]:2"},     // halves
      {"v3, p0[256]:4", "v4, p0[260]:4"},  // out of reach
      {"v3, p0[9]:4", "v4, p0[13]:4"},     // not aligned to the pointer
  };
  // LLVM does not print a pair that loads one register twice.
  for (const auto& [first, second] : kOthers)
    EXPECT_THAT(two_loads(first, second), AllOf(Not(HasSubstr("ldp")), Not(HasSubstr("unknown")))) << first;
  EXPECT_THAT(two_loads("v3, p0[8]:4", "v4, p0[12]:4", "cortex-a55"), Not(HasSubstr("ldp")));
  EXPECT_THAT(listing_of({.pixels = 8, .block = 8, .input_stride = 8, .output_stride = 8},
                         "tile 8\nload v3, x[0,0]:4\nload v4, x[0,4]:4\n"),
              Not(HasSubstr("ldp")));
}

TEST(AArch64Rolled, ReachesFarFromPointersAndCursors) {
  const Frame frame{.pixels = 20000,
                    .block = 20000,
                    .input_stride = 20000,
                    .output_stride = 20000,
                    .indices = std::vector<uint32_t>(5000)};
  EXPECT_THAT(without_offsets(listing_of(frame,
                                         "tile 20000\npoint p1, i[4999]\nload v0, p1[65]:4\n"
                                         "load v0, p1[17001]:4\nload v0, x[0,65]:4\n")),
              HasSubstr(lines({"mov\tx7, #9998", "add\tx7, x4, x7", "ldrh\tw7, [x7]", "add\tx7, x0, x7, lsl #2",
                               "add\tx13, x7, #260", "ldr\tq0, [x13]", "mov\tx13, #2468", "movk\tx13, #1, lsl #16",
                               "add\tx13, x7, x13", "ldr\tq0, [x13]", "add\tx14, x0, #260", "ldr\tq0, [x14]"})));
}

// ---- answers ----

TEST(AArch64RolledAnswers, EqualTheInterpreterOnRandomPrograms) {
  SKIP_WITHOUT_EMULATOR();
  std::vector<EmulatedCase> cases;
  for (uint64_t seed = 0; seed < 240; ++seed) {
    const char* cpu = seed % 3 == 0 ? "cortex-a55" : seed % 3 == 1 ? "cortex-a72" : "cortex-a76";
    const Target target = *find_target("aarch64-linux", cpu);
    KernelProgram p = test::random_rolled_program(target, seed);
    std::vector<uint32_t> pixels = {test::random_pixels(p, seed)};
    if (p.pixels == 0) pixels = {0, 1, pixels[0], test::random_pixels(p, seed + 1000)};
    cases.push_back({std::move(p), std::move(pixels)});
  }
  expect_emulated_answers(std::move(cases));
}

/// Accesses with all pointers and cursors at offsets that no single instruction reaches.
EmulatedCase far_case(uint32_t index_bytes, uint32_t stride) {
  Frame frame{.rows = 3, .columns = 40, .pixels = 11, .block = 8, .input_stride = stride, .output_stride = 12};
  frame.indices.assign(5000, 0);
  frame.index_bytes = index_bytes, frame.index_shift = 1, frame.weights = 17'100;
  for (const uint32_t row : {0u, 1u, 2u}) {
    frame.indices.push_back(row * 12 / 2);
    for (const uint32_t turns : {row, 2 * row + 1}) {
      frame.indices.push_back(turns);
      for (uint32_t n = 0; n < turns; ++n) frame.indices.push_back((7 * n + row) % 2 * stride / 2);
    }
  }
  std::string tiles;
  for (const uint32_t lanes : {4, 2, 1}) {
    tiles += fmt::format("tile {}\nloop 3\npoint q0, i[5000]\nsplat_load v0, w[17000]\n", lanes);
    tiles += "load v1, w[17001]:4\nload v2, w[17005]:3\n";
    for (const int loop : {1, 2}) {
      tiles += fmt::format("loop_indexed i[{}]\nprefetch p0[0]\npoint p{}, i[{}]\nprefetch p{}[70001]\n", 5000 + loop,
                           loop, 5001 + loop, loop);
      tiles += fmt::format("load v3, p{}[0]:{}\nfma_lane v0, v3, v1.{}\n", loop, lanes, loop);
      for (const int row : {1, 7, 25})
        tiles += fmt::format("load v3, x[{},0]:{}\nfma_lane v0, v3, v2.{}\n", row, lanes, row % 3);
      tiles += "advance x, 1\nadvance w, 1\nadvance i, 1\nend_loop\n";
    }
    tiles += fmt::format("store v0, q0[0]:{}\nprefetch_far q0[5000]\nadvance i, 3\nend_loop\n", lanes);
  }
  return {program_of(frame, tiles), {11}};
}

TEST(AArch64RolledAnswers, EqualTheInterpreterWithFarOffsets) {
  SKIP_WITHOUT_EMULATOR();
  std::vector<EmulatedCase> cases;
  for (const uint32_t stride : {12u, 1022u, 20'002u, 300'002u})
    cases.push_back(far_case(stride > 100'000 ? 4 : 2, stride));
  expect_emulated_answers(std::move(cases));
}

/// Vectors that no pointer reaches: behind 256 bytes, not aligned to it.
TEST(AArch64RolledAnswers, EqualTheInterpreterOnOddColumnsOfWideTiles) {
  SKIP_WITHOUT_EMULATOR();
  const Frame frame{.columns = 2,
                    .pixels = 162,
                    .block = 162,
                    .input_stride = 162,
                    .output_stride = 162,
                    .indices = {81, 0},
                    .index_shift = 1};
  std::string tile = "tile 81\npoint p2, i[0]\npoint q0, i[1]\nload v0, p2[0]:1\nstore v0, q0[0]:1\n";
  for (uint32_t column = 1; column < 81; column += 8)
    tile += fmt::format("load v0, p2[{0}]:4\nload v1, p2[{1}]:4\nstore v0, q0[{0}]:4\nstore v1, q0[{1}]:4\n", column,
                        column + 4);
  expect_emulated_answers({{program_of(frame, tile), {162}}});
}

/// The rolled tile comes after a straight one that moves its windows through all free registers, and before another.
TEST(AArch64RolledAnswers, EqualTheInterpreterOnStraightAndRolledTilesInTurns) {
  SKIP_WITHOUT_EMULATOR();
  Frame frame{.columns = 60, .pixels = 15, .block = 15, .input_stride = 5001, .output_stride = 15, .indices = {7}};
  frame.index_bytes = 4;
  frame.indices.insert(frame.indices.end(), {0, 5001, 10002, 15003, 20004, 295059, 15003});
  std::string tiles;
  for (const uint32_t width : {8, 4, 2, 1}) {
    tiles += fmt::format("tile {}\nsplat_load v0, w[0]\nsplat_load v2, w[0]\nload v4, w[1]:4\n", width);
    const uint32_t lanes = std::min(4u, width);
    const bool straight = width == 8 || width == 2;
    if (!straight) tiles += "loop_indexed i[0]\npoint p3, i[1]\n";
    for (int row = 0; row < (straight ? 60 : 1); ++row)
      for (uint32_t column = 0; column < width; column += 4)
        tiles += fmt::format("load v{0}, {1}{2}]:{3}\nfma_lane v{4}, v{0}, v4.{5}\n", column + 1,
                             straight ? fmt::format("x[{},", row) : "p3[", column, lanes, column / 2, row % 4);
    if (!straight) tiles += "advance i, 1\nend_loop\n";
    for (uint32_t column = 0; column < width; column += 4)
      tiles += fmt::format("store v{}, y[0,{}]:{}\n", column / 2, column, lanes);
  }
  expect_emulated_answers({{program_of(frame, tiles), {15}}});
}

TEST(AArch64RolledAnswers, HoldForLoopsBeyondTheReachOfConditionalBranches) {
  SKIP_WITHOUT_EMULATOR();
  std::string tile = "tile 4\nzero v0\nload v1, w[0]:4\nloop 2\n";
  for (const int entry : {0, 1}) {
    tile += fmt::format("loop_indexed i[{}]\npoint p0, i[2]\nload v2, p0[0]:4\n", entry);
    for (int i = 0; i < 270'000; ++i) tile += fmt::format("fma_lane v0, v2, v1.{}\n", i % 4);
    tile += "advance w, 1\nend_loop\n";
  }
  tile += "advance i, 1\nend_loop\nstore v0, y[0,0]:4\n";
  expect_emulated_answers({{program_of({.indices = {0, 2, 0, 4}}, tile), {4}}});
}

}  // namespace
}  // namespace espalier
