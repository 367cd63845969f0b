// lld in this process.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "ir/error.h"

namespace espalier {

enum class Linker { kElf, kWasm };

/// A file for the linker: in its private directory as `name`, on its command line as `option` and the file's path.
struct LinkerFile {
  std::string name;
  std::string_view bytes;
  std::string_view option = {};
};

/// Runs lld with the arguments, then the files, and returns its output, which it sees as a file `output_name`. Reads
/// and writes files: a private directory under the system's temporary directory, removed before the return. Threads:
/// calls wait for each other. Errors: kSystem when that directory cannot be made, written or read; kInternal with lld's
/// words when it refuses the files. lld gives up for good after a crash of its own: then every later call says so.
Result<std::string> run_lld(Linker linker, std::span<const std::string> arguments, std::span<const LinkerFile> files,
                            const std::string& output_name);

}  // namespace espalier
