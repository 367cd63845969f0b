#include "test/support/command.h"

#include <sys/wait.h>

#include <cstdio>

namespace espalier::test {

CommandResult run_command(const std::string& command) {
  std::string output;
  FILE* pipe = popen(("(" + command + ") 2>&1").c_str(), "r");
  if (!pipe) return {-1, "cannot start a shell"};
  char buffer[4096];
  for (size_t n; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) output.append(buffer, n);
  const int status = pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, output};
}

CommandResult run_command_in(const TemporaryFolder& folder, const std::string& command) {
  return run_command("cd '" + folder.path().string() + "' && " + command);
}

bool have_program(const std::string& name) { return run_command("command -v " + name).status == 0; }

}  // namespace espalier::test
