// Real matrices as AArch64 objects, linked into a static program and run under qemu-aarch64.
#include <gtest/gtest.h>

#include "codegen/compile_kernel.h"
#include "ir/reference_spmm.h"
#include "test/aarch64/emulator.h"
#include "test/real/real_data.h"
#include "test/support/random_program.h"

namespace espalier::test {
namespace {

/// The emulator computes a few ten million fused multiply-adds a second, and runs everything three times. 57 pixels are
/// full tiles of 12 (8 x 3 vectors), 20 and 28 pixels, and the tail of each.
constexpr uint32_t kMaxDlmcPixels = 57;
/// Most of the time goes into translating code, of which larger matrices have 2 to 20 MB.
constexpr uint64_t kMaxDlmcNonzeros = 60'000;

/// The driver's own input through interpret(), whose bits the emulated code has to match, stays in the error bound.
void expect_in_bounds(const KernelSpec& spec, const KernelProgram& program) {
  const std::vector<float> x = random_input_of(program, *spec.pixels);
  std::vector<float> y(size_t{spec.matrix.rows()} * spec.output_stride);
  interpret(program, x, y, *spec.pixels);
  EXPECT_LE(error_in_bounds(spec, x, y, *spec.pixels), 1) << spec.name;
}

void expect_right_answers(const std::vector<KernelSpec>& specs) {
  std::vector<EmulatedCase> cases;
  for (const KernelSpec& spec : specs) {
    auto program = compile_kernel(spec, *find_target("aarch64-linux"));
    ASSERT_TRUE(program) << program.error().message;
    expect_in_bounds(spec, *program);
    cases.push_back({*std::move(program), {*spec.pixels}});
  }
  expect_emulated_answers(std::move(cases));
}

std::string missing() { return data_missing().empty() ? emulator_missing() : data_missing(); }

TEST(RealLayers, OfMobileNetGiveTheInterpretersBitsAsAArch64Objects) {
  if (const std::string why = missing(); !why.empty()) GTEST_SKIP() << why;
  expect_right_answers(mobilenet_layers());
}

TEST(RealMatrices, FortyOfDlmcGiveTheInterpretersBitsAsAArch64Objects) {
  if (const std::string why = missing(); !why.empty()) GTEST_SKIP() << why;
  expect_right_answers(dlmc_sample(40, kMaxDlmcPixels, kMaxDlmcNonzeros));
}

TEST(RealFaceModel, GivesTheInterpretersBitsAsAArch64Objects) {
  if (const std::string why = face_model_missing(); !why.empty()) GTEST_SKIP() << why;
  if (const std::string why = emulator_missing(); !why.empty()) GTEST_SKIP() << why;
  std::vector<KernelSpec> layers;
  for (KernelSpec& layer : face_layers()) layers.push_back(with_pixels(std::move(layer), 256));
  expect_right_answers(layers);
}

}  // namespace
}  // namespace espalier::test
