// Emitted C, compiled by every compiler this machine has, must compute the interpreter's bits.
#include <bit>
#include <cmath>

#include "backends/c_source/c_source.h"
#include "c_harness.h"
#include "codegen/compile_kernel.h"
#include "gtest/gtest.h"
#include "test/support/random_program.h"
#include "test/support/random_rolled_program.h"
#include "test/support/spmm_program.h"
#include "test/support/structured_matrix.h"

namespace espalier::test {
namespace {

constexpr RandomShape kOperations{
    .rows = 3, .columns = 5, .input_stride = 71, .output_stride = 75, .pixel_block = 40, .operations = 150};

constexpr float kUntouched = 12345.0f;

class CSource : public testing::TestWithParam<DialectCase> {
 protected:
  const Toolchain& toolchain() const { return GetParam().toolchain; }

  /// Compiles `program`, and runs it where possible, over each pixel count; expects the interpreter's bits everywhere,
  /// also where nothing may be written.
  void expect_interpreters_bits(const KernelProgram& program, const CSourceOptions& options,
                                const std::vector<uint32_t>& pixel_counts) {
    if (const std::string why = why_not_compiled(toolchain()); !why.empty()) GTEST_SKIP() << why;
    const Status valid = verify(program);
    ASSERT_TRUE(valid) << valid.error().message;
    const auto files = write_c_source(program, options);
    ASSERT_TRUE(files) << files.error().message;
    const TemporaryFolder folder;
    ASSERT_EQ(compile(toolchain(), *files, folder), "");
    if (const std::string why = why_not_run(toolchain(), program.target); !why.empty())
      GTEST_SKIP() << "compiled only: " << why;
    ASSERT_EQ(link(toolchain(), program, folder), "");
    for (const uint32_t pixels : pixel_counts) expect_run(program, folder, pixels);
  }

  void expect_run(const KernelProgram& program, const TemporaryFolder& folder, uint32_t pixels) {
    const std::vector<float> x = x_.empty() ? random_values(input_elements(program), 77) : x_;
    std::vector<float> expected(output_elements(program), kUntouched), y = expected;
    interpret(program, x, expected, pixels);
    ASSERT_EQ(run(toolchain(), folder, x, y, pixels), "");
    for (size_t i = 0; i < y.size(); ++i)
      ASSERT_EQ(std::bit_cast<uint32_t>(y[i]), std::bit_cast<uint32_t>(expected[i]))
          << pixels << " pixels, element " << i << ": " << y[i] << " is not " << expected[i];
  }

  SpmmShape shape() const { return {.target = GetParam().target, .cpu = GetParam().cpu}; }

  KernelProgram operations(uint64_t seed) const {
    return random_program(*find_target(GetParam().target, GetParam().cpu), kOperations, seed);
  }

  std::vector<float> x_;
};

TEST_P(CSource, ComputesTheInterpretersBitsForEveryTail) {
  expect_interpreters_bits(spmm_program(shape(), 1), {}, {1, 2, 3, 4, 7, 8, 15, 16, 17, 24, 31, 37});
}

TEST_P(CSource, ComputesTheInterpretersBitsForFixedPixels) {
  SpmmShape s = shape();
  s.pixels = 49;
  s.input_stride = 52;
  s.output_stride = 51;
  s.tile_rows = 2;
  s.sparsity = 0.8;
  s.clamp = {};
  expect_interpreters_bits(spmm_program(s, 2), {}, {49});
}

TEST_P(CSource, ComputesTheInterpretersBitsOfRandomOperations) {
  for (uint64_t seed = 10; seed < 13 && !IsSkipped() && !HasFatalFailure(); ++seed)
    expect_interpreters_bits(operations(seed), {}, {39, 71});
}

TEST_P(CSource, ComputesTheInterpretersBitsInParts) {
  expect_interpreters_bits(spmm_program(shape(), 3), {.part_limit = 20, .banner = {}}, {37});
  if (!IsSkipped() && !HasFatalFailure())
    expect_interpreters_bits(operations(14), {.part_limit = 1, .banner = {}}, {71});
}

TEST_P(CSource, ComputesTheInterpretersBitsWithWeightsInASideFile) {
  expect_interpreters_bits(spmm_program(shape(), 4), {.weights_in_side_file = true, .banner = {}}, {37});
}

TEST_P(CSource, TurnsNaNIntoABoundAsTheInterpreterDoes) {
  const KernelProgram program = spmm_program(shape(), 5);
  x_ = random_values(input_elements(program), 78);
  for (size_t i = 0; i < x_.size(); i += 3) x_[i] = i % 2 ? NAN : INFINITY;
  expect_interpreters_bits(program, {}, {37});
}

TEST_P(CSource, ComputesTheInterpretersBitsOfACompiledKernel) {
  KernelSpec spec;
  spec.name = "kernel";
  spec.matrix = random_sparse_matrix(13, 40, 0.8, 5);
  spec.bias = random_values(13, 6);
  spec.clamp = {-0.5f, 1.5f};
  spec.input_stride = spec.output_stride = 60;
  const auto program =
      compile_kernel(spec, *find_target(GetParam().target, GetParam().cpu),
                     {.schedule = *parse_schedule("unrolled:k=30,pixels=32,prefetch=1"), .observer = {}});
  ASSERT_TRUE(program) << program.error().message;
  expect_interpreters_bits(*program, {.part_limit = 100, .banner = {}}, {1, 23, 60});
}

TEST_P(CSource, ComputesTheInterpretersBitsOfRolledProgramsAndPanels) {
  for (uint64_t seed = 30; seed < 35 && !IsSkipped() && !HasFatalFailure(); ++seed) {
    KernelProgram program = random_rolled_program(*find_target(GetParam().target, GetParam().cpu), seed);
    program.name = "kernel";  // C has a function random
    expect_interpreters_bits(program, {}, {random_pixels(program, seed)});
  }
}

TEST_P(CSource, ComputesTheInterpretersBitsOfEveryForm) {
  KernelSpec spec;
  spec.name = "kernel";
  spec.matrix = random_sparse_matrix(13, 40, 0.7, 5);
  spec.bias = random_values(13, 6);
  spec.clamp = {0, 1.5f};
  spec.pixels = 59;
  spec.input_panel = spec.input_stride = 32, spec.output_stride = 60;
  for (const char* schedule : {"loop:k=17", "nano:k=25,cluster=1", "dense", "unrolled:vectors=1,k=17,tail=1"}) {
    const auto program = compile_kernel(spec, *find_target(GetParam().target, GetParam().cpu),
                                        {.schedule = *parse_schedule(schedule), .observer = {}});
    ASSERT_TRUE(program) << program.error().message;
    expect_interpreters_bits(*program, {}, {59});
    if (IsSkipped() || HasFatalFailure()) return;
  }
}

TEST_P(CSource, ComputesTheInterpretersBitsOfSeveralFormsInTheOrderOfTheClusters) {
  KernelSpec spec;
  spec.name = "kernel";
  spec.matrix = rows_of_all_kinds(23, 30, 8);
  spec.clamp = {0, 1.5f};
  spec.output_order = OutputOrder::kClustered;
  spec.input_stride = spec.output_stride = 60;
  for (const char* schedule : {"loop+dense:least=60", "unrolled:cluster=1+nano:rows=2"}) {
    const auto program = compile_kernel(spec, *find_target(GetParam().target, GetParam().cpu),
                                        {.schedule = *parse_schedule(schedule), .observer = {}});
    ASSERT_TRUE(program) << program.error().message;
    ASSERT_FALSE(program->output_order.empty());
    expect_interpreters_bits(*program, {}, {1, 60});
    if (IsSkipped() || HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Toolchains, CSource, testing::ValuesIn(dialect_cases()), dialect_case_name);

}  // namespace
}  // namespace espalier::test
