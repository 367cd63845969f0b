// Writes that fail leave no folder behind that was not there before.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include "running_program.h"

namespace espalier::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMatrix =
    "%%MatrixMarket matrix coordinate real general\n"
    "2 2 3\n"
    "1 1 0.5\n"
    "1 2 1\n"
    "2 2 2\n";

/// While it lives, programs started from here cannot write files above `bytes`: as on a full disk, writes fail late.
class SmallFiles {
 public:
  explicit SmallFiles(rlim_t bytes) : handler_(signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit small{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallFiles() {
    setrlimit(RLIMIT_FSIZE, &before_);
    signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  sighandler_t handler_;
};

/// ThreadSanitizer keeps its stacks in files of its own, which such a limit cuts.
bool limit_breaks_programs() {
#ifdef __SANITIZE_THREAD__
  return true;
#else
  return false;
#endif
}

Outcome compile_into(const TemporaryFolder& folder, const std::string& directory) {
  const SmallFiles limit(1024);
  return espalier_in(folder, words("compile layer.mtx --pixels 4 --target c99 -o " + directory));
}

TEST(OutputDirectory, GoesAwayWithItsParentsWhenAWriteFails) {
  if (limit_breaks_programs()) GTEST_SKIP() << "ThreadSanitizer does not run with a limit on file sizes";
  const TemporaryFolder folder;
  folder.write("layer.mtx", kMatrix);
  for (const char* directory : {"new", "new/", "new/below/deep", "./new/../other"}) {
    const Outcome ran = compile_into(folder, directory);
    EXPECT_EQ(ran.exit_code, 6) << ran.err;
    EXPECT_NE(ran.err.find("espalier: cannot write "), std::string::npos) << ran.err;
    EXPECT_FALSE(fs::exists(folder.path() / "new")) << directory;
    EXPECT_FALSE(fs::exists(folder.path() / "other")) << directory;
  }
}

TEST(OutputDirectory, StaysEmptyWhenItWasThereBefore) {
  if (limit_breaks_programs()) GTEST_SKIP() << "ThreadSanitizer does not run with a limit on file sizes";
  const TemporaryFolder folder;
  folder.write("layer.mtx", kMatrix);
  fs::create_directories(folder.path() / "old");
  EXPECT_EQ(compile_into(folder, "old/below").exit_code, 6);
  ASSERT_TRUE(fs::exists(folder.path() / "old"));
  EXPECT_TRUE(fs::is_empty(folder.path() / "old"));
}

TEST(OutputDirectory, GetsNoNewFolderWhenAPlaceIsTaken) {
  const TemporaryFolder folder;
  folder.write("layer.mtx", kMatrix);
  fs::create_directories(folder.path() / "out/manifest.json");
  EXPECT_EQ(espalier_in(folder, words("compile layer.mtx --pixels 4 --target c99 -o out")).exit_code, 6);
  EXPECT_FALSE(fs::exists(folder.path() / "out/espalier"));
}

}  // namespace
}  // namespace espalier::test
