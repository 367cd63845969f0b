// Real matrices, compiled into this process and run.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "backends/assemble.h"
#include "backends/jit/jit_library.h"
#include "codegen/compile_kernel.h"
#include "espalier/runtime.h"
#include "ir/reference_spmm.h"
#include "test/real/real_data.h"

namespace espalier::test {
namespace {

constexpr float kUntouched = -7.0f;

std::vector<float> output_for(const KernelSpec& spec) {
  return std::vector<float>(size_t{spec.matrix.rows()} * spec.output_stride, kUntouched);
}

Result<std::vector<float>> jit_output(const KernelProgram& program, std::span<const float> x, std::vector<float> y) {
  auto code = assemble(program);
  if (!code) return std::move(code).error();
  auto library = JitLibrary::load({&*code, 1}, program.target);
  if (!library) return std::move(library).error();
  auto kernel = (*library)->kernel(program.name);
  if (!kernel) return std::move(kernel).error();
  char message[200] = "";
  const uint32_t pixels = program.max_pixels();
  if (espalier_kernel_run_checked(*kernel, x.data(), y.data(), pixels, message, sizeof message) != ESPALIER_OK)
    return internal_error("{}", message);
  return y;
}

/// Compiles, runs and compares all rows of all pixels with the reference.
void expect_in_bounds(const KernelSpec& spec, const Target& target) {
  SCOPED_TRACE(fmt::format("{} ({} x {}, {} non-zeros) at {} pixels on {}", spec.name, spec.matrix.rows(),
                           spec.matrix.columns(), spec.matrix.nonzeros(), *spec.pixels, target.cpu->name));
  auto program = compile_kernel(spec, target);
  ASSERT_TRUE(program) << program.error().message;
  const std::vector<float> x = input_for(spec, 99);
  auto y = jit_output(*program, x, output_for(spec));
  ASSERT_TRUE(y) << y.error().message;
  EXPECT_LE(error_in_bounds(spec, x, *y, *spec.pixels), 1);
}

class RealLayers : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = data_missing(); !why.empty()) GTEST_SKIP() << why;
  }
};

TEST_F(RealLayers, OfMobileNetAgreeWithTheReferenceInTheJit) {
  for (const KernelSpec& spec : mobilenet_layers()) expect_in_bounds(spec, *find_target("host"));
}

TEST_F(RealLayers, OfMobileNetGiveTheInterpretersBitsInTheJit) {
  for (const KernelSpec& spec : mobilenet_layers())
    for (const char* cpu : {"avx2", "avx512"}) {
      const Target target = *find_target("x86_64-linux", cpu);
      if (target.vector->features & ~host_cpu_features()) continue;
      auto program = compile_kernel(spec, target);
      ASSERT_TRUE(program) << program.error().message;
      const std::vector<float> x = input_for(spec, 3);
      auto y = jit_output(*program, x, output_for(spec));
      ASSERT_TRUE(y) << y.error().message;
      std::vector<float> expected = output_for(spec);
      interpret(*program, x, expected, *spec.pixels);
      EXPECT_EQ(std::memcmp(y->data(), expected.data(), expected.size() * sizeof(float)), 0) << spec.name << " " << cpu;
    }
}

/// One test per sparsity, so that ctest can run them side by side.
class RealMatrices : public testing::TestWithParam<const char*> {};

TEST_P(RealMatrices, OfDlmcAgreeWithTheReferenceInTheJit) {
  if (const std::string why = data_missing(); !why.empty()) GTEST_SKIP() << why;
  for (const KernelSpec& spec : dlmc_matrices(GetParam())) expect_in_bounds(spec, *find_target("host"));
}

std::string sparsity_name(const testing::TestParamInfo<const char*>& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Dlmc, RealMatrices, testing::ValuesIn(kDlmcSparsities), sparsity_name);

TEST(RealFaceModel, AgreesWithTheReferenceInTheJit) {
  if (const std::string why = face_model_missing(); !why.empty()) GTEST_SKIP() << why;
  for (const KernelSpec& spec : face_layers()) expect_in_bounds(spec, *find_target("host"));
}

}  // namespace
}  // namespace espalier::test
