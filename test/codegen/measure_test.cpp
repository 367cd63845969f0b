// The measuring library: nothing here depends on how fast the machine is.
#include <gtest/gtest.h>

#include "codegen/measure/aligned_buffer.h"
#include "codegen/measure/fma_peak.h"
#include "codegen/measure/measure_kernel.h"
#include "codegen/measure/pinned_core.h"
#include "codegen/measure/stream_time.h"
#include "ir/sparse_matrix.h"

namespace espalier {
namespace {

TEST(Summarize, GivesMedianPercentilesAndBest) {
  std::vector<double> seconds;
  for (int i = 100; i >= 0; --i) seconds.push_back(i);
  const Timing t = summarize(seconds);
  EXPECT_EQ(t.median, 50);
  EXPECT_EQ(t.p10, 10);
  EXPECT_EQ(t.p90, 90);
  EXPECT_EQ(t.best, 0);
  EXPECT_EQ(t.samples, 101u);
  EXPECT_DOUBLE_EQ(t.spread(), 1.6);
}

TEST(Summarize, OfNothingIsZero) {
  EXPECT_EQ(summarize({}).samples, 0u);
  EXPECT_EQ(summarize({}).spread(), 0);
}

TEST(Summarize, OfOneSampleIsThatSample) {
  const Timing t = summarize({3});
  EXPECT_EQ(t.median, 3);
  EXPECT_EQ(t.p10, 3);
  EXPECT_EQ(t.p90, 3);
}

TEST(TimeInterleaved, TakesSamplesInTurns) {
  std::string order;
  volatile double sink = 0;
  auto work = [&](char name) {
    order += name;
    for (int i = 0; i < 20000; ++i) sink = sink + 1;
  };
  const std::vector<std::function<void()>> calls = {[&] { work('a'); }, [&] { work('b'); }};
  const auto timings = time_interleaved(calls, {.sample_seconds = 1e-9, .budget_seconds = 0, .min_samples = 3});
  ASSERT_EQ(timings.size(), 2u);
  EXPECT_EQ(timings[0].samples, 3u);
  EXPECT_EQ(timings[1].samples, 3u);
  EXPECT_GT(timings[0].median, 0);
  EXPECT_LE(timings[0].p10, timings[0].median);
  EXPECT_LE(timings[0].median, timings[0].p90);
  // One sample of one call after one untimed call, three rounds; before them the calls that set the sample's length.
  ASSERT_GE(order.size(), 12u);
  EXPECT_EQ(order.substr(order.size() - 12), "aabbaabbaabb");
}

TEST(TimeInterleaved, StopsAtTheMostSamples) {
  const std::vector<std::function<void()>> calls = {[] {}};
  const auto timings =
      time_interleaved(calls, {.sample_seconds = 1e-6, .budget_seconds = 1000, .min_samples = 1, .max_samples = 7});
  EXPECT_EQ(timings[0].samples, 7u);
}

TEST(AlignedBuffer, IsZeroAndAlignedToALine) {
  for (size_t size : {size_t{0}, size_t{1}, size_t{1000}, size_t{100000}, size_t{3} << 20}) {
    const AlignedBuffer buffer(size);
    EXPECT_EQ(buffer.size(), size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data()) % 64, 0u);
    for (float v : buffer.span()) ASSERT_EQ(v, 0.0f);
  }
}

TEST(AlignedBuffer, OfMoreMemoryThanThereIsIsEmpty) {
  const AlignedBuffer buffer(size_t{1} << 58);
  EXPECT_EQ(buffer.data(), nullptr);
  EXPECT_EQ(buffer.size(), 0u);
}

TEST(StreamWays, ReadNothingPastXAndWriteNothingPastY) {
  for (size_t nx : {size_t{0}, size_t{1}, size_t{63}, size_t{1000}, size_t{5001}})
    for (size_t ny : {size_t{0}, size_t{7}, size_t{1000}, size_t{9001}})
      for (const StreamWay& way : stream_ways()) {
        const std::vector<float> x(nx, 1.0f);  // its end is the end of an allocation, for the address sanitizer
        std::vector<float> y(ny + 1, -77.0f);
        way.run(x.data(), nx, y.data(), ny);
        EXPECT_EQ(y[ny], -77.0f) << way.name;
        for (size_t i = 0; i < ny; ++i) ASSERT_NE(y[i], -77.0f) << way.name << " " << nx << " " << ny << " " << i;
      }
}

TEST(FmaPeak, IsMeasuredForTheWidestVectorIsa) {
  const VectorIsa& isa = widest_vector_isa();
  if (!fma_loop(isa).run) GTEST_SKIP() << "no FMA loop for " << isa.name << " on this machine";
  EXPECT_EQ(host_cpu_features() & isa.features, isa.features);
  EXPECT_GT(fma_peak_gflops(isa), 0);
}

TEST(FmaPeak, IsZeroForAForeignVectorIsa) {
  const VectorIsa& foreign = *find_target("wasm32")->vector;
  EXPECT_EQ(fma_loop(foreign).run, nullptr);
  EXPECT_EQ(fma_peak_gflops(foreign), 0);
}

TEST(PinnedCore, GivesTheThreadBackItsCores) {
  {
    const PinnedCore first;
    const PinnedCore second;
    EXPECT_EQ(first.core(), second.core());
  }
  const PinnedCore again;
  EXPECT_GE(again.core(), -1);
}

/// Y[m, p] = X[m, p], written in C: measuring does not depend on where a kernel comes from.
void copy_chunk(const float* x, float* y, const float*, size_t pixels, const void*) {
  for (size_t m = 0; m < 2; ++m)
    for (size_t p = 0; p < pixels; ++p) y[m * 80 + p] = x[m * 96 + p];
}

struct CopyKernel {
  espalier_row_group group{0, 2, 0, 1};
  espalier_chunk chunk{copy_chunk, 0, 0};
  float weight = 1;
  espalier_kernel kernel{};

  explicit CopyKernel(uint32_t pixels) {
    kernel.abi_version = ESPALIER_ABI_VERSION;
    kernel.struct_bytes = sizeof kernel;
    kernel.name = "copy";
    kernel.pixel_multiple = 1;
    kernel.indices = &weight;
    kernel.nonzeros = 2;
    kernel.output_channels = kernel.input_channels = 2;
    kernel.input_stride = 96;
    kernel.output_stride = 80;
    kernel.pixels = pixels;
    kernel.max_pixels = pixels ? pixels : 80;
    kernel.pixel_block = 32;
    kernel.group_count = kernel.chunk_count = 1;
    kernel.groups = &group;
    kernel.chunks = &chunk;
    kernel.weights = &weight;
    kernel.weights_count = 1;
  }
};

constexpr TimingOptions kQuick = {.sample_seconds = 1e-6, .budget_seconds = 0, .min_samples = 3};

TEST(MeasureKernel, ComparesWithTheSmallerBound) {
  if (!fma_loop(widest_vector_isa()).run) GTEST_SKIP() << "no FMA peak on this machine";
  const CopyKernel copy(49);
  const auto m = measure_kernel(&copy.kernel, 49, {.timing = kQuick});
  ASSERT_TRUE(m) << m.error().message;
  EXPECT_DOUBLE_EQ(m->useful_gflop, 2.0 * 2 * 49 * 1e-9);
  EXPECT_GT(m->gflops(), 0);
  EXPECT_DOUBLE_EQ(m->bound_gflops(), std::min(m->fma_peak_gflops(), m->stream_gflops()));
  EXPECT_DOUBLE_EQ(m->share_of_bound(), m->gflops() / m->bound_gflops());
  EXPECT_DOUBLE_EQ(m->share_of_peak(), m->gflops() / m->fma_peak_gflops());
  EXPECT_FALSE(m->stream_way.empty());
}

TEST(MeasureKernel, TakesAnyPixelCountOfAKernelThatLeavesItOpen) {
  if (!fma_loop(widest_vector_isa()).run) GTEST_SKIP() << "no FMA peak on this machine";
  const CopyKernel copy(0);
  EXPECT_TRUE(measure_kernel(&copy.kernel, 80, {.timing = kQuick}));
}

struct Refusal {
  uint32_t kernel_pixels, pixels;
  ErrorKind kind;
  const char* message;
};

TEST(MeasureKernel, RefusesPixelCountsTheKernelDoesNotTake) {
  if (!fma_loop(widest_vector_isa()).run) GTEST_SKIP() << "no FMA peak on this machine";
  for (const Refusal& r : {
           Refusal{49, 50, ErrorKind::kBadInput, "kernel copy cannot be measured with 50 pixels, but with 49"},
           Refusal{0, 81, ErrorKind::kBadInput, "kernel copy cannot be measured with 81 pixels, but with 1 to 80"},
           Refusal{0, 0, ErrorKind::kBadInput, "kernel copy cannot be measured with 0 pixels, but with 1 to 80"},
       }) {
    const CopyKernel copy(r.kernel_pixels);
    const auto m = measure_kernel(&copy.kernel, r.pixels, {.timing = kQuick});
    ASSERT_FALSE(m);
    EXPECT_EQ(m.error().kind, r.kind);
    EXPECT_EQ(m.error().message, r.message);
  }
}

TEST(MeasureKernel, RefusesAKernelOfAnotherAbi) {
  CopyKernel copy(49);
  copy.kernel.abi_version = ESPALIER_ABI_VERSION + 1;
  const auto m = measure_kernel(&copy.kernel, 49, {.timing = kQuick});
  ASSERT_FALSE(m);
  EXPECT_EQ(m.error().kind, ErrorKind::kUnsupported);
  EXPECT_EQ(m.error().message, "kernel was made for ABI version 4, but this runtime has version 3");
}

TEST(MeasureKernel, RefusesAPeakItCannotMeasure) {
  const CopyKernel copy(49);
  const auto m = measure_kernel(&copy.kernel, 49, {.timing = kQuick, .peak_isa = find_target("wasm32")->vector});
  ASSERT_FALSE(m);
  EXPECT_EQ(m.error().kind, ErrorKind::kUnsupported);
  EXPECT_EQ(m.error().message, "no FMA peak can be measured here for simd128");
}

}  // namespace
}  // namespace espalier
