#include "backends/jit/jit_library.h"

#include <gtest/gtest.h>

#include <cstring>

#include "backends/assemble.h"
#include "codegen/compile_kernel.h"
#include "espalier/runtime.h"
#include "ir/reference_spmm.h"
#include "test/support/random_spec.h"
#include "test/support/structured_matrix.h"

namespace espalier {
namespace {

constexpr test::SpecLimits kLimits{.rows = 60, .columns = 300, .pixels = 260};

Schedule random_schedule(SeededRandom& random) {
  const char* kSchedules[] = {"unrolled",
                              "unrolled:k=40,chunk=60",
                              "unrolled:pixels=32,prefetch=1",
                              "unrolled:rows=1,vectors=3,k=17,chunk=33,pixels=24",
                              "loop+dense:least=60",
                              "unrolled:cluster=1+nano:rows=2"};
  return *parse_schedule(kSchedules[random.next() % std::size(kSchedules)]);
}

std::vector<float> random_floats(SeededRandom& random, size_t count) {
  std::vector<float> values(count);
  for (float& v : values) v = random.weight();
  return values;
}

void expect_same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i)
    ASSERT_EQ(std::memcmp(&a[i], &b[i], sizeof(float)), 0) << "element " << i << ": " << a[i] << " and " << b[i];
}

std::vector<std::string_view> runnable_cpus() {
  std::vector<std::string_view> cpus{"avx2"};
  if (espalier_host_cpu_features() & ESPALIER_CPU_AVX512F) cpus.push_back("avx512");
  return cpus;
}

class Jit : public ::testing::Test {
 protected:
  void SetUp() override {
    auto host = find_target("host");
    if (!host || host->isa != Isa::kX86_64) GTEST_SKIP() << "this machine is not an x86-64 one";
  }
};

TEST_F(Jit, ComputesTheInterpretersBitsForRandomKernels) {
  SeededRandom random(2024);
  for (const std::string_view cpu : runnable_cpus()) {
    const Target target = *find_target("x86_64-linux", cpu);
    for (int round = 0; round < 150; ++round) {
      SCOPED_TRACE(fmt::format("{} round {}", cpu, round));
      KernelSpec spec = test::random_spec(random, kLimits);
      if (round % 3 == 0) spec.matrix = test::rows_of_all_kinds(spec.matrix.rows(), spec.matrix.columns(), round);
      if (round % 2 == 0) spec.output_order = OutputOrder::kClustered;
      CompileOptions options;
      options.schedule = random_schedule(random);
      auto program = compile_kernel(spec, target, options);
      ASSERT_TRUE(program) << program.error().message;
      auto code = assemble(*program);
      ASSERT_TRUE(code) << code.error().message;
      auto library = JitLibrary::load({&*code, 1}, target);
      ASSERT_TRUE(library) << library.error().message;
      auto kernel = (*library)->kernel("kernel");
      ASSERT_TRUE(kernel);
      const uint32_t pixels = spec.pixels ? *spec.pixels : 1 + static_cast<uint32_t>(random.next() % spec.max_pixels());
      const auto x = random_floats(random, size_t{spec.matrix.columns()} * spec.input_stride);
      const std::vector<float> before(size_t{spec.matrix.rows()} * spec.output_stride, -7.0f);
      std::vector<float> y = before, wanted = before;
      char message[200];
      ASSERT_EQ(espalier_kernel_run_checked(*kernel, x.data(), y.data(), pixels, message, sizeof message), ESPALIER_OK)
          << message;
      interpret(*program, x, wanted, pixels);
      expect_same_bits(y, wanted);
      ASSERT_EQ((*kernel)->output_order == nullptr, program->output_order.empty());
      const std::span<const uint32_t> order((*kernel)->output_order, program->output_order.size());
      ASSERT_LE(error_in_bounds(spec, x, y, pixels, order), 1);
    }
  }
}

TEST_F(Jit, LoadsSeveralKernelsAtOnce) {
  SeededRandom random(5);
  const Target target = *find_target("x86_64-linux", "avx2");
  std::vector<KernelProgram> programs;
  for (const char* name : {"first", "second", "third"}) {
    KernelSpec spec = test::random_spec(random, kLimits);
    spec.name = name;
    auto program = compile_kernel(spec, target);
    ASSERT_TRUE(program);
    programs.push_back(*std::move(program));
  }
  std::vector<KernelCode> codes;
  for (const KernelProgram& p : programs) codes.push_back(*assemble(p));
  auto library = JitLibrary::load(codes, target);
  ASSERT_TRUE(library) << library.error().message;
  for (const KernelProgram& p : programs) {
    auto kernel = (*library)->kernel(p.name);
    ASSERT_TRUE(kernel);
    EXPECT_EQ((*kernel)->name, p.name);
    EXPECT_EQ((*kernel)->output_channels, p.output_channels);
    EXPECT_EQ((*kernel)->nonzeros, p.nonzeros);
  }
  auto missing = (*library)->kernel("fourth");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, "there is no kernel named fourth");
}

TEST_F(Jit, RefusesCodeForAnotherMachine) {
  auto library = JitLibrary::load({}, *find_target("aarch64-linux"));
  ASSERT_FALSE(library);
  EXPECT_EQ(library.error().message, "target aarch64-linux is not this machine's, so it cannot run here");
  if (espalier_host_cpu_features() & ESPALIER_CPU_AVX512F) return;
  auto avx512 = JitLibrary::load({}, *find_target("x86_64-linux", "znver4"));
  ASSERT_FALSE(avx512);
  EXPECT_EQ(avx512.error().message,
            "target x86_64-linux with CPU znver4: kernel code needs the CPU feature avx512f, which this machine does "
            "not have");
}

}  // namespace
}  // namespace espalier
