// Straight code whose leftover pixels go to loops.
#include <gtest/gtest.h>

#include "codegen/cost/candidates.h"
#include "codegen/cost/cost_model.h"
#include "ir/reference_spmm.h"
#include "test/codegen/compiled.h"

namespace espalier {
namespace {

using test::compiled;

constexpr std::string_view kTargets[][2] = {{"x86_64-linux", "znver3"},      {"x86_64-linux", "znver4"},
                                            {"aarch64-linux", "cortex-a76"}, {"wasm32", "simd128"},
                                            {"wasm32", "relaxed"},           {"c99", "portable"}};

KernelSpec spec_of(uint32_t pixels, uint32_t panel = 0) {
  KernelSpec spec;
  spec.name = "kernel";
  spec.matrix = random_sparse_matrix(45, 90, 0.85, 3);
  spec.bias.assign(45, 0.5f);
  spec.clamp = {0, 6};
  spec.pixels = pixels;
  spec.input_panel = spec.output_panel = panel;
  spec.input_stride = spec.output_stride = panel ? panel : pixels;
  return spec;
}

std::vector<float> output_of(const KernelProgram& p, uint32_t pixels) {
  const uint32_t panel = p.input_panel, rounds = panel ? (pixels + panel - 1) / panel : 1;
  std::vector<float> x(size_t{p.input_channels} * p.input_stride * rounds);
  std::vector<float> y(size_t{p.output_channels} * p.output_stride * rounds, -77.0f);
  SeededRandom random(5);
  for (float& v : x) v = random.weight();
  interpret(p, x, y, pixels);
  return y;
}

void expect_loops_behind_straight_code(const KernelProgram& p) {
  for (const Chunk& chunk : p.chunks) {
    ASSERT_GE(chunk.tiles.size(), 2u);
    EXPECT_FALSE(is_rolled(chunk.tiles[0]));
    for (size_t t = 1; t < chunk.tiles.size(); ++t) EXPECT_TRUE(is_rolled(chunk.tiles[t])) << "tile " << t;
  }
}

TEST(Tail, ByLoopsGivesTheBitsOfStraightCode) {
  for (const auto& [name, cpu] : kTargets)
    for (const std::string_view fields :
         {"rows=2,vectors=1", "rows=3,vectors=2,k=37,chunk=50", "rows=3,vectors=1,k=20"}) {
      SCOPED_TRACE(fmt::format("{} {} {}", name, cpu, fields));
      const Target target = *find_target(name, cpu);
      const KernelSpec spec = spec_of(61);
      const auto loops = compiled(spec, target, fmt::format("unrolled:{},tail=1", fields));
      const auto straight = compiled(spec, target, fmt::format("unrolled:{},tail=0", fields));
      ASSERT_NO_FATAL_FAILURE(expect_loops_behind_straight_code(loops));
      EXPECT_EQ(straight.indices.size(), 0u);
      EXPECT_EQ(output_of(loops, 61), output_of(straight, 61));
    }
}

TEST(Tail, OfRunTimePixelsIsLoopsToo) {
  for (const auto& [name, cpu] : kTargets) {
    SCOPED_TRACE(fmt::format("{} {}", name, cpu));
    const Target target = *find_target(name, cpu);
    KernelSpec spec = spec_of(61);
    spec.pixels.reset();
    const auto loops = compiled(spec, target, "unrolled:rows=3,vectors=2,tail=1");
    const auto straight = compiled(spec, target, "unrolled:rows=3,vectors=2,tail=0");
    ASSERT_NO_FATAL_FAILURE(expect_loops_behind_straight_code(loops));
    for (const uint32_t pixels : {1u, 15u, 16u, 33u, 61u})
      EXPECT_EQ(output_of(loops, pixels), output_of(straight, pixels));
  }
}

/// Padding is computed by straight code only, which has no other tiles then.
TEST(Tail, OfPanelsLeavesThePaddingAlone) {
  const Target target = *find_target("x86_64-linux", "znver4");
  const KernelSpec spec = spec_of(196, 32);
  const auto loops = compiled(spec, target, "unrolled:rows=6,vectors=2,tail=1");
  const auto straight = compiled(spec, target, "unrolled:rows=6,vectors=2,tail=0");
  ASSERT_NO_FATAL_FAILURE(expect_loops_behind_straight_code(loops));
  EXPECT_EQ(loops.pixel_multiple, 1u);
  EXPECT_EQ(straight.pixel_multiple, 32u);
  EXPECT_EQ(loops.chunks[0].tiles.back().width, 4u);
  const auto y = output_of(loops, 196), all = output_of(straight, 196);
  const size_t last = size_t{6} * 32 * 45;
  for (size_t i = 0; i < y.size(); ++i) EXPECT_EQ(y[i], i >= last && i % 32 >= 4 ? -77.0f : all[i]) << "element " << i;
}

TEST(Tail, IsStraightWhereFullTilesTakeAllOrNothing) {
  const Target target = *find_target("x86_64-linux", "znver4");
  for (const uint32_t pixels : {64u, 32u, 20u}) {
    const auto p = compiled(spec_of(pixels), target, "unrolled:rows=6,vectors=2,tail=1");
    for (const Chunk& chunk : p.chunks)
      for (const PixelTile& tile : chunk.tiles) EXPECT_FALSE(is_rolled(tile)) << pixels;
  }
}

/// Every chunk reads its own slices, in parts one behind the other.
TEST(Tail, AddsItsWeightsBehindTheStraightOnes) {
  const Target target = *find_target("x86_64-linux", "znver4");
  const KernelSpec spec = spec_of(196);
  const auto loops = compiled(spec, target, "unrolled:rows=6,vectors=2,k=45,chunk=100,tail=1");
  const auto straight = compiled(spec, target, "unrolled:rows=6,vectors=2,k=45,chunk=100,tail=0");
  ASSERT_EQ(loops.chunks.size(), straight.chunks.size());
  ASSERT_GT(loops.chunks.size(), 4u);
  uint64_t weights = 0, indices = 0;
  for (size_t c = 0; c < loops.chunks.size(); ++c) {
    const Chunk &a = loops.chunks[c], &b = straight.chunks[c];
    EXPECT_EQ(a.nonzeros, b.nonzeros);
    EXPECT_EQ(a.stream_offset, weights);
    EXPECT_EQ(a.index_offset, indices);
    EXPECT_GE(a.stream_count, b.stream_count + b.nonzeros);
    EXPECT_GT(a.index_count, b.nonzeros);
    EXPECT_TRUE(std::equal(straight.stream.begin() + static_cast<ptrdiff_t>(b.stream_offset),
                           straight.stream.begin() + static_cast<ptrdiff_t>(b.stream_offset + b.stream_count),
                           loops.stream.begin() + static_cast<ptrdiff_t>(a.stream_offset)));
    weights += a.stream_count, indices += a.index_count;
  }
  EXPECT_EQ(weights, loops.stream.size());
  EXPECT_EQ(indices, loops.indices.size());
}

TEST(Tail, IsChosenWhereStraightCodeComesFromL2) {
  KernelSpec spec = spec_of(196);
  spec.matrix = random_sparse_matrix(512, 512, 0.9, 3);
  spec.bias.clear();
  spec.input_panel = spec.output_panel = spec.input_stride = spec.output_stride = 32;
  const auto best = [&](std::string_view target, std::string_view cpu, std::string_view wish) {
    return (*rank_schedules(spec, *find_target(target, cpu), *parse_schedule(wish)))[0].schedule;
  };
  EXPECT_EQ(best("x86_64-linux", "znver4", "unrolled").tail, 1);
  EXPECT_EQ(best("x86_64-linux", "znver4", "unrolled:tail=0").tail, 0);
  EXPECT_EQ(best("x86_64-linux", "znver4", "loop").tail, -1);
  EXPECT_EQ(best("x86_64-linux", "znver3", "unrolled").tail, 0);
  EXPECT_EQ(best("x86_64-linux", "znver3", "auto:tail=1").form, CodeForm::kUnrolled);
}

TEST(Tail, CostsWhatItsLoopsTake) {
  const KernelSpec spec = spec_of(196);
  const Target target = *find_target("x86_64-linux", "znver4");
  const auto cost = [&](std::string_view schedule) { return predict(spec, target, *parse_schedule(schedule), 1.2); };
  const std::string fields = "unrolled:rows=6,vectors=2,k=90,chunk=2000,pixels=224,prefetch=0,cluster=1";
  const Cost straight = cost(fields + ",tail=0"), loops = cost(fields + ",tail=1");
  EXPECT_LT(loops.code_bytes, straight.code_bytes);
  EXPECT_GT(loops.weight_bytes, 2 * straight.weight_bytes);
  EXPECT_GT(loops.exits, straight.exits);
}

}  // namespace
}  // namespace espalier
