// What `espalier compile` emits, used as its users do: linked, loaded and compiled by gcc.
#include <gtest/gtest.h>

#include "espalier/runtime.h"
#include "running_program.h"
#include "sample_inputs.h"

namespace espalier::test {
namespace {

constexpr size_t kPixels = 21;

float input(size_t channel, size_t pixel) { return static_cast<float>((channel * 7 + pixel * 3) % 11) - 5; }

/// max(0, W x X), exact: weights and inputs are small multiples of 1/4.
std::vector<float> expected_output() {
  const std::vector<float> w = small_matrix_dense();
  std::vector<float> y(4 * kPixels);
  for (size_t m = 0; m < 4; ++m)
    for (size_t p = 0; p < kPixels; ++p) {
      float sum = 0;
      for (size_t k = 0; k < 5; ++k) sum += w[m * 5 + k] * input(k, p);
      y[m * kPixels + p] = sum > 0 ? sum : 0;
    }
  return y;
}

std::vector<float> inputs() {
  std::vector<float> x(5 * kPixels);
  for (size_t i = 0; i < x.size(); ++i) x[i] = input(i / kPixels, i % kPixels);
  return x;
}

// Prints the sum of p + 1 times every output, which the test knows.
constexpr const char* kCaller = R"(#include <stdio.h>
#include "net.h"
int main(void) {
  static float x[W_INPUT_ELEMENTS], y[W_OUTPUT_ELEMENTS];
  double sum = 0;
  for (unsigned i = 0; i < W_INPUT_ELEMENTS; ++i)
    x[i] = (float)((i / W_INPUT_STRIDE * 7 + i % W_INPUT_STRIDE * 3) % 11) - 5;
  w_run(x, y);
  for (unsigned i = 0; i < W_OUTPUT_ELEMENTS; ++i) sum += (i + 1) * (double)y[i];
  printf("%.4f\n", sum);
  return 0;
}
)";

std::string expected_line() {
  double sum = 0;
  const std::vector<float> y = expected_output();
  for (size_t i = 0; i < y.size(); ++i) sum += static_cast<double>(i + 1) * static_cast<double>(y[i]);
  char line[64];
  std::snprintf(line, sizeof line, "%.4f\n", sum);
  return line;
}

class EmittedCode : public testing::Test {
 protected:
  void SetUp() override {
    if (std::string(ESPALIER_TEST_GCC).empty()) GTEST_SKIP() << "gcc not found";
    folder_.write("w.mtx", small_matrix());
    folder_.write("caller.c", kCaller);
  }
  void compile(const std::string& more) {
    const Outcome done =
        espalier_in(folder_, words("compile w.mtx -o out --name net --pixels 21 --clamp relu " + more));
    ASSERT_EQ(done.exit_code, 0) << done.err;
  }
  /// gcc with every warning an error.
  void gcc(const std::string& arguments) {
    const Outcome done =
        run_command(folder_, words(ESPALIER_TEST_GCC " -O1 -Wall -Wextra -Wpedantic -Werror -Iout " + arguments));
    ASSERT_EQ(done.exit_code, 0) << done.err;
  }
  void expect_right_answer() {
    const Outcome done = run_command(folder_, {"./caller"});
    EXPECT_EQ(done.exit_code, 0);
    EXPECT_EQ(done.out, expected_line());
  }
  TemporaryFolder folder_;
};

TEST_F(EmittedCode, ObjectAndHeaderServeACProgram) {
  compile("--target host");
  gcc("-std=c99 caller.c out/net.o -o caller");
  expect_right_answer();
}

TEST_F(EmittedCode, C99ServesACProgram) {
  compile("--target c99");
  gcc("-std=c99 caller.c out/w.c -o caller");
  expect_right_answer();
}

TEST_F(EmittedCode, COfTheHostServesACProgram) {
  compile("--target host --emit c,header");
  gcc("-std=c99 -march=native caller.c out/w.c -o caller");
  expect_right_answer();
}

TEST_F(EmittedCode, SharedObjectLoadsThroughTheRuntime) {
  compile("--target host");
  gcc("-shared out/net.o -o libnet.so");
  espalier_library* library = nullptr;
  char message[256] = "";
  ASSERT_EQ(espalier_library_open((folder_.path() / "libnet.so").c_str(), &library, message, sizeof message),
            ESPALIER_OK)
      << message;
  const espalier_kernel* kernel = nullptr;
  ASSERT_EQ(espalier_library_kernel(library, "w", &kernel, message, sizeof message), ESPALIER_OK) << message;
  const std::vector<float> x = inputs();
  std::vector<float> y(4 * kPixels);
  EXPECT_EQ(espalier_kernel_run_checked(kernel, x.data(), y.data(), kPixels, message, sizeof message), ESPALIER_OK)
      << message;
  EXPECT_EQ(y, expected_output());
  espalier_library_close(library);
}

TEST_F(EmittedCode, AArch64ObjectLinks) {
  if (std::string(ESPALIER_TEST_AARCH64_GCC).empty()) GTEST_SKIP() << "aarch64-linux-gnu-gcc not found";
  compile("--target aarch64-linux");
  const Outcome done = run_command(
      folder_, words(ESPALIER_TEST_AARCH64_GCC " -std=c99 -Wall -Werror -static -Iout caller.c out/net.o -o caller"));
  EXPECT_EQ(done.exit_code, 0) << done.err;
}

}  // namespace
}  // namespace espalier::test
