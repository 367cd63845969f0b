// Runs programs in a folder of their own and reads what they leave behind.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "test/support/temporary_folder.h"

namespace espalier::test {

struct Outcome {
  int exit_code = -1;  ///< minus the signal's number for a program that a signal ended
  std::string out, err;
};

/// A program on its way, with its output in files of the same folder.
class RunningProgram {
 public:
  RunningProgram(const TemporaryFolder& folder, const std::vector<std::string>& command);
  std::string err_so_far() const;
  void interrupt() const;
  Outcome wait();

 private:
  TemporaryFolder output_;
  pid_t pid_ = -1;
};

/// Runs a command in `folder`.
Outcome run_command(const TemporaryFolder& folder, const std::vector<std::string>& command);

/// Runs `espalier arguments...` in `folder`.
Outcome espalier_in(const TemporaryFolder& folder, std::vector<std::string> arguments);

/// "a b c" as words.
std::vector<std::string> words(const std::string& text);

}  // namespace espalier::test
