// Emitted C, compiled into a shared object and loaded into this process.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include "backends/c_source/c_source.h"
#include "backends/text_template.h"
#include "espalier/runtime.h"
#include "test/agreement/random_case.h"
#include "test/support/command.h"

namespace espalier::test {
namespace {

constexpr uint32_t kShards = 2, kCasesPerShard = 50, kBatch = 25;
constexpr uint64_t kMostWork = 2'000;

struct Dialect {
  const char* target;
  const char* cpu;
  const char* flags;
};
constexpr Dialect kDialects[] = {{"x86_64-linux", "avx2", "-mavx2 -mfma"}, {"c99", "portable", "-mfma"}};

/// A shared object of all programs' C. Stays loaded. Not optimised: gcc's time for that is what limits the cases, and
/// test/c_source has every optimisation level.
void* loaded(const std::vector<KernelProgram>& programs, const Dialect& dialect, const TemporaryFolder& folder) {
  std::string all;  // in one file: reading the header of the intrinsics takes longer than most kernels
  for (const KernelProgram& program : programs) {
    const auto files = write_c_source(program, {});
    EXPECT_TRUE(files) << files.error().message;
    for (const OutputFile& file : *files) folder.write(file.name, file.contents);
    all += fmt::format("#include \"{}.c\"\n", program.name);
  }
  folder.write("all.c.in", all);
  const OutputFile header = *kernel_abi_header();
  folder.write(header.name, header.contents);
  const CommandResult made = run_command_in(
      folder, fmt::format("cc -std=c99 -O0 -ffp-contract=off -Wall -Wextra -Wpedantic -Werror {} -I. -fPIC -shared "
                          "-x c all.c.in -o kernels.so -lm",
                          dialect.flags));
  EXPECT_EQ(made.status, 0) << made.output;
  void* library = dlopen(folder.path("kernels.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  EXPECT_NE(library, nullptr) << dlerror();
  return library;
}

void run_case(const RandomCase& c, const KernelProgram& program, void* library, uint64_t seed) {
  const auto* kernel = static_cast<const espalier_kernel*>(dlsym(library, c.spec.name.c_str()));
  ASSERT_NE(kernel, nullptr);
  const std::vector<float> x = random_input(c, seed);
  std::vector<float> y = untouched_output(c);
  char message[200];
  ASSERT_EQ(espalier_kernel_run_checked(kernel, x.data(), y.data(), c.pixels, message, sizeof message), ESPALIER_OK)
      << describe(c) << ": " << message;
  expect_same_bits(c, y, interpreted_output(c, program, x));
}

class CAgreement : public testing::TestWithParam<uint32_t> {};

TEST_P(CAgreement, RandomKernelsGiveTheInterpretersBits) {
  const Dialect& dialect = kDialects[GetParam() % std::size(kDialects)];
  const Target target = *find_target(dialect.target, dialect.cpu);
  if (!have_program("cc")) GTEST_SKIP() << "no C compiler";
  if (host_cpu_features() == 0 || (target.vector->features & ~host_cpu_features()))
    GTEST_SKIP() << "this machine cannot run " << dialect.cpu;
  const uint32_t cases = case_count(kCasesPerShard);
  for (uint32_t first = 0; first < cases && !HasFailure(); first += kBatch) {
    const uint64_t seed = uint64_t{GetParam() + 40} << 32 | first;
    std::vector<RandomCase> batch;
    std::vector<KernelProgram> programs;
    for (uint32_t i = 0; i < std::min(kBatch, cases - first); ++i) {
      batch.push_back(random_case(target, seed + i, fmt::format("kernel_{}_{}", first, i), kMostWork));
      programs.push_back(compiled(batch.back(), target));
    }
    ASSERT_FALSE(HasFailure());
    const TemporaryFolder folder;
    void* library = loaded(programs, dialect, folder);
    ASSERT_FALSE(HasFailure());
    for (size_t i = 0; i < batch.size() && !HasFatalFailure(); ++i) run_case(batch[i], programs[i], library, seed + i);
  }
}
INSTANTIATE_TEST_SUITE_P(Shard, CAgreement, testing::Range(0u, kShards));

}  // namespace
}  // namespace espalier::test
