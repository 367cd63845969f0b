// What must hold for any bytes that are read as a kernel program; the fuzzer and the mutation test both ask it.
#pragma once

#include <string>
#include <string_view>

namespace espalier::test {

/// How far a text came.
struct TextVerdict {
  bool parsed = false, verified = false, executed = false;
  std::string problem;  ///< empty if all is well
};

/// Reads `text`; what reads must print and read back equal and print the same again; what also verifies, and is small,
/// is interpreted between buffers of exactly the size the contract names, so that a sanitizer sees any access outside.
TextVerdict check_program_text(std::string_view text);

}  // namespace espalier::test
