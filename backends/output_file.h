// What the writers hand to whoever puts files on disk.
#pragma once

#include <string>

namespace espalier {

/// One file to be written: a name without directories (or with forward slashes), and its bytes.
struct OutputFile {
  std::string name;
  std::string contents;
};

/// What every emitted file says about its origin. No date and no machine: equal inputs give equal files.
struct Banner {
  std::string version;       ///< of Espalier, e.g. "0.1.0"
  std::string input;         ///< the input's name as the user gave it; may be empty
  std::string input_hash;    ///< e.g. "sha256:4f1c..."; may be empty
  std::string command_line;  ///< may be empty
};

}  // namespace espalier
