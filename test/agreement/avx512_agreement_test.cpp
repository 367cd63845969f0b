// AVX-512 code, instruction by instruction, on any host.
#include <gtest/gtest.h>

#include "test/agreement/random_case.h"
#include "test/x86_64/emulator.h"

namespace espalier::test {
namespace {

constexpr uint32_t kShards = 2, kCasesPerShard = 750;
constexpr uint64_t kMostWork = 2'000;

class Avx512Agreement : public testing::TestWithParam<uint32_t> {};

TEST_P(Avx512Agreement, RandomKernelsGiveTheInterpretersBits) {
  const Target target = *find_target("x86_64-linux", GetParam() % 2 ? "skylake-avx512" : "znver4");
  for (uint32_t i = 0; i < case_count(kCasesPerShard) && !HasFailure(); ++i) {
    const uint64_t seed = uint64_t{GetParam() + 20} << 32 | i;
    const RandomCase c = random_case(target, seed, "kernel", kMostWork);
    const KernelProgram program = compiled(c, target);
    const std::vector<float> x = random_input(c, seed);
    std::vector<float> y = untouched_output(c);
    ASSERT_EQ(emulate(program, x, y, c.pixels), "") << describe(c);
    expect_same_bits(c, y, interpreted_output(c, program, x));
  }
}
INSTANTIATE_TEST_SUITE_P(Shard, Avx512Agreement, testing::Range(0u, kShards));

}  // namespace
}  // namespace espalier::test
