// Machine code of the host, through the JIT.
#include <gtest/gtest.h>

#include "backends/assemble.h"
#include "backends/jit/jit_library.h"
#include "espalier/runtime.h"
#include "test/agreement/random_case.h"

namespace espalier::test {
namespace {

constexpr uint32_t kShards = 4, kCasesPerShard = 2500, kBatch = 50;

void run_case(const RandomCase& c, const KernelProgram& program, const espalier_kernel* kernel, uint64_t seed) {
  const std::vector<float> x = random_input(c, seed);
  std::vector<float> y = untouched_output(c);
  char message[200];
  ASSERT_EQ(espalier_kernel_run_checked(kernel, x.data(), y.data(), c.pixels, message, sizeof message), ESPALIER_OK)
      << describe(c) << ": " << message;
  const std::vector<float> wanted = interpreted_output(c, program, x);
  expect_same_bits(c, y, wanted);
  const size_t tiles = espalier_kernel_tiles(kernel, c.pixels), cut = seed % (tiles + 1);
  y = untouched_output(c);
  espalier_kernel_run_tiles(kernel, x.data(), y.data(), c.pixels, cut, tiles);
  espalier_kernel_run_tiles(kernel, x.data(), y.data(), c.pixels, 0, cut);
  expect_same_bits(c, y, wanted);
}

void run_batch(const Target& target, uint64_t first_seed, uint32_t count) {
  std::vector<RandomCase> cases;
  std::vector<KernelProgram> programs;
  std::vector<KernelCode> codes;
  for (uint32_t i = 0; i < count; ++i) {
    cases.push_back(random_case(target, first_seed + i, fmt::format("kernel_{}", i)));
    programs.push_back(compiled(cases.back(), target));
    ASSERT_FALSE(testing::Test::HasFailure());
  }
  for (const KernelProgram& program : programs) {
    auto code = assemble(program);
    ASSERT_TRUE(code) << code.error().message;
    codes.push_back(*std::move(code));
  }
  auto library = JitLibrary::load(codes, target);
  ASSERT_TRUE(library) << library.error().message;
  for (uint32_t i = 0; i < count; ++i) {
    auto kernel = (*library)->kernel(cases[i].spec.name);
    ASSERT_TRUE(kernel);
    ASSERT_NO_FATAL_FAILURE(run_case(cases[i], programs[i], *kernel, first_seed + i));
  }
}

class JitAgreement : public testing::TestWithParam<uint32_t> {};

TEST_P(JitAgreement, RandomKernelsGiveTheInterpretersBits) {
  auto target = find_target("host");
  if (!target || target->isa != Isa::kX86_64) GTEST_SKIP() << "the JIT is for x86-64 hosts";
  const uint32_t cases = case_count(kCasesPerShard);
  for (uint32_t i = 0; i < cases && !HasFatalFailure(); i += kBatch)
    run_batch(*target, uint64_t{GetParam()} << 32 | i, std::min(kBatch, cases - i));
}
INSTANTIATE_TEST_SUITE_P(Shard, JitAgreement, testing::Range(0u, kShards));

}  // namespace
}  // namespace espalier::test
