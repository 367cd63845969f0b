#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sample_kernel.h"

namespace espalier {
namespace {

using namespace test;

struct Answer {
  espalier_status status;
  std::string message;
};

Answer check(const espalier_kernel* kernel, uint64_t features) {
  char message[200] = "";
  const espalier_status status = espalier_kernel_check(kernel, features, message, sizeof message);
  return {status, message};
}

Answer run(const espalier_kernel& kernel, const float* x, float* y, size_t pixels) {
  char message[200] = "";
  const espalier_status status = espalier_kernel_run_checked(&kernel, x, y, pixels, message, sizeof message);
  return {status, message};
}

TEST(KernelCheck, AFittingKernelPassesAndLeavesTheMessageAlone) {
  EXPECT_EQ(check(&sample_kernel(), 0).status, ESPALIER_OK);
  EXPECT_EQ(check(&sample_kernel(), 0).message, "");
  espalier_kernel kernel = sample_kernel();
  kernel.cpu_features = ESPALIER_CPU_AVX2 | ESPALIER_CPU_FMA;
  EXPECT_EQ(check(&kernel, ~uint64_t{0}).status, ESPALIER_OK);
}

TEST(KernelCheck, ANullKernelIsRefused) {
  const Answer answer = check(nullptr, 0);
  EXPECT_EQ(answer.status, ESPALIER_BAD_ARGUMENT);
  EXPECT_EQ(answer.message, "kernel is a null pointer");
}

TEST(KernelCheck, AnotherAbiVersionIsRefused) {
  espalier_kernel kernel = sample_kernel();
  kernel.abi_version = 7;
  const Answer answer = check(&kernel, 0);
  EXPECT_EQ(answer.status, ESPALIER_ABI_MISMATCH);
  EXPECT_EQ(answer.message, "kernel was made for ABI version 7, but this runtime has version 3");
}

TEST(KernelCheck, AnotherDescriptorSizeIsRefused) {
  espalier_kernel kernel = sample_kernel();
  kernel.struct_bytes = 96;
  const Answer answer = check(&kernel, 0);
  EXPECT_EQ(answer.status, ESPALIER_ABI_MISMATCH);
  EXPECT_EQ(answer.message,
            "kernel descriptor has 96 bytes, but this runtime reads " + std::to_string(sizeof(espalier_kernel)));
}

TEST(KernelCheck, AMissingFeatureIsNamed) {
  espalier_kernel kernel = sample_kernel();
  kernel.cpu_features = ESPALIER_CPU_AVX2 | ESPALIER_CPU_AVX512F;
  const Answer answer = check(&kernel, ESPALIER_CPU_AVX2);
  EXPECT_EQ(answer.status, ESPALIER_CPU_MISMATCH);
  EXPECT_EQ(answer.message, "kernel sample needs the CPU feature avx512f, which this machine does not have");
}

TEST(KernelCheck, AFeatureOfALaterVersionIsRefusedToo) {
  espalier_kernel kernel = sample_kernel();
  kernel.cpu_features = uint64_t{1} << 63;
  EXPECT_EQ(check(&kernel, 0).message,
            "kernel sample needs the CPU feature unknown to this runtime, which this machine does not have");
}

TEST(KernelCheck, MessagesAreCutToTheirBufferAndMayBeLeftOut) {
  char message[8] = "#######";
  EXPECT_EQ(espalier_kernel_check(nullptr, 0, message, 5), ESPALIER_BAD_ARGUMENT);
  EXPECT_STREQ(message, "kern");
  EXPECT_EQ(message[5], '#');
  EXPECT_EQ(espalier_kernel_check(nullptr, 0, nullptr, 0), ESPALIER_BAD_ARGUMENT);
}

TEST(CpuFeatures, EveryBitHasItsName) {
  EXPECT_STREQ(espalier_cpu_feature_name(ESPALIER_CPU_AVX2), "avx2");
  EXPECT_STREQ(espalier_cpu_feature_name(ESPALIER_CPU_FMA), "fma");
  EXPECT_STREQ(espalier_cpu_feature_name(ESPALIER_CPU_AVX512F), "avx512f");
  EXPECT_STREQ(espalier_cpu_feature_name(ESPALIER_CPU_NEON), "neon");
  EXPECT_STREQ(espalier_cpu_feature_name(ESPALIER_CPU_SIMD128), "simd128");
  EXPECT_STREQ(espalier_cpu_feature_name(ESPALIER_CPU_RELAXED_SIMD), "relaxed-simd");
  EXPECT_EQ(espalier_cpu_feature_name(0), nullptr);
  EXPECT_EQ(espalier_cpu_feature_name(ESPALIER_CPU_AVX2 | ESPALIER_CPU_FMA), nullptr);
}

TEST(CpuFeatures, TheHostsAreThoseTheCompilerSees) {
  const uint64_t host = espalier_host_cpu_features();
#if defined(__aarch64__)
  EXPECT_EQ(host, ESPALIER_CPU_NEON);
#elif defined(__x86_64__)
  EXPECT_EQ((host & ESPALIER_CPU_AVX2) != 0, __builtin_cpu_supports("avx2") != 0);
  EXPECT_EQ((host & ESPALIER_CPU_FMA) != 0, __builtin_cpu_supports("fma") != 0);
  EXPECT_EQ((host & ESPALIER_CPU_AVX512F) != 0, __builtin_cpu_supports("avx512f") != 0);
  EXPECT_EQ(host & (ESPALIER_CPU_NEON | ESPALIER_CPU_SIMD128), 0u);
#endif
}

/// Buffers that fit the sample kernel.
class RunChecked : public testing::Test {
 protected:
  std::vector<float> x_ = std::vector<float>(kSampleColumns * kSampleStride, 1.0f);
  std::vector<float> y_ = std::vector<float>(kSampleRows * kSampleStride);
  espalier_kernel kernel_ = sample_kernel();

  void expect_refused(const Answer& answer, const std::string& message) {
    EXPECT_EQ(answer.status, ESPALIER_BAD_ARGUMENT);
    EXPECT_EQ(answer.message, message);
    EXPECT_EQ(y_, std::vector<float>(y_.size())) << "a refused call must write nothing";
  }
};

TEST_F(RunChecked, RunsWhatFits) {
  const Answer answer = run(kernel_, x_.data(), y_.data(), 23);
  EXPECT_EQ(answer.status, ESPALIER_OK);
  EXPECT_EQ(answer.message, "");
  EXPECT_EQ(y_[0], 5.0f);
  EXPECT_EQ(y_.back(), 9.0f);
}

TEST_F(RunChecked, RefusesAnotherPixelCountThanTheFixedOne) {
  kernel_.pixels = kernel_.max_pixels = 20;
  expect_refused(run(kernel_, x_.data(), y_.data(), 19), "kernel sample is for 20 pixels, but was called with 19");
  EXPECT_EQ(run(kernel_, x_.data(), y_.data(), 20).status, ESPALIER_OK);
}

TEST_F(RunChecked, RefusesMorePixelsThanTheMost) {
  expect_refused(run(kernel_, x_.data(), y_.data(), 24),
                 "kernel sample takes at most 23 pixels, but was called with 24");
}

TEST_F(RunChecked, RefusesNullPointers) {
  expect_refused(run(kernel_, nullptr, y_.data(), 1), "kernel sample was called with a null pointer for x");
  expect_refused(run(kernel_, x_.data(), nullptr, 1), "kernel sample was called with a null pointer for y");
  expect_refused(run(kernel_, nullptr, nullptr, 1), "kernel sample was called with a null pointer for x");
}

TEST_F(RunChecked, NamesYWhenXMayBeNull) {
  kernel_.input_channels = 0;
  expect_refused(run(kernel_, nullptr, nullptr, 1), "kernel sample was called with a null pointer for y");
}

TEST_F(RunChecked, RefusesMisalignedPointers) {
  const auto x = reinterpret_cast<const float*>(reinterpret_cast<uintptr_t>(x_.data()) + 2);
  const auto y = reinterpret_cast<float*>(reinterpret_cast<uintptr_t>(y_.data()) + 1);
  expect_refused(run(kernel_, x, y_.data(), 1), "kernel sample was called with x not aligned to 4 bytes");
  expect_refused(run(kernel_, x_.data(), y, 1), "kernel sample was called with y not aligned to 4 bytes");
}

TEST_F(RunChecked, ChecksTheKernelFirst) {
  kernel_.abi_version = 0;
  EXPECT_EQ(run(kernel_, nullptr, nullptr, 99).status, ESPALIER_ABI_MISMATCH);
}

}  // namespace
}  // namespace espalier
