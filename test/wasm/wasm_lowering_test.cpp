// Every micro-operation becomes the instructions that were promised.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "backends/wasm/chunk_body.h"
#include "backends/wasm/wasm_module.h"

namespace espalier::wasm {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;

KernelProgram program_on(std::string_view cpu) {
  KernelProgram p;
  p.name = "k";
  p.target = *find_target("wasm32", cpu);
  p.output_channels = 8, p.input_channels = 8;
  p.input_stride = 100, p.output_stride = 200;
  p.pixel_block = 64;
  return p;
}

std::string code_of(const KernelProgram& program, const Chunk& chunk) {
  const auto mc = McTarget::create("wasm32-unknown-unknown", "generic", "");
  const auto encodings = Encodings::create(**mc);
  CodeWriter code(*encodings);
  const Status status = write_chunk_body(program, chunk, code);
  return status ? std::string(code.code()) : status.error().message;
}

/// `   4:  local.get  3   # comment` is "local.get 3".
std::string instruction_of(const std::string& line) {
  std::istringstream words(line.substr(line.find(':') + 1, line.find('#') - line.find(':') - 1));
  std::string joined;
  for (std::string word; words >> word;) joined += (joined.empty() ? "" : " ") + word;
  return joined;
}

/// The function's instructions, without operands' comments and offsets, one string each.
std::vector<std::string> disassembled(const KernelProgram& program, const Chunk& chunk) {
  const auto mc = McTarget::create("wasm32-unknown-unknown", "generic", "+simd128,+relaxed-simd");
  const auto encodings = Encodings::create(**mc);
  CodeWriter code(*encodings);
  const Status status = write_chunk_body(program, chunk, code);
  if (!status) return {status.error().message};
  const auto groups = static_cast<size_t>(code.code()[0]);  // of locals: a count and a type each
  const std::string text = (*mc)->disassemble(code.code().substr(1 + 2 * groups));
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(instruction_of(line));
  return lines;
}

std::vector<std::string> lowered(std::string_view cpu, const MicroOp& op) {
  const KernelProgram program = program_on(cpu);
  std::vector<std::string> lines = disassembled(program, {.tiles = {{4, false, {op}}}});
  const auto loop = std::find(lines.begin(), lines.end(), "loop");
  const auto advance =
      std::search_n(lines.begin(), lines.end(), 1, "local.get 0", [&](const std::string& a, const char* b) {
        const auto next = &a + 1;
        return a == b && next < lines.data() + lines.size() && *next == "i32.const 16";
      });
  if (loop == lines.end()) return lines;
  return {loop + 1, advance};
}

// Locals: x 0, y 1, w 2, pixels 3, i 4, register v<i> 5 + i.
struct Lowering {
  const char* what;
  std::string_view cpu;
  MicroOp op;
  std::vector<std::string> code;
};

const Lowering kLowerings[] = {
    {"Zero", "simd128", {.op = Op::kZero, .d = 3}, {"v128.const 0, 0, 0, 0", "local.set 8"}},
    {"Copy", "simd128", {.op = Op::kCopy, .d = 3, .a = 2}, {"local.get 7", "local.set 8"}},
    {"LoadX4",
     "simd128",
     {.op = Op::kLoad, .d = 1, .buffer = Buffer::kX, .lanes = 4, .row = 2, .column = 3},
     {"local.get 0", "v128.load 812:p2align=2", "local.set 6"}},
    {"LoadX2",
     "simd128",
     {.op = Op::kLoad, .d = 1, .buffer = Buffer::kX, .lanes = 2, .row = 0, .column = 2},
     {"local.get 0", "v128.load64_zero 8:p2align=2", "local.set 6"}},
    {"LoadX1",
     "simd128",
     {.op = Op::kLoad, .d = 1, .buffer = Buffer::kX, .lanes = 1, .row = 1, .column = 0},
     {"local.get 0", "v128.load32_zero 400", "local.set 6"}},
    {"LoadY4",
     "simd128",
     {.op = Op::kLoad, .d = 0, .buffer = Buffer::kY, .lanes = 4, .row = 1, .column = 0},
     {"local.get 1", "v128.load 800:p2align=2", "local.set 5"}},
    {"LoadW4",
     "simd128",
     {.op = Op::kLoad, .d = 0, .buffer = Buffer::kW, .lanes = 4, .column = 12},
     {"local.get 2", "v128.load 48:p2align=2", "local.set 5"}},
    {"LoadW3",
     "simd128",
     {.op = Op::kLoad, .d = 0, .buffer = Buffer::kW, .lanes = 3, .column = 12},
     {"local.get 2", "local.get 2", "v128.load64_zero 48:p2align=2", "v128.load32_lane 56, 2", "local.set 5"}},
    {"Store4",
     "simd128",
     {.op = Op::kStore, .d = 2, .buffer = Buffer::kY, .lanes = 4, .row = 3, .column = 4},
     {"local.get 1", "local.get 7", "v128.store 2416:p2align=2"}},
    {"Store2",
     "simd128",
     {.op = Op::kStore, .d = 2, .buffer = Buffer::kY, .lanes = 2, .row = 0, .column = 0},
     {"local.get 1", "local.get 7", "v128.store64_lane 0:p2align=2, 0"}},
    {"Store1",
     "simd128",
     {.op = Op::kStore, .d = 2, .buffer = Buffer::kY, .lanes = 1, .row = 0, .column = 3},
     {"local.get 1", "local.get 7", "v128.store32_lane 12, 0"}},
    {"SplatLoad",
     "simd128",
     {.op = Op::kSplatLoad, .d = 9, .buffer = Buffer::kW, .column = 5},
     {"local.get 2", "v128.load32_splat 20", "local.set 14"}},
    {"SplatLane0",
     "simd128",
     {.op = Op::kSplatLane, .d = 1, .a = 2, .lane = 0},
     {"local.get 7", "local.get 7", "i8x16.shuffle 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3", "local.set 6"}},
    {"SplatLane3",
     "simd128",
     {.op = Op::kSplatLane, .d = 1, .a = 2, .lane = 3},
     {"local.get 7", "local.get 7", "i8x16.shuffle 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15",
      "local.set 6"}},
    {"FmaInTwoSteps",
     "simd128",
     {.op = Op::kFma, .d = 0, .a = 1, .b = 2},
     {"local.get 5", "local.get 6", "local.get 7", "f32x4.mul", "f32x4.add", "local.set 5"}},
    {"Max", "simd128", {.op = Op::kMax, .d = 0, .a = 1}, {"local.get 6", "local.get 5", "f32x4.pmax", "local.set 5"}},
    {"Min", "simd128", {.op = Op::kMin, .d = 0, .a = 1}, {"local.get 6", "local.get 5", "f32x4.pmin", "local.set 5"}},
    {"Prefetch", "simd128", {.op = Op::kPrefetch, .buffer = Buffer::kX, .row = 7, .column = 99}, {}},
    {"PrefetchFar", "simd128", {.op = Op::kPrefetchFar, .buffer = Buffer::kX, .row = 7, .column = 99}, {}},
    {"Touch",
     "simd128",
     {.op = Op::kTouch, .buffer = Buffer::kX, .row = 1, .column = 2},
     {"local.get 0", "i32.load 408", "drop"}},
    {"HighRegister", "simd128", {.op = Op::kZero, .d = 200}, {"v128.const 0, 0, 0, 0", "local.set 205"}},
};

class WasmLowering : public testing::TestWithParam<Lowering> {};

TEST_P(WasmLowering, IsWhatWasPromised) {
  EXPECT_THAT(lowered(GetParam().cpu, GetParam().op), ElementsAreArray(GetParam().code));
}
INSTANTIATE_TEST_SUITE_P(Op, WasmLowering, testing::ValuesIn(kLowerings),
                         [](const auto& test) { return test.param.what; });

TEST(WasmChunk, LoopsOverFullTiles_ThenAdvances) {
  EXPECT_THAT(disassembled(program_on("simd128"), {.tiles = {{16, false, {}}}}),
              ElementsAre("local.get 3", "i32.const 16", "i32.ge_u", "if", "loop",  //
                          "local.get 0", "i32.const 64", "i32.add", "local.set 0",  //
                          "local.get 1", "i32.const 64", "i32.add", "local.set 1",  //
                          "local.get 3", "i32.const 16", "i32.sub", "local.tee 3",  //
                          "i32.const 16", "i32.ge_u", "br_if 0", "end", "end", "end"));
}

// In chunks with rolled tiles locals 5..14 are the cursors of x, w and i, p0..p3, q0 and the counters of two loops.
std::vector<std::string> rolled(KernelProgram program, std::vector<MicroOp> ops) {
  const std::vector<std::string> lines = disassembled(program, {.tiles = {{16, false, std::move(ops)}}});
  const std::vector<std::string> start = {"local.get 3", "i32.const 16", "i32.ge_u",    "if",
                                          "loop",        "local.get 0",  "local.set 5", "local.get 2",
                                          "local.set 6", "local.get 4",  "local.set 7"};
  constexpr size_t kEnd = 18;  // advancing x and y, the loop over pixels
  if (lines.size() < start.size() + kEnd || !std::equal(start.begin(), start.end(), lines.begin())) return lines;
  return {lines.begin() + start.size(), lines.end() - kEnd};
}

TEST(WasmRolledTile, LoopsCountDown) {
  EXPECT_THAT(rolled(program_on("simd128"), {{.op = Op::kLoop, .column = 70},
                                             {.op = Op::kLoop, .column = 3},
                                             {.op = Op::kEndLoop},
                                             {.op = Op::kEndLoop}}),
              ElementsAre("i32.const 70", "local.set 13", "loop", "i32.const 3", "local.set 14", "loop",  //
                          "local.get 14", "i32.const 1", "i32.sub", "local.tee 14", "br_if 0", "end",     //
                          "local.get 13", "i32.const 1", "i32.sub", "local.tee 13", "br_if 0", "end"));
}

TEST(WasmRolledTile, IndexedLoopsAreSkippedWhenTheCountIsZero) {
  EXPECT_THAT(rolled(program_on("simd128"),
                     {{.op = Op::kLoopIndexed, .buffer = Buffer::kI, .column = 5}, {.op = Op::kEndLoop}}),
              ElementsAre("local.get 7", "i32.load16_u 10", "local.tee 13", "if", "loop",  //
                          "local.get 13", "i32.const 1", "i32.sub", "local.tee 13", "br_if 0", "end", "end"));
}

TEST(WasmRolledTile, PointersAreRelativeToTheRoundsStart_WithEitherSizeOfEntries) {
  KernelProgram program = program_on("simd128");
  const std::vector<MicroOp> ops = {{.op = Op::kPoint, .buffer = Buffer::kXAt, .row = 3, .column = 2},
                                    {.op = Op::kPoint, .buffer = Buffer::kYAt, .column = 1}};
  EXPECT_THAT(rolled(program, ops), ElementsAre("local.get 0", "local.get 7", "i32.load16_u 4", "i32.const 2",
                                                "i32.shl", "i32.add", "local.set 11", "local.get 1", "local.get 7",
                                                "i32.load16_u 2", "i32.const 2", "i32.shl", "i32.add", "local.set 12"));
  program.index_bytes = 4, program.index_shift = 1;
  EXPECT_THAT(rolled(program, ops), ElementsAre("local.get 0", "local.get 7", "i32.load 8", "i32.const 3", "i32.shl",
                                                "i32.add", "local.set 11", "local.get 1", "local.get 7", "i32.load 4",
                                                "i32.const 3", "i32.shl", "i32.add", "local.set 12"));
}

TEST(WasmRolledTile, CursorsMove_AndAccessesFollowThem) {
  EXPECT_THAT(rolled(program_on("simd128"), {{.op = Op::kAdvance, .buffer = Buffer::kX, .row = 2},
                                             {.op = Op::kAdvance, .buffer = Buffer::kW, .column = 4},
                                             {.op = Op::kAdvance, .buffer = Buffer::kI, .column = 3},
                                             {.op = Op::kLoad, .d = 0, .buffer = Buffer::kX, .lanes = 4, .row = 1},
                                             {.op = Op::kSplatLoad, .d = 1, .buffer = Buffer::kW, .column = 1},
                                             {.op = Op::kLoad, .d = 2, .buffer = Buffer::kXAt, .lanes = 4, .row = 1}}),
              ElementsAre("local.get 5", "i32.const 800", "i32.add", "local.set 5",  //
                          "local.get 6", "i32.const 16", "i32.add", "local.set 6",   //
                          "local.get 7", "i32.const 6", "i32.add", "local.set 7",    //
                          "local.get 5", "v128.load 400:p2align=2", "local.set 15",  //
                          "local.get 6", "v128.load32_splat 4", "local.set 16",      //
                          "local.get 9", "v128.load 0:p2align=2", "local.set 17"));
}

TEST(WasmRolledTile, StoresGoThroughTheOutputPointer) {
  EXPECT_THAT(
      rolled(program_on("simd128"), {{.op = Op::kAdvance, .buffer = Buffer::kW, .column = 1},
                                     {.op = Op::kStore, .d = 2, .buffer = Buffer::kYAt, .lanes = 4, .column = 8}}),
      ElementsAre("local.get 6", "i32.const 4", "i32.add", "local.set 6",  //
                  "local.get 12", "local.get 17", "v128.store 32:p2align=2"));
}

/// A turn of two non-zeros with `vectors` sums each, a weight in front of either.
std::vector<MicroOp> turn_of_two(uint8_t vectors) {
  std::vector<MicroOp> ops = {{.op = Op::kLoop, .column = 3}};
  for (uint32_t n = 0; n < 2; ++n) {
    ops.push_back({.op = Op::kPoint, .buffer = Buffer::kXAt, .row = n, .column = n});
    ops.push_back({.op = Op::kSplatLoad, .d = 20, .buffer = Buffer::kW, .column = n});
    for (uint8_t v = 0; v < vectors; ++v) {
      ops.push_back({.op = Op::kLoad, .d = 21, .buffer = Buffer::kXAt, .lanes = 4, .row = n, .column = v * 4u});
      ops.push_back({.op = Op::kFma, .d = v, .a = 20, .b = 21});
    }
  }
  ops.push_back({.op = Op::kAdvance, .buffer = Buffer::kW, .column = 2});
  ops.push_back({.op = Op::kEndLoop});
  return ops;
}

TEST(WasmRolledTile, CutsTurnsIntoBlocksOfAFewSums_SoThatOldEnginesKeepTheOrder) {
  const auto places = [](uint8_t vectors, std::string_view what) {
    const auto lines = rolled(program_on("simd128"), turn_of_two(vectors));
    EXPECT_EQ(std::count(lines.begin(), lines.end(), "end"), 1 + std::count(lines.begin(), lines.end(), "if"));
    std::vector<ptrdiff_t> sums;  // in front of each occurrence
    for (auto at = lines.begin(); (at = std::find(at, lines.end(), what)) != lines.end(); ++at)
      sums.push_back(std::count(lines.begin(), at, "f32x4.add"));
    return sums;
  };
  EXPECT_THAT(places(8, "if"), ElementsAre(0, 4, 8, 12));
  EXPECT_THAT(places(8, "end"), ElementsAre(4, 8, 12, 16, 16));  // the last one ends the loop
  EXPECT_THAT(places(6, "if"), ElementsAre(0, 4, 6, 10));
  EXPECT_THAT(places(3, "if"), ElementsAre(0, 3));
  // Fewer where the sums take more of the engine's registers.
  EXPECT_THAT(places(10, "if"), ElementsAre(0, 3, 6, 9, 10, 13, 16, 19));
  EXPECT_THAT(places(12, "if"), ElementsAre(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22));
  EXPECT_THAT(places(16, "if").size(), 16u);
}

TEST(WasmRolledTile, SetsWeightsAndPointersOutsideTheBlocks) {
  const auto lines = rolled(program_on("simd128"), turn_of_two(8));
  int depth = 0;
  for (const std::string& line : lines) {
    depth += line == "if" ? 1 : line == "end" ? -1 : 0;
    if (line == "local.set 8" || line == "local.set 9" || line == "v128.load32_splat 4") {
      EXPECT_EQ(depth, 0) << line;
    }
  }
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "local.set 9"), 1);
}

TEST(WasmChunk, StepsFromPanelToPanel) {
  KernelProgram program = program_on("simd128");
  program.input_panel = program.input_stride = 16, program.output_panel = program.output_stride = 32;
  const auto lines = disassembled(program, {.tiles = {{16, false, {}}}});
  ASSERT_GT(lines.size(), 12u);
  EXPECT_EQ(lines[6], "i32.const 512");  // a panel of 16 pixels of 8 channels
  EXPECT_EQ(lines[10], "i32.const 64");  // half an output panel
}

/// `loads` times a load with three sums behind it.
Chunk sums_behind_loads(size_t loads) {
  Chunk chunk{.tiles = {{4, false, {}}}};
  for (size_t i = 0; i < loads; ++i) {
    chunk.tiles[0].ops.push_back({.op = Op::kLoad, .d = 1, .buffer = Buffer::kX, .lanes = 4});
    chunk.tiles[0].ops.insert(chunk.tiles[0].ops.end(), 3, {.op = Op::kFma, .d = 0, .a = 1, .b = 2});
  }
  return chunk;
}

TEST(WasmChunk, CutsLongTilesIntoBlocks_SoThatOldEnginesKeepTheOrder) {
  const auto ifs = [](size_t loads) {
    const auto lines = disassembled(program_on("simd128"), sums_behind_loads(loads));
    EXPECT_EQ(std::count(lines.begin(), lines.end(), "end"), 2 + std::count(lines.begin(), lines.end(), "if"));
    return std::count(lines.begin(), lines.end(), "if") - 1;  // one belongs to the loop
  };
  EXPECT_EQ(ifs(2), 0);   // 6 sums: one straight block
  EXPECT_EQ(ifs(3), 1);   // 9 sums, cut only in front of loads
  EXPECT_EQ(ifs(4), 2);   // 9 + 3
  EXPECT_EQ(ifs(12), 4);  // 9 + 9 + 9 + 9
}

// By its bytes: LLVM 19 writes opcodes above 0xff but does not read them.
TEST(WasmChunk, RelaxedFmaIsOneInstruction_SumLast) {
  const MicroOp fma{.op = Op::kFma, .d = 0, .a = 1, .b = 2};
  EXPECT_THAT(code_of(program_on("relaxed"), {.tiles = {{4, false, {fma}}}}),
              HasSubstr("\x20\x06\x20\x07\x20\x05\xfd\x85\x02\x21\x05"));
}

TEST(WasmChunk, RefusesOperationsThatWebAssemblyLacks) {
  for (const Op op : {Op::kFmaLane, Op::kFmaLoad})
    EXPECT_THAT(lowered("simd128", {.op = op, .lanes = 4}),
                ElementsAre(fmt::format("tile 0: operation 0 ({}) is not one that WebAssembly has", op_info(op).name)));
}

TEST(WasmChunk, RefusesLaneCountsWithoutAnInstruction) {
  EXPECT_THAT(lowered("simd128", {.op = Op::kStore, .buffer = Buffer::kY, .lanes = 3}),
              ElementsAre("tile 0: operation 0 (store) is not one that WebAssembly has"));
  EXPECT_THAT(lowered("simd128", {.op = Op::kLoad, .buffer = Buffer::kX, .lanes = kRemainingLanes}),
              ElementsAre("tile 0: operation 0 (load) is not one that WebAssembly has"));
}

TEST(WasmChunk, RefusesRemainderTiles) {
  EXPECT_THAT(disassembled(program_on("simd128"), {.tiles = {{0, true, {}}}}),
              ElementsAre("tile 0: a remainder tile, but WebAssembly has no masks"));
}

TEST(WasmEncodings, MissingInstructionIsNamed) {
  const auto mc = McTarget::create("x86_64-unknown-linux-gnu", "", "");
  const auto encodings = Encodings::create(**mc);
  ASSERT_FALSE(encodings);
  EXPECT_EQ(encodings.error().kind, ErrorKind::kInternal);
  EXPECT_EQ(encodings.error().message, "this LLVM has no x86_64-unknown-linux-gnu instruction named LOCAL_GET_I32_S");
}

}  // namespace
}  // namespace espalier::wasm
