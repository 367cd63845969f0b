// AArch64 objects under qemu, with the callers' registers and the surroundings of all buffers watched.
#include <gtest/gtest.h>

#include "test/aarch64/emulator.h"
#include "test/agreement/random_case.h"

namespace espalier::test {
namespace {

constexpr uint32_t kShards = 4, kCasesPerShard = 1500, kBatch = 250;
constexpr uint64_t kMostWork = 20'000;

class AArch64Agreement : public testing::TestWithParam<uint32_t> {};

TEST_P(AArch64Agreement, RandomKernelsGiveTheInterpretersBits) {
  if (const std::string reason = emulator_missing(); !reason.empty()) GTEST_SKIP() << reason;
  const char* kCpus[] = {"cortex-a76", "cortex-a53", "cortex-a72", "apple-m1"};
  const uint32_t cases = case_count(kCasesPerShard);
  for (uint32_t first = 0; first < cases && !HasFailure(); first += kBatch) {
    std::vector<EmulatedCase> batch;
    for (uint32_t i = first; i < std::min(cases, first + kBatch); ++i) {
      const Target target = *find_target("aarch64-linux", kCpus[GetParam() % std::size(kCpus)]);
      const RandomCase c = random_case(target, uint64_t{GetParam() + 10} << 32 | i, "kernel", kMostWork);
      batch.push_back({compiled(c, target), {c.pixels}});
      ASSERT_FALSE(HasFailure());
    }
    expect_emulated_answers(std::move(batch));
  }
}
INSTANTIATE_TEST_SUITE_P(Shard, AArch64Agreement, testing::Range(0u, kShards));

}  // namespace
}  // namespace espalier::test
