// A compilation that fails or is interrupted leaves its directory as it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "running_program.h"
#include "sample_inputs.h"

namespace espalier::test {
namespace {

using testing::HasSubstr;

/// Compiles `arguments` into out/, which holds an older result and must be the same afterwards.
Outcome compile_over_old_files(const TemporaryFolder& folder, const std::string& arguments) {
  for (const char* name : {"first.o", "first.h", "net.o", "net.h", "manifest.json"})
    folder.write(std::string("out/") + name, std::string("old ") + name);
  const auto before = folder.files("out");
  const Outcome done = espalier_in(folder, words("compile -o out " + arguments));
  EXPECT_EQ(folder.files("out"), before);
  return done;
}

TEST(FailedCompile, LeavesTheDirectoryWhenALayerInTheMiddleIsBad) {
  const TemporaryFolder folder;
  folder.write("net.npz", layers_with_nan_in_the_middle());
  const Outcome done = compile_over_old_files(folder, "net.npz --pixels 784");
  EXPECT_EQ(done.exit_code, 3);
  EXPECT_EQ(done.err, "espalier: net.npz: middle: row 0, column 1 is nan, but weights must be finite\n");
  EXPECT_EQ(done.out, "");
}

TEST(FailedCompile, LeavesTheDirectoryWhenALayerInTheMiddleExceedsALimit) {
  const TemporaryFolder folder;
  folder.write("net.npz", layers_with_a_huge_one_in_the_middle());
  const Outcome done = compile_over_old_files(folder, "net.npz --pixels 784");
  EXPECT_EQ(done.exit_code, 4);
  EXPECT_EQ(done.err, "espalier: kernel middle: input buffer has 2000000 x 784 elements, but the limit is 536870911\n");
}

TEST(FailedCompile, LeavesTheDirectoryWhenCodeGenerationRefuses) {
  const TemporaryFolder folder;
  folder.write("net.npz", layers_file(3, 4, 6));
  const Outcome done = compile_over_old_files(folder, "net.npz --pixels 8 --schedule unrolled:rows=99");
  EXPECT_EQ(done.exit_code, 3);
}

TEST(FailedCompile, LeavesTheDirectoryWhenTheHeaderCannotNameTheKernels) {
  const TemporaryFolder folder;
  folder.write("net.npz", layers_that_differ_in_capitals());
  const Outcome done = compile_over_old_files(folder, "net.npz --pixels 8");
  EXPECT_EQ(done.exit_code, 3);
  EXPECT_THAT(done.err, HasSubstr("espalier: header net.h: kernels conv and Conv would share the macros CONV_*\n"));
}

TEST(FailedCompile, ReplacesNoFileWhenAFolderIsInTheWayOfOne) {
  const TemporaryFolder folder;
  folder.write("net.npz", layers_file(1, 4, 6));
  folder.write("out/net.o", "old");
  folder.write("out/manifest.json/mine", "mine");
  const Outcome done = espalier_in(folder, words("compile net.npz -o out --pixels 8 --emit object,manifest"));
  EXPECT_EQ(done.exit_code, 6);
  EXPECT_THAT(done.err, HasSubstr("espalier: cannot write out/manifest.json: Is a directory\n"));
  const std::map<std::string, std::string> expected = {
      {"manifest.json/", ""}, {"manifest.json/mine", "mine"}, {"net.o", "old"}};
  EXPECT_EQ(folder.files("out"), expected);
}

TEST(FailedCompile, CreatesNoFolderForBadInput) {
  const TemporaryFolder folder;
  folder.write("net.npz", layers_with_nan_in_the_middle());
  EXPECT_EQ(espalier_in(folder, words("compile net.npz -o new --pixels 8")).exit_code, 3);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "new"));
}

TEST(FailedCompile, RefusesAFileAsDirectory) {
  const TemporaryFolder folder;
  folder.write("net.npz", layers_file(1, 4, 6));
  folder.write("out", "a file");
  for (const char* output : {"out", "out/below"}) {
    const Outcome done = espalier_in(folder, {"compile", "net.npz", "--pixels", "8", "-o", output});
    EXPECT_EQ(done.exit_code, 6);
    EXPECT_THAT(done.err, HasSubstr("espalier: cannot create " + std::string(output) + ": Not a directory\n"));
  }
  EXPECT_EQ(folder.read("out"), "a file");
}

TEST(FailedCompile, RefusesADirectoryThatCannotBeWritten) {
  if (geteuid() == 0) GTEST_SKIP() << "the superuser may write everywhere";
  const TemporaryFolder folder;
  folder.write("net.npz", layers_file(1, 4, 6));
  folder.write("out/net.o", "old");
  std::filesystem::permissions(folder.path() / "out", std::filesystem::perms(0500));
  const Outcome done = espalier_in(folder, words("compile net.npz -o out --pixels 8"));
  std::filesystem::permissions(folder.path() / "out", std::filesystem::perms(0700));
  EXPECT_EQ(done.exit_code, 6);
  EXPECT_THAT(done.err, HasSubstr("Permission denied\n"));
  EXPECT_EQ(folder.files("out"), (std::map<std::string, std::string>{{"net.o", "old"}}));
}

TEST(FailedCompile, RefusesADirectoryThatTheSystemDoesNotCreate) {
  if (!std::filesystem::exists("/proc/self")) GTEST_SKIP() << "no /proc here";
  const TemporaryFolder folder;
  folder.write("net.npz", layers_file(1, 4, 6));
  const Outcome done = espalier_in(folder, words("compile net.npz -o /proc/espalier --pixels 8"));
  EXPECT_EQ(done.exit_code, 6);
  EXPECT_THAT(done.err, HasSubstr("espalier: cannot create /proc/espalier: No such file or directory\n"));
}

/// Waits until the program has reported its first kernel; by then it catches interrupts.
bool has_begun(const RunningProgram& program) {
  for (int i = 0; i < 60000; ++i) {
    if (program.err_so_far().find('\n') != std::string::npos) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

// 400 layers of 11,000 non-zeros take seconds; the first is reported after milliseconds.
TEST(InterruptedCompile, LeavesTheDirectoryAndExitsWith130) {
  const TemporaryFolder folder;
  folder.write("net.npz", layers_file(400, 64, 256));
  folder.write("out/net.o", "old");
  RunningProgram program(folder, {ESPALIER_PROGRAM, "compile", "net.npz", "-o", "out", "--pixels", "784", "-j1"});
  ASSERT_TRUE(has_begun(program));
  program.interrupt();
  const Outcome done = program.wait();
  EXPECT_EQ(done.exit_code, 130);
  EXPECT_THAT(done.err, testing::EndsWith("\nespalier: interrupted\n"));
  EXPECT_EQ(done.out, "");
  EXPECT_EQ(folder.files("out"), (std::map<std::string, std::string>{{"net.o", "old"}}));
}

TEST(InterruptedRun, ExitsWith130) {
  const TemporaryFolder folder;
  folder.write("net.npz", layers_file(400, 64, 256));
  RunningProgram program(folder, {ESPALIER_PROGRAM, "run", "net.npz", "--pixels", "784", "--json", "table.json"});
  ASSERT_TRUE(has_begun(program));
  program.interrupt();
  EXPECT_EQ(program.wait().exit_code, 130);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "table.json"));
}

}  // namespace
}  // namespace espalier::test
