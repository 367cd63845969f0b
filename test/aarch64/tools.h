// Files and programs that the tests of native code use: a scratch folder, compilers, an emulator.
#pragma once

#include <string>
#include <vector>

namespace espalier::test {

/// A folder of its own, removed with everything in it at the end.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  std::string path(const std::string& name) const { return path_ + "/" + name; }
  /// Writes a file and returns its path.
  std::string write(const std::string& name, const std::string& bytes) const;

 private:
  std::string path_;
};

std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& bytes);

/// A shell command's exit status and what it wrote (both streams).
struct CommandResult {
  int status;
  std::string output;
};
CommandResult run_command(const std::string& command);

/// Whether a program of this name is on the path.
bool have_program(const std::string& name);

}  // namespace espalier::test
