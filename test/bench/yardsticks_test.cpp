// The yardsticks compute what they are compared on.
#include "bench/yardsticks.h"

#include <gtest/gtest.h>

#include "codegen/measure/fma_peak.h"
#include "ir/reference_spmm.h"

namespace espalier {
namespace {

struct Case {
  uint32_t rows, columns, pixels;
  double sparsity;
};
// Ragged in every way: rows over panels of 4, columns over blocks of 128, pixels over tiles, blocks and vectors.
constexpr Case kCases[] = {{1, 1, 1, 0},       {4, 3, 8, 0.5},     {7, 130, 49, 0.7}, {9, 128, 56, 0.9},
                           {64, 257, 31, 0.8}, {6, 300, 100, 0.5}, {3, 5, 7, 1},      {33, 129, 196, 0.95},
                           {5, 40, 333, 0.98}, {2, 400, 65, 0}};

KernelSpec make_spec(const Case& c, uint64_t seed, bool epilogue) {
  SeededRandom random(seed);
  KernelSpec spec;
  spec.name = "kernel";
  spec.matrix = random_sparse_matrix(c.rows, c.columns, c.sparsity, seed);
  if (epilogue) {
    for (uint32_t row = 0; row < c.rows; ++row) spec.bias.push_back(random.weight());
    spec.clamp = {-0.25f, 0.5f};
  }
  spec.pixels = c.pixels;
  spec.input_stride = recommended_stride(c.pixels);
  spec.output_stride = spec.input_stride + 16;
  return spec;
}

/// The ISAs of this build that this CPU has.
std::vector<const VectorIsa*> isas() {
  std::vector<const VectorIsa*> found;
  for (const char* name : {"avx2", "avx512", "neon"})
    if (const auto target = find_target("host", name); target && fma_loop(*target->vector).run)
      found.push_back(target->vector);
  return found;
}

template <typename Yardstick>
void expect_reference() {
  if (isas().empty()) GTEST_SKIP() << "there are no yardsticks for this machine's vectors";
  uint64_t seed = 1;
  for (const VectorIsa* isa : isas())
    for (const Case& c : kCases)
      for (bool epilogue : {false, true}) {
        const KernelSpec spec = make_spec(c, ++seed, epilogue);
        std::vector<float> x(spec.input_elements()), y(spec.output_elements(), -7);
        SeededRandom random(seed);
        for (float& v : x) v = random.weight();
        const auto yardstick = Yardstick::prepare(spec, *isa);
        ASSERT_TRUE(yardstick) << yardstick.error().message;
        yardstick->run(x.data(), y.data());
        EXPECT_LE(error_in_bounds(spec, x, y, c.pixels), 1)
            << isa->name << ' ' << c.rows << 'x' << c.columns << " at " << c.pixels << (epilogue ? " with bias" : "");
      }
}

TEST(Yardsticks, RolledLoopComputesTheReference) { expect_reference<RolledYardstick>(); }
TEST(Yardsticks, NanoKernelsComputeTheReference) { expect_reference<NanoYardstick>(); }

TEST(Yardsticks, RefuseWhatTheyCannotTake) {
  if (isas().empty()) GTEST_SKIP() << "there are no yardsticks for this machine's vectors";
  KernelSpec spec = make_spec(kCases[2], 1, true);
  spec.input_stride = spec.output_stride = 49;
  const auto narrow = RolledYardstick::prepare(spec, *isas()[0]);
  ASSERT_FALSE(narrow);
  EXPECT_EQ(narrow.error().kind, ErrorKind::kUnsupported);
  EXPECT_NE(narrow.error().message.find("yardsticks for 49 pixels need strides of at least "), std::string::npos);

  spec.input_stride = spec.output_stride = spec.input_panel = spec.output_panel = 16;
  const auto panels = NanoYardstick::prepare(spec, *isas()[0]);
  ASSERT_FALSE(panels);
  EXPECT_EQ(panels.error().message, "yardsticks take plain CHW, not panels");

  const auto wasm = find_target("wasm32");
  ASSERT_TRUE(wasm);
  const auto other = NanoYardstick::prepare(make_spec(kCases[2], 1, true), *wasm->vector);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().message, "there are no yardsticks for simd128");
}

}  // namespace
}  // namespace espalier
