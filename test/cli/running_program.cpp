#include "running_program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <iterator>
#include <sstream>

namespace espalier::test {
namespace {

namespace fs = std::filesystem;

pid_t spawn(const fs::path& folder, const std::vector<std::string>& command, const fs::path& output) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  const std::string out = output / "out", err = output / "err";
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  pid_t pid = -1;
  const int error = posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  EXPECT_EQ(error, 0) << command[0];
  return error == 0 ? pid : -1;
}

}  // namespace

RunningProgram::RunningProgram(const TemporaryFolder& folder, const std::vector<std::string>& command)
    : pid_(spawn(folder.path(), command, output_.path())) {}

std::string RunningProgram::err_so_far() const { return contents_of(output_.path() / "err"); }

void RunningProgram::interrupt() const {
  if (pid_ > 0) kill(pid_, SIGINT);
}

Outcome RunningProgram::wait() {
  int status = 0;
  if (pid_ <= 0 || waitpid(pid_, &status, 0) != pid_) return {};
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return {code, contents_of(output_.path() / "out"), contents_of(output_.path() / "err")};
}

Outcome run_command(const TemporaryFolder& folder, const std::vector<std::string>& command) {
  return RunningProgram(folder, command).wait();
}

Outcome espalier_in(const TemporaryFolder& folder, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), ESPALIER_PROGRAM);
  return run_command(folder, arguments);
}

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

}  // namespace espalier::test
