// Shell commands that tests give: compilers, linkers, emulators, engines.
#pragma once

#include <string>

#include "test/support/temporary_folder.h"

namespace espalier::test {

/// A shell command's exit status (-1 if a signal ended it) and what it wrote (both streams).
struct CommandResult {
  int status = 0;
  std::string output;
};
CommandResult run_command(const std::string& command);

/// The same in a folder.
CommandResult run_command_in(const TemporaryFolder& folder, const std::string& command);

/// Whether a program of this name is on the path.
bool have_program(const std::string& name);

}  // namespace espalier::test
