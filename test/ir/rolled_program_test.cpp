// Loops, pointers, cursors and panels: text, proofs and meaning.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "ir/kernel_program.h"
#include "test/support/random_rolled_program.h"

namespace espalier {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kTargets[][2] = {{"x86_64-linux", "avx2"}, {"x86_64-linux", "avx512"},
                                            {"aarch64-linux", "neon"}, {"wasm32", "simd128"},
                                            {"wasm32", "relaxed"},     {"c99", "portable"}};

TEST(RandomRolledPrograms, VerifyReadBackAndWriteEveryOutput) {
  for (const auto& [target, cpu] : kTargets)
    for (uint64_t seed = 0; seed < 60; ++seed) {
      SCOPED_TRACE(fmt::format("{} seed {}", cpu, seed));
      const KernelProgram program = test::random_rolled_program(*find_target(target, cpu), seed);
      const Status status = verify(program);
      ASSERT_TRUE(status) << status.error().message << "\n" << print(program);
      const auto back = parse_kernel_program(print(program));
      ASSERT_TRUE(back) << back.error().message;
      EXPECT_TRUE(*back == program);
      const uint32_t pixels = test::random_pixels(program, seed);
      const std::vector<float> y = test::expected_rolled_output(program, pixels);
      for (const float v : y) EXPECT_FALSE(std::isnan(v));
    }
}

/// Row 1 is stored first. Row 0 = 1 + 2 x1 + 3 x0 + 4 x2, row 1 = 5 + 6 x2; panels of 4 pixels on both sides.
std::string two_rows() {
  return R"(espalier-kernel-program 2
kernel k target aarch64-linux cpu cortex-a76
shape 2 x 3 nonzeros 4
pixels 6
strides input 4 output 4
panels input 4 output 4
block 4
multiple 4
schedule unrolled
stream 6
.float 0x5p+0 0x6p+0 0x1p+0 0x2p+0 0x3p+0 0x4p+0
indices 8 bytes 2 shift 1
.index 2 1 4 0 3 2 0 4
.order 1 0
group rows 0 2 chunks 0 1
chunk stream 0 6 indices 0 8 nonzeros 4
  tile 4
    loop 2
    point q0, i[0]
    splat_load v0, w[0]
    loop_indexed i[1]
    point p3, i[2]
    load v1, p3[0]:4
    splat_load v2, w[1]
    fma v0, v1, v2
    advance w, 1
    advance i, 1
    end_loop
    store v0, q0[0]:4
    advance w, 1
    advance i, 2
    end_loop
end
)";
}

TEST(RolledPrograms, FollowTheIndexStreamThroughPanels) {
  const auto program = parse_kernel_program(two_rows());
  ASSERT_TRUE(program) << program.error().message;
  const Status status = verify(*program);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(print(*program), print(*parse_kernel_program(print(*program))));
  // Two panels of 3 channels x 4 pixels: value = channel + pixel / 8.
  std::vector<float> x(24), y(16, -1.0f);
  for (uint32_t p = 0; p < 8; ++p)
    for (uint32_t c = 0; c < 3; ++c) x[p / 4 * 12 + c * 4 + p % 4] = static_cast<float>(c) + static_cast<float>(p) / 8;
  interpret(*program, x, y, 6);
  for (uint32_t p = 0; p < 8; ++p) {
    const float t = static_cast<float>(p) / 8;
    EXPECT_EQ(y[p / 4 * 8 + p % 4], 1 + 2 * (1 + t) + 3 * t + 4 * (2 + t)) << p;
    EXPECT_EQ(y[p / 4 * 8 + 4 + p % 4], 5 + 6 * (2 + t)) << p;
  }
  const CursorTravel travel = cursor_travel(*program, program->chunks[0], program->chunks[0].tiles[0]);
  EXPECT_EQ(travel.weights, 6u);
  EXPECT_EQ(travel.entries, 8u);
}

struct Malformed {
  std::string_view from, to, message;
};
constexpr Malformed kMalformed[] = {
    {"    advance w, 1\n    advance i, 1\n", "",
     "operation 8 (end_loop): a turn of the loop moves no cursor"},
    {"loop 2", "loop 3", "operation 1 (point): reads index 8, but the chunk has 8"},
    {"loop 2", "loop 0", "operation 0 (loop): loops 0 times"},
    {"    store v0, q0[0]:4\n    advance w, 1\n    advance i, 2\n    end_loop\n", "", "1 loops have no end"},
    {"    splat_load v0, w[0]\n", "    end_loop\n    splat_load v0, w[0]\n", "ends a loop, but none is open"},
    {"point p3, i[2]", "point p4, i[2]", "names pointer 4, but the limit is 3"},
    {"load v1, p3[0]:4", "load v1, p2[0]:4", "operation 5 (load): uses a pointer before it was set"},
    {"load v1, p3[0]:4", "load v1, p3[1]:4", "touches pixels 1..4, but the tile is 4 wide"},
    {".index 2 1 4", ".index 2 1 6", "reads input row 3, but there are 3"},
    {".index 2 1 4", ".index 4 1 4", "touches output row 2, but the row group is 0..1"},
    {".index 2 1 4", ".index 0 1 4", "nothing stores output row"},
    {".index 2 1 4", ".index 2 1 70000", "index 2 is 70000, but the limit is 65535"},
    {"bytes 2", "bytes 3", "indices have 3 bytes"},
    {"shift 1", "shift 3", "indices are shifted by 3, but the limit is 2"},
    {"advance w, 1\n    advance i, 2", "advance w, 9\n    advance i, 2", "advances to weight 10, but the chunk has 6"},
    {"advance i, 2", "advance i, 20", "advances to index 21, but the chunk has 8"},
    {"advance i, 2", "advance i, 2\n    advance x, 2", "advances to input row 4, but there are 3"},
    {".order 1 0", ".order 1 1", "the order has row 1 twice or too many"},
    {".order 1 0", ".order 1", "the order has 1 rows of 2"},
    {".order 1 0", ".outputs 0 0", "the order of outputs has row 0 twice or too many"},
    {".order 1 0", ".outputs 0", "the order of outputs has 1 rows of 2"},
    {"indices 0 8 nonzeros", "indices 1 8 nonzeros", "chunk 0 has indices 1 + 8, but there are 8"},
    {"block 4", "block 6", "blocks of 6 pixels cut input panels of 4"},
    {"multiple 4", "multiple 3", "pixels are rounded up to 3, but input panels have 4"},
    {"strides input 4", "strides input 5", "input stride is 5, but panels are 4 wide"},
    {"multiple 4", "multiple 1", "the tiles leave 2 of 2 pixels"},
    {"panels input 4 output 4", "panels input 4 output 0", "output stride is 4, but there are up to 6 pixels"},
};

TEST(RolledPrograms, AreRefusedWithTheReason) {
  for (const Malformed& m : kMalformed) {
    SCOPED_TRACE(m.to);
    std::string text = two_rows();
    const size_t at = text.find(m.from);
    ASSERT_NE(at, std::string::npos);
    text.replace(at, m.from.size(), m.to);
    const auto program = parse_kernel_program(text);
    ASSERT_TRUE(program) << program.error().message;
    const Status status = verify(*program);
    ASSERT_FALSE(status);
    EXPECT_THAT(status.error().message, HasSubstr(std::string(m.message)));
  }
}

TEST(RolledPrograms, TilesInsideAPanelMustNotLeaveIt) {
  std::string text = two_rows();
  auto replace = [&](std::string_view from, std::string_view to) { text.replace(text.find(from), from.size(), to); };
  replace("strides input 4 output 4", "strides input 8 output 8");
  replace("panels input 4 output 4", "panels input 8 output 8");
  replace(".index 2 1 4 0 3 2 0 4", ".index 4 1 8 0 3 4 0 8");
  replace("block 4", "block 16");
  replace("pixels 6", "pixels 12");
  const Status status = verify(*parse_kernel_program(text));
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("tiles of 4 pixels go through 12 pixels, but input panels have 8"));
}

}  // namespace
}  // namespace espalier
