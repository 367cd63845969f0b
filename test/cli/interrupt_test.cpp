// An interrupt ends a command that is busy with one large kernel, and nothing is left behind.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

#include "ir/sparse_matrix.h"
#include "running_program.h"

namespace espalier::test {
namespace {

namespace fs = std::filesystem;

/// The pattern of a large random matrix; the compiler spends seconds on it, most of them after the first pass.
std::string large_smtx() {
  constexpr uint32_t kSize = 3000;
  const SparseMatrix m = random_sparse_matrix(kSize, kSize, 0.85, 7);
  std::string text = fmt::format("{}, {}, {}\n0", kSize, kSize, m.nonzeros());
  size_t end = 0;
  for (uint32_t r = 0; r < kSize; ++r) text += fmt::format(" {}", end += m.row_columns(r).size());
  text += '\n';
  for (uint32_t r = 0; r < kSize; ++r)
    for (const uint32_t column : m.row_columns(r)) text += fmt::format("{} ", column);
  text.back() = '\n';
  return text;
}

/// `espalier compile large.smtx` in a folder, with standard error in the file `err` and temporary files in `temporary`.
class Compilation {
 public:
  Compilation(const TemporaryFolder& folder, std::vector<std::string> more) : folder_(folder.path()) {
    fs::create_directories(folder_ / "temporary");
    std::vector<std::string> words{ESPALIER_PROGRAM, "compile", "large.smtx", "--pixels", "64", "-o", "out"};
    words.insert(words.end(), more.begin(), more.end());
    process_ = fork();
    if (process_ == 0) start(words);
  }

  /// Whether the program catches interrupts yet.
  bool catches_interrupts() const {
    std::ifstream status(fmt::format("/proc/{}/status", process_));
    for (std::string line; std::getline(status, line);)
      if (line.starts_with("SigCgt:")) return (std::stoull(line.substr(7), nullptr, 16) >> (SIGINT - 1)) & 1;
    return false;
  }

  void interrupt() const { kill(process_, SIGINT); }
  int exit_code() const {
    int status = 0;
    waitpid(process_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  [[noreturn]] void start(std::vector<std::string>& words) const {
    const int err = open((folder_ / "err").c_str(), O_CREAT | O_WRONLY, 0600);
    if (err < 0 || dup2(err, STDERR_FILENO) < 0 || chdir(folder_.c_str()) != 0) _exit(99);
    setenv("TMPDIR", (folder_ / "temporary").c_str(), 1);
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    execv(arguments[0], arguments.data());
    _exit(99);
  }

  fs::path folder_;
  pid_t process_ = -1;
};

bool comes_true(const std::function<bool()>& condition) {
  for (int i = 0; i < 120'000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

bool can_watch_processes() { return fs::exists("/proc/self/status"); }

/// Interrupts a compilation when `condition` holds, and expects no trace of it in the output or temporary folder.
/// Returns what it said.
std::string interrupt_when(const std::function<bool(const TemporaryFolder&)>& condition, std::vector<std::string> more) {
  const TemporaryFolder folder;
  folder.write("large.smtx", large_smtx());
  const Compilation compilation(folder, std::move(more));
  EXPECT_TRUE(comes_true([&] { return compilation.catches_interrupts() && condition(folder); }));
  compilation.interrupt();
  EXPECT_EQ(compilation.exit_code(), 130);
  EXPECT_FALSE(fs::exists(folder.path() / "out"));
  EXPECT_TRUE(fs::is_empty(folder.path() / "temporary"));
  return contents_of(folder.path() / "err");
}

TEST(Interrupt, EndsTheReadingOfALargeFile) {
  if (!can_watch_processes()) GTEST_SKIP() << "no /proc here";
  EXPECT_EQ(interrupt_when([](const TemporaryFolder&) { return true; }, {}), "espalier: interrupted\n");
}

// No line about the kernel: it was never done.
TEST(Interrupt, EndsTheCompilationOfALargeKernel) {
  if (!can_watch_processes()) GTEST_SKIP() << "no /proc here";
  const auto first_pass_is_over = [](const TemporaryFolder& f) {
    return fs::exists(f.path() / "dump/large.1.choose_schedule.txt");
  };
  EXPECT_EQ(interrupt_when(first_pass_is_over, {"--dump-dir", "dump"}), "espalier: interrupted\n");
}

TEST(Interrupt, RemovesTheTemporaryFilesOfTheLinker) {
  if (!can_watch_processes()) GTEST_SKIP() << "no /proc here";
  const auto linker_is_at_work = [](const TemporaryFolder& f) { return !fs::is_empty(f.path() / "temporary"); };
  const std::string err = interrupt_when(linker_is_at_work, {"--target", "wasm32"});
  EXPECT_TRUE(err.ends_with("\nespalier: interrupted\n")) << err;
}

}  // namespace
}  // namespace espalier::test
