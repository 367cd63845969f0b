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
  bool layers;    ///< all layers, not only those of up to kSmallNonzeros
  bool matrices;  ///< the matrices of the collection
};

constexpr uint64_t kSmallNonzeros = 4000;
/// The C of a kernel grows with the vectors of a tile and with the widths that its pixels need; compilers take seconds
/// for every megabyte, and bits do not depend on either. So only kernels of up to kOwnScheduleNonzeros are compiled
/// with the schedule that they would get, and above kSmallNonzeros pixels are a multiple of every vector's.
constexpr uint64_t kOwnScheduleNonzeros = 300;
constexpr std::string_view kLargeSchedule = "unrolled:rows=4,vectors=1";
constexpr uint32_t kLargePixels = 8;

// Both compilers and both dialects see all layers, and all matrices, in one pairing each, and the small layers in all.
// -O1, because compilers spend their time on optimising code that is in its final order already.
constexpr Case kCases[] = {
    {{"gcc", ESPALIER_TEST_GCC, "-O1 -mavx2 -mfma", Machine::kNative}, "x86_64-linux", "avx2", false, true},
    {{"clang", ESPALIER_TEST_CLANG, "-O1 -mavx2 -mfma", Machine::kNative}, "x86_64-linux", "avx2", true, false},
    {{"gcc", ESPALIER_TEST_GCC, "-O1", Machine::kNative}, "c99", "portable", true, false},
    {{"clang", ESPALIER_TEST_CLANG, "-O1", Machine::kNative}, "c99", "portable", false, true},
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
    if (spec.matrix.nonzeros() > kOwnScheduleNonzeros) options.schedule = *parse_schedule(kLargeSchedule);
    const auto program = compile_kernel(spec, *find_target(GetParam().target, GetParam().cpu), options);
    ASSERT_TRUE(program) << program.error().message;
    if (const std::string why = why_not_run(toolchain, program->target); !why.empty()) GTEST_SKIP() << why;
    const auto files = write_c_source(*program, {.weights_in_side_file = true, .banner = {}});
    ASSERT_TRUE(files) << files.error().message;
    const TemporaryFolder folder;
    ASSERT_EQ(compile(toolchain, *files, folder), "");
    ASSERT_EQ(link(toolchain, *program, folder), "");
    const std::vector<float> x = input_for(spec, 8);
    std::vector<float> y(size_t{spec.matrix.rows()} * spec.output_stride, 5.0f), expected = y;
    interpret(*program, x, expected, *spec.pixels);
    ASSERT_EQ(run(toolchain, folder, x, y, *spec.pixels), "");
    EXPECT_EQ(std::memcmp(y.data(), expected.data(), y.size() * sizeof(float)), 0) << spec.name;
    EXPECT_LE(error_in_bounds(spec, x, y, *spec.pixels), 1) << spec.name;
  }
};

TEST_P(RealCSource, OfMobileNetLayersGivesTheInterpretersBits) {
  for (const KernelSpec& spec : mobilenet_layers()) {
    if (spec.matrix.nonzeros() <= kSmallNonzeros)
      expect_interpreters_bits(spec);
    else if (GetParam().layers)
      expect_interpreters_bits(with_pixels(spec, *spec.pixels / kLargePixels * kLargePixels));
  }
}

TEST_P(RealCSource, OfFortyDlmcMatricesGivesTheInterpretersBits) {
  if (!GetParam().matrices) GTEST_SKIP() << "the matrices are another pairing's";
  for (const KernelSpec& spec : dlmc_sample(40, 100, 2000)) expect_interpreters_bits(spec);
}

std::string case_name(const testing::TestParamInfo<Case>& info) {
  return fmt::format("{}_{}", info.param.cpu, info.param.toolchain.name);
}
INSTANTIATE_TEST_SUITE_P(Toolchains, RealCSource, testing::ValuesIn(kCases), case_name);

}  // namespace
}  // namespace espalier::test
