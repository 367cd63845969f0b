#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <thread>
#include <vector>

#include "sample_kernel.h"

namespace espalier {
namespace {

using namespace test;

constexpr float kUntouched = 777;

std::vector<float> sample_input() {
  std::vector<float> x(kSampleColumns * kSampleStride);
  std::iota(x.begin(), x.end(), 1.0f);
  return x;
}
std::vector<float> empty_output() { return std::vector<float>(kSampleRows * kSampleStride, kUntouched); }

std::vector<float> expected_output(const std::vector<float>& x, size_t pixels) {
  std::vector<float> y = empty_output();
  for (uint32_t row = 0; row < kSampleRows; ++row)
    for (size_t pixel = 0; pixel < pixels; ++pixel) y[row * kSampleStride + pixel] = sample_value(x.data(), row, pixel);
  return y;
}

TEST(KernelAbi, ItemsAreBlocksTimesGroups) {
  const espalier_kernel& kernel = sample_kernel();
  EXPECT_EQ(espalier_kernel_items(&kernel, 0), 0u);
  EXPECT_EQ(espalier_kernel_items(&kernel, 1), 2u);
  EXPECT_EQ(espalier_kernel_items(&kernel, 6), 2u);
  EXPECT_EQ(espalier_kernel_items(&kernel, 7), 4u);
  EXPECT_EQ(espalier_kernel_items(&kernel, 23), 8u);
  EXPECT_EQ(espalier_kernel_items(&kernel, ~size_t{0}), (~size_t{0} / 6 + 1) * 2) << "2^64 - 1 is no multiple of 6";
}

TEST(KernelAbi, RunComputesEveryPixelCountAndTouchesNothingElse) {
  const std::vector<float> x = sample_input();
  for (size_t pixels = 0; pixels <= kSampleStride; ++pixels) {
    std::vector<float> y = empty_output();
    espalier_kernel_run(&sample_kernel(), x.data(), y.data(), pixels);
    EXPECT_EQ(y, expected_output(x, pixels)) << pixels;
  }
}

TEST(KernelAbi, AnySplitOfTheItemsEqualsTheWholeRun) {
  const std::vector<float> x = sample_input();
  for (size_t pixels : {1, 5, 6, 22, 23}) {
    const size_t items = espalier_kernel_items(&sample_kernel(), pixels);
    for (size_t cut = 0; cut <= items; ++cut) {
      std::vector<float> y = empty_output();
      espalier_kernel_run_items(&sample_kernel(), x.data(), y.data(), pixels, cut, items);
      espalier_kernel_run_items(&sample_kernel(), x.data(), y.data(), pixels, 0, cut);
      EXPECT_EQ(y, expected_output(x, pixels)) << pixels << " pixels, cut at " << cut;
    }
  }
}

TEST(KernelAbi, SingleItemsInAnyOrderEqualTheWholeRun) {
  const std::vector<float> x = sample_input();
  std::vector<size_t> order(espalier_kernel_items(&sample_kernel(), kSampleStride));
  std::iota(order.begin(), order.end(), size_t{0});
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    std::shuffle(order.begin(), order.end(), random);
    std::vector<float> y = empty_output();
    for (const size_t item : order)
      espalier_kernel_run_items(&sample_kernel(), x.data(), y.data(), kSampleStride, item, item + 1);
    ASSERT_EQ(y, expected_output(x, kSampleStride));
  }
}

TEST(KernelAbi, TilesAreCountedInEveryGroup) {
  const espalier_kernel& kernel = sample_kernel();
  EXPECT_EQ(espalier_kernel_tiles(&kernel, 0), 0u);
  EXPECT_EQ(espalier_kernel_tiles(&kernel, 1), 2u);
  EXPECT_EQ(espalier_kernel_tiles(&kernel, 2), 2u);
  EXPECT_EQ(espalier_kernel_tiles(&kernel, 23), 24u);
}

TEST(KernelAbi, AnySplitOfTheTilesEqualsTheWholeRun) {
  const std::vector<float> x = sample_input();
  for (size_t pixels : {1, 2, 5, 6, 22, 23}) {
    const size_t tiles = espalier_kernel_tiles(&sample_kernel(), pixels);
    for (size_t cut = 0; cut <= tiles; ++cut)
      for (size_t other = cut; other <= tiles; ++other) {
        std::vector<float> y = empty_output();
        espalier_kernel_run_tiles(&sample_kernel(), x.data(), y.data(), pixels, other, tiles);
        espalier_kernel_run_tiles(&sample_kernel(), x.data(), y.data(), pixels, 0, cut);
        espalier_kernel_run_tiles(&sample_kernel(), x.data(), y.data(), pixels, cut, other);
        ASSERT_EQ(y, expected_output(x, pixels)) << pixels << " pixels, cut at " << cut << " and " << other;
      }
  }
}

TEST(KernelAbi, ItemsOnThreadsEqualTheWholeRun) {
  const std::vector<float> x = sample_input();
  std::vector<float> y = empty_output();
  std::vector<std::thread> threads;
  for (size_t item = 0; item < espalier_kernel_items(&sample_kernel(), kSampleStride); ++item)
    threads.emplace_back(
        [&, item] { espalier_kernel_run_items(&sample_kernel(), x.data(), y.data(), kSampleStride, item, item + 1); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(y, expected_output(x, kSampleStride));
}

TEST(KernelAbi, NoItemsIsNothing) {
  std::vector<float> y = empty_output();
  espalier_kernel_run_items(&sample_kernel(), nullptr, y.data(), 23, 4, 4);
  EXPECT_EQ(y, empty_output());
}

}  // namespace
}  // namespace espalier
