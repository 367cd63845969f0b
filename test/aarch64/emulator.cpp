#include "test/aarch64/emulator.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "backends/aarch64/aarch64_assembler.h"
#include "backends/mc/object_writer.h"
#include "test/support/command.h"
#include "test/support/random_rolled_program.h"
#include "test/support/temporary_folder.h"

namespace espalier::test {
namespace {

constexpr const char* kCompiler = "aarch64-linux-gnu-gcc";
constexpr const char* kEmulator = "qemu-aarch64";

std::string object_of(const std::vector<EmulatedCase>& cases) {
  std::vector<KernelCode> codes;
  for (const EmulatedCase& c : cases) {
    const Status verified = verify(c.program);
    EXPECT_TRUE(verified) << verified.error().message;
    auto chunks = assemble_aarch64(c.program);
    EXPECT_TRUE(chunks) << chunks.error().message;
    codes.push_back({&c.program, *chunks});
  }
  auto object = write_object(codes, cases[0].program.target);
  EXPECT_TRUE(object) << object.error().message;
  return *object;
}

std::string case_table(const std::vector<EmulatedCase>& cases) {
  std::string externs, rows;
  for (const EmulatedCase& c : cases) {
    externs += fmt::format("extern const espalier_kernel {};\n", c.program.name);
    for (uint32_t pixels : c.pixels) rows += fmt::format("  {{&{}, {}}},\n", c.program.name, pixels);
  }
  return fmt::format(
      "#include \"espalier/kernel_abi.h\"\n{}struct test_case {{ const espalier_kernel* kernel; size_t pixels; }};\n"
      "const struct test_case cases[] = {{\n{}}};\nconst size_t case_count = sizeof cases / sizeof *cases;\n",
      externs, rows);
}

/// The bits of both, but any NaN for any NaN: which one arithmetic makes is the machine's own.
bool same(float a, float b) {
  return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b) || (std::isnan(a) && std::isnan(b));
}

/// What interpret() gives, rows packed: M x pixels elements.
std::vector<float> expected_rows(const KernelProgram& p, uint32_t pixels) {
  const std::vector<float> y = expected_rolled_output(p, pixels);
  std::vector<float> packed;
  for (uint64_t m = 0; m < p.output_channels; ++m)
    for (uint32_t i = 0; i < pixels; ++i) packed.push_back(y[p.output_place(i) + m * p.output_stride]);
  return packed;
}

void compare(const EmulatedCase& c, uint32_t pixels, const float* found) {
  const std::vector<float> expected = expected_rows(c.program, pixels);
  for (size_t i = 0; i < expected.size(); ++i)
    ASSERT_TRUE(same(found[i], expected[i]))
        << c.program.name << ", " << pixels << " pixels: row " << i / pixels << ", pixel " << i % pixels << " is "
        << found[i] << ", expected " << expected[i] << "\n"
        << (c.program.micro_ops() < 1000 ? print(c.program) : "");
}

}  // namespace

std::string emulator_missing() {
  for (const char* program : {kCompiler, kEmulator})
    if (!have_program(program)) return std::string(program) + " is not installed";
  return {};
}

void expect_emulated_answers(std::vector<EmulatedCase> cases) {
  for (size_t i = 0; i < cases.size(); ++i) cases[i].program.name = fmt::format("k{}", i);
  const TemporaryFolder folder;
  const std::string object = folder.write("kernels.o", object_of(cases));
  const std::string table = folder.write("cases.c", case_table(cases));
  const auto linked = run_command(
      fmt::format("{0} -O1 -Wall -Wextra -static -I{1}/runtime/include {1}/test/aarch64/driver.c {2} {3} -o {4}",
                  kCompiler, ESPALIER_SOURCE_DIR, table, object, folder.path("driver")));
  ASSERT_EQ(linked.status, 0) << linked.output;
  EXPECT_EQ(linked.output, "");
  const auto ran = run_command(fmt::format("{} {} {}", kEmulator, folder.path("driver"), folder.path("results")));
  ASSERT_EQ(ran.status, 0) << ran.output;
  const std::string bytes = contents_of(folder.path("results"));
  std::vector<float> results(bytes.size() / sizeof(float));
  std::memcpy(results.data(), bytes.data(), results.size() * sizeof(float));
  size_t at = 0;
  for (const EmulatedCase& c : cases)
    for (uint32_t pixels : c.pixels) {
      const size_t count = size_t{c.program.output_channels} * pixels;
      ASSERT_LE(at + count, results.size());
      compare(c, pixels, results.data() + at);
      at += count;
    }
  EXPECT_EQ(at, results.size());
}

}  // namespace espalier::test
