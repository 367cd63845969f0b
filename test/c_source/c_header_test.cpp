#include "backends/c_source/c_header.h"

#include <cstdlib>
#include <sstream>

#include "backends/c_source/c_source.h"
#include "backends/text_template.h"
#include "c_harness.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/command.h"
#include "test/support/random_program.h"
#include "test/support/spmm_program.h"

namespace espalier::test {
namespace {

using testing::HasSubstr;
using testing::Not;

KernelProgram named_program(std::string name, uint32_t pixels) {
  SpmmShape shape{.target = "c99", .cpu = "portable", .pixels = pixels, .input_stride = pixels ? 40u : 37u};
  KernelProgram program = spmm_program(shape, 9);
  program.name = std::move(name);
  return program;
}

std::string header_text(const KernelProgram& program, Clamp clamp = {}, bool has_bias = false) {
  const HeaderKernel kernel{&program, clamp, has_bias};
  const auto header = write_header("net", {&kernel, 1}, {});
  return header ? header->contents : header.error().message;
}

TEST(CHeader, DocumentsFormulaShapesPixelsAndNeeds) {
  const std::string text = header_text(named_program("conv3", 0), {0, 6}, true);
  for (const std::string_view line : {
           " * conv3\n",
           " * Formula  Y[m, p] = min(max(bias[m] + sum over k ascending of W[m, k] * X[k, p], 0), 6)\n",
           " * Weights  W[7, 9] with 29 non-zeros, inside the kernel, like the bias\n",
           " * Shapes   X[9, pixels], row k at x + k * 37; Y[7, pixels], row m at y + m * 39\n",
           " * Pixels   1..37, chosen at each call\n",
           " * Extent   x has 333 elements, y has 271; between rows, y is left alone\n",
           " * Values   X any; Y in [0, 6], where NaN becomes 0\n",
           " * Needs    no CPU features\n",
           " * Threads  2 row groups x blocks of 24 pixels as independent work items\n",
           "#define CONV3_OUTPUT_CHANNELS 7\n",
           "#define CONV3_OUTPUT_ELEMENTS 271\n",
           "extern const espalier_kernel conv3;\n",
           "static inline void conv3_run(const float *x, float *y, size_t pixels) {\n",
       })
    EXPECT_THAT(text, HasSubstr(line));
}

TEST(CHeader, DocumentsTheOrderOfRows) {
  KernelProgram program = named_program("conv3", 0);
  EXPECT_THAT(header_text(program), Not(HasSubstr(" * Order ")));
  program.output_order = {6, 5, 4, 3, 2, 1, 0};
  EXPECT_THAT(header_text(program), HasSubstr("\n * Order    row m of Y is output channel conv3.output_order[m]\n"));
}

TEST(CHeader, DocumentsThatDensePartsMultiplyZeros) {
  KernelProgram program = named_program("conv3", 0);
  EXPECT_THAT(header_text(program), HasSubstr("from inputs that a non-zero multiplies\n"));
  program.schedule = *parse_schedule("loop+dense:least=60");
  EXPECT_THAT(header_text(program), HasSubstr("from inputs that a weight, maybe a zero, multiplies\n"));
}

TEST(CHeader, DocumentsOneSidedAndMissingClamps) {
  const KernelProgram program = named_program("conv3", 0);
  const Clamp relu{.low = 0};
  EXPECT_THAT(header_text(program, relu), HasSubstr("Y[m, p] = max(sum over"));
  EXPECT_THAT(header_text(program, relu), HasSubstr("Y at least 0, which NaN becomes\n"));
  Clamp upper;
  upper.high = 1;
  EXPECT_THAT(header_text(program, upper), HasSubstr("Y[m, p] = min(sum over"));
  EXPECT_THAT(header_text(program, upper), HasSubstr("Y at most 1, which NaN becomes\n"));
  EXPECT_THAT(header_text(program), HasSubstr("Y[m, p] = sum over"));
  EXPECT_THAT(header_text(program), HasSubstr("; no bias\n"));
}

TEST(CHeader, NamesTheCpuFeaturesAKernelNeeds) {
  EXPECT_THAT(header_text(spmm_program({.target = "x86_64-linux", .cpu = "avx2"}, 1)),
              HasSubstr("Needs    avx2, fma\n"));
}

TEST(CHeader, LeavesThePixelsOfAFixedKernelToIt) {
  const std::string text = header_text(named_program("conv3", 20));
  EXPECT_THAT(text, HasSubstr("static inline void conv3_run(const float *x, float *y) {\n"));
  EXPECT_THAT(text, HasSubstr("Pixels   always 20\n"));
}

TEST(CHeader, RefusesKernelsThatWouldShareMacros) {
  const KernelProgram a = named_program("conv", 0), b = named_program("Conv", 0);
  const HeaderKernel kernels[] = {{&a, {}, false}, {&b, {}, false}};
  const auto header = write_header("net", kernels, {});
  ASSERT_FALSE(header);
  EXPECT_EQ(header.error().kind, ErrorKind::kBadInput);
  EXPECT_EQ(header.error().message, "header net.h: kernels conv and Conv would share the macros CONV_*");
}

TEST(CHeader, RefusesALibraryNameThatIsNoFileName) {
  for (const std::string_view name : {"", "a/b", "..", ".hidden", "a b", "a\"b"}) {
    const auto header = write_header(name, {}, {});
    ASSERT_FALSE(header) << name;
    EXPECT_EQ(header.error().message,
              fmt::format("library name '{}' must be made of letters, digits, '_', '-' and '.'", name));
  }
}

// One caller, as C and as C++, that uses the wrappers of a kernel with fixed pixels and of one without.
constexpr std::string_view kCaller = R"(#include "my-net.h"
#include <stdio.h>
static float x[RUN_TIME_INPUT_ELEMENTS], y[RUN_TIME_OUTPUT_ELEMENTS];
static float x20[FIXED_INPUT_ELEMENTS], y20[FIXED_OUTPUT_ELEMENTS];
int main(void) {
  unsigned i;
  for (i = 0; i < RUN_TIME_INPUT_ELEMENTS; ++i) x[i] = (float)i * 0.001f;
  for (i = 0; i < FIXED_INPUT_ELEMENTS; ++i) x20[i] = (float)i * 0.001f;
  run_time_run(x, y, RUN_TIME_MAX_PIXELS);
  fixed_run(x20, y20);
  for (i = 0; i < RUN_TIME_OUTPUT_ELEMENTS; ++i) printf("%a\n", (double)y[i]);
  for (i = 0; i < FIXED_OUTPUT_ELEMENTS; ++i) printf("%a\n", (double)y20[i]);
  return 0;
}
)";

std::string expected_output(const KernelProgram& program) {
  std::vector<float> x(input_elements(program)), y(output_elements(program));
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i) * 0.001f;
  interpret(program, x, y, program.max_pixels());
  y.resize(size_t{program.output_channels - 1} * program.output_stride + program.max_pixels());
  std::string text;
  for (const float value : y) text += fmt::format("{:a}\n", value);
  return text;
}

struct Language {
  std::string_view compiler, flags, extension;
};

/// One float a line; the C library and fmt spell hexadecimal ones differently.
std::vector<float> numbers(const std::string& text) {
  std::vector<float> values;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) values.push_back(std::strtof(line.c_str(), nullptr));
  return values;
}

TEST(CHeader, ServesCAndCpp) {
  if (std::string_view(ESPALIER_TEST_GCC).empty() || std::string_view(ESPALIER_TEST_GXX).empty())
    GTEST_SKIP() << "this machine has no gcc or no g++";
  const KernelProgram fixed = named_program("fixed", 20), run_time = named_program("run_time", 0);
  const HeaderKernel kernels[] = {{&fixed, {}, true}, {&run_time, {}, true}};
  const TemporaryFolder folder;
  write_files({*write_header("my-net", kernels, {}),
               *kernel_abi_header(),
               {"caller.c", std::string(kCaller)},
               {"caller.cpp", std::string(kCaller)}},
              folder);
  for (const KernelProgram* program : {&fixed, &run_time}) write_files(*write_c_source(*program), folder);
  const std::string strict = "-Wall -Wextra -Wpedantic -Wconversion -Werror -I.";
  const std::string kernel_objects =
      fmt::format("{0} -std=c99 {1} -c fixed.c && {0} -std=c99 {1} -c run_time.c", ESPALIER_TEST_GCC, strict);
  CommandResult result = run_command_in(folder, kernel_objects);
  ASSERT_EQ(result.status, 0) << result.output;
  const std::string expected = expected_output(run_time) + expected_output(fixed);
  for (const Language& language :
       {Language{ESPALIER_TEST_GCC, "-std=c99", "c"}, Language{ESPALIER_TEST_GXX, "-std=c++11", "cpp"}}) {
    result = run_command_in(folder, fmt::format("{} {} {} caller.{} fixed.o run_time.o -o caller && ./caller",
                                                language.compiler, language.flags, strict, language.extension));
    ASSERT_EQ(result.status, 0) << result.output;
    EXPECT_EQ(numbers(result.output), numbers(expected));
  }
}

}  // namespace
}  // namespace espalier::test
