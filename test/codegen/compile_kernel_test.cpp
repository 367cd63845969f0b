// Compiled programs against the reference, on the interpreter, for every vector ISA.
#include "codegen/compile_kernel.h"

#include <gtest/gtest.h>

#include "ir/reference_spmm.h"

namespace espalier {
namespace {

struct Case {
  uint32_t rows, columns;
  double sparsity;
  uint32_t pixels;
  bool run_time_pixels;
  bool bias, relu6;
  std::string schedule;
};

const Case kCases[] = {
    {64, 32, 0.9, 49, false, true, true, "unrolled"},
    {17, 300, 0.7, 50, false, true, false, "unrolled"},
    {5, 3, 0.5, 1, false, false, false, "unrolled"},
    {9, 40, 0.0, 7, false, true, true, "unrolled"},
    {33, 257, 0.95, 196, false, true, true, "unrolled:k=64"},
    {40, 64, 1.0, 33, false, true, false, "unrolled"},
    {1, 1, 0.0, 3, false, false, true, "unrolled"},
    {20, 100, 0.8, 61, true, true, true, "unrolled"},
    {20, 100, 0.8, 61, true, false, false, "unrolled:k=30,chunk=50,pixels=32"},
    {64, 128, 0.9, 200, false, true, true, "unrolled:k=50,chunk=40,pixels=48,prefetch=1"},
    {12, 64, 0.9, 100, false, true, true, "unrolled:rows=1,vectors=1"},
    {33, 100, 0.85, 61, false, true, true, "unrolled:k=30,chunk=90,tail=1"},
    {20, 100, 0.8, 61, true, true, false, "unrolled:rows=6,k=70,pixels=32,tail=1"},
};

KernelSpec make_spec(const Case& c) {
  KernelSpec spec;
  spec.name = "kernel";
  spec.matrix = random_sparse_matrix(c.rows, c.columns, c.sparsity, 7);
  SeededRandom random(11);
  if (c.bias)
    for (uint32_t r = 0; r < c.rows; ++r) spec.bias.push_back(random.weight());
  if (c.relu6) spec.clamp = {0, 6};
  if (!c.run_time_pixels) spec.pixels = c.pixels;
  spec.input_stride = c.pixels + 3;
  spec.output_stride = c.pixels + 5;
  return spec;
}

void check(const Case& c, const TargetEntry& entry) {
  const KernelSpec spec = make_spec(c);
  CompileOptions options;
  options.schedule = *parse_schedule(c.schedule);
  auto target = find_target(entry.target, entry.cpu);
  ASSERT_TRUE(target);
  auto program = compile_kernel(spec, *target, options);
  ASSERT_TRUE(program) << program.error().message;
  SeededRandom random(5);
  std::vector<float> x(size_t{c.columns} * spec.input_stride), y(size_t{c.rows} * spec.output_stride, -77.0f);
  for (float& v : x) v = random.weight();
  for (uint32_t pixels = c.run_time_pixels ? 1 : c.pixels; pixels <= c.pixels; ++pixels) {
    std::fill(y.begin(), y.end(), -77.0f);
    interpret(*program, x, y, pixels);
    ASSERT_LE(error_in_bounds(spec, x, y, pixels), 1) << pixels << " pixels";
    for (uint32_t r = 0; r < c.rows; ++r)
      for (uint32_t p = pixels; p < spec.output_stride; ++p)
        ASSERT_EQ(y[size_t{r} * spec.output_stride + p], -77.0f) << "written past the pixels of row " << r;
  }
}

TEST(CompileKernel, AgreesWithTheReferenceOnEveryVectorIsa) {
  for (const TargetEntry& entry : known_targets())
    for (size_t i = 0; i < std::size(kCases); ++i) {
      SCOPED_TRACE(fmt::format("case {} on {} {}", i, entry.target, entry.cpu));
      check(kCases[i], entry);
    }
}

}  // namespace
}  // namespace espalier
