// Which kernel names emitted headers can declare: what compilers refuse is reserved, and what is not compiles.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/c_source/c_header.h"
#include "backends/text_template.h"
#include "c_harness.h"
#include "ir/c_names.h"
#include "test/support/command.h"
#include "test/support/spmm_program.h"

namespace espalier::test {
namespace {

KernelProgram named_program(std::string name) {
  KernelProgram program = spmm_program({.target = "c99", .cpu = "portable", .pixels = 0}, 9);
  program.name = std::move(name);
  return program;
}

struct Language {
  std::string_view compiler, flags, extension;
};
const Language kLanguages[] = {{ESPALIER_TEST_GCC, "-std=c99", "c"},
                               {ESPALIER_TEST_GCC, "-std=gnu17", "c"},
                               {ESPALIER_TEST_GXX, "-std=gnu++20", "cpp"}};

/// Compiles a header of this kernel alone, where the C library's headers are included before; the compiler's words.
std::string compile_header(const std::string& name, const Language& language) {
  const KernelProgram program = named_program(name);
  const HeaderKernel kernel{&program, {}, true};
  const TemporaryFolder folder;
  const std::string file = fmt::format("main.{}", language.extension);
  write_files({*write_header("net", {&kernel, 1}, {}),
               *kernel_abi_header(),
               {file,
                "#include <math.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
                "#include \"net.h\"\n"}},
              folder);
  const CommandResult result =
      run_command_in(folder, fmt::format("{} {} -Werror -I. -c {} -o main.o", language.compiler, language.flags, file));
  return result.status == 0 ? "" : result.output;
}

bool have_compilers() {
  return !std::string_view(ESPALIER_TEST_GCC).empty() && !std::string_view(ESPALIER_TEST_GXX).empty();
}

TEST(KernelNames, NamesThatACompilerRefusesAreReserved) {
  if (!have_compilers()) GTEST_SKIP() << "this machine has no gcc or no g++";
  for (const char* name : {"while", "class", "concept", "x", "y", "pixels", "size_t", "exit", "random", "linux",
                           "espalier_kernel", "NULL", "y0"}) {
    EXPECT_TRUE(is_reserved_in_c(name)) << name;
    std::string complaints;
    for (const Language& language : kLanguages) complaints += compile_header(name, language);
    EXPECT_NE(complaints, "") << name << " is reserved, but every compiler takes it";
  }
}

TEST(KernelNames, OthersCompileInEveryLanguage) {
  if (!have_compilers()) GTEST_SKIP() << "this machine has no gcc or no g++";
  for (const char* name : {"conv1", "a", "kernel", "weights", "import", "module", "final", "K"}) {
    EXPECT_FALSE(is_reserved_in_c(name)) << name;
    for (const Language& language : kLanguages)
      EXPECT_EQ(compile_header(name, language), "") << name << " " << language.flags;
  }
}

TEST(KernelNames, AreNotThoseOfFunctionsOfOtherKernels) {
  const KernelProgram a = named_program("conv_run"), b = named_program("conv");
  const HeaderKernel kernels[] = {{&a, {}, false}, {&b, {}, false}};
  const auto header = write_header("net", kernels, {});
  ASSERT_FALSE(header);
  EXPECT_EQ(header.error().kind, ErrorKind::kBadInput);
  EXPECT_EQ(header.error().message, "header net.h: kernel conv_run and the function of kernel conv would share a name");
}

}  // namespace
}  // namespace espalier::test
