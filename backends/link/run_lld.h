// lld in this process.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ir/error.h"

namespace espalier {

/// A linker's input by a name of its own.
struct LinkerInput {
  std::string name;
  std::string_view bytes;
};

enum class Linker : uint8_t { kElf, kWasm };

/// Runs `LINKER arguments... inputs... -o output` in a private directory under the system's temporary directory, which
/// is removed before the return, and gives the output's bytes. Names of inputs and output can stand in the output: they
/// should not vary. Threads: calls wait for each other, since lld keeps its state in globals.
/// Errors: kSystem when that directory cannot be made, written or read; kInternal with lld's words when lld refuses.
/// lld gives up for good after a crash of its own: then every later call says so.
Result<std::string> run_lld(Linker linker, const std::vector<std::string>& arguments,
                            const std::vector<LinkerInput>& inputs, const std::string& output);

}  // namespace espalier
