// Real matrices as C, compiled by gcc and by clang and run on this machine.
#include "backends/c_source/c_source.h"

#include <gtest/gtest.h>

#include <cstring>

#include "codegen/compile_kernel.h"
#include "ir/reference_spmm.h"
#include "test/c_source/c_harness.h"
#include "test/real/real_data.h"

namespace espalier::test {
namespace {

struct Case {
  Toolchain toolchain;
  std::string_view target, cpu;
  bool large;  ///< also layers above kSmallNonzeros: each compiler and each dialect once, because they take minutes
};

constexpr uint64_t kSmallNonzeros = 4000;
/// The C of a layer grows with the vectors of a tile; bits do not depend on the schedule.
constexpr std::string_view kLargeSchedule = "unrolled:rows=4,vectors=1";

// -O1, because compilers spend their time on optimising code that is in its final order already.
constexpr Case kCases[] = {
    {{"gcc", ESPALIER_TEST_GCC, "-O1 -mavx2 -mfma", Machine::kNative}, "x86_64-linux", "avx2", false},
    {{"clang", ESPALIER_TEST_CLANG, "-O1 -mavx2 -mfma", Machine::kNative}, "x86_64-linux", "avx2", true},
    {{"gcc", ESPALIER_TEST_GCC, "-O1", Machine::kNative}, "c99", "portable", true},
    {{"clang", ESPALIER_TEST_CLANG, "-O1", Machine::kNative}, "c99", "portable", false},
};

class RealCSource : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (const std::string why = data_missing(); !why.empty()) GTEST_SKIP() << why;
    if (const std::string why = why_not_compiled(GetParam().toolchain); !why.empty()) GTEST_SKIP() << why;
  }

  void expect_interpreters_bits(const KernelSpec& spec) {
    const Toolchain& toolchain = GetParam().toolchain;
    CompileOptions options;
    if (spec.matrix.nonzeros() > kSmallNonzeros) options.schedule = *parse_schedule(kLargeSchedule);
    const auto program = compile_kernel(spec, *find_target(GetParam().target, GetParam().cpu), options);
    ASSERT_TRUE(program) << program.error().message;
    if (const std::string why = why_not_run(toolchain, *program); !why.empty()) GTEST_SKIP() << why;
    const auto files = write_c_source(*program, {.weights_in_side_file = true, .banner = {}});
    ASSERT_TRUE(files) << files.error().message;
    const ScratchDirectory scratch;
    ASSERT_EQ(compile(toolchain, *files, scratch), "");
    ASSERT_EQ(link(toolchain, *program, scratch), "");
    const std::vector<float> x = input_for(spec, 8);
    std::vector<float> y(size_t{spec.matrix.rows()} * spec.output_stride, 5.0f), expected = y;
    interpret(*program, x, expected, *spec.pixels);
    ASSERT_EQ(run(toolchain, scratch, x, y, *spec.pixels), "");
    EXPECT_EQ(std::memcmp(y.data(), expected.data(), y.size() * sizeof(float)), 0) << spec.name;
    EXPECT_LE(error_in_bounds(spec, x, y, *spec.pixels), 1) << spec.name;
  }
};

TEST_P(RealCSource, OfMobileNetLayersGivesTheInterpretersBits) {
  for (const KernelSpec& spec : mobilenet_layers())
    if (GetParam().large || spec.matrix.nonzeros() <= kSmallNonzeros) expect_interpreters_bits(spec);
}

TEST_P(RealCSource, OfFortyDlmcMatricesGivesTheInterpretersBits) {
  for (const KernelSpec& spec : dlmc_sample(40, 100, 2000)) expect_interpreters_bits(spec);
}

std::string case_name(const testing::TestParamInfo<Case>& info) {
  return fmt::format("{}_{}", info.param.cpu, info.param.toolchain.name);
}
INSTANTIATE_TEST_SUITE_P(Toolchains, RealCSource, testing::ValuesIn(kCases), case_name);

}  // namespace
}  // namespace espalier::test
