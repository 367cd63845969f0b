// C99 for loop programs.
#pragma once

#include <span>
#include <string>

#include "ir/loop/loop_program.h"

namespace espalier {

/// The functions of verified programs (signature: loop_program.h), one after another, each behind `linkage` ("static",
/// ...) if that is not empty. They compute the interpreter's bits and give no warnings under -Wall -Wextra -Wpedantic
/// -Wconversion; they need loop_preamble before them. No library calls, no writable data. Deterministic.
/// Programs are for `target` or its half vectors (ir/half_vectors.h).
std::string write_loop_functions(std::span<const LoopProgram> programs, std::string_view linkage, const Target& target);

/// What stands once in a file before `functions` of write_loop_functions: includes and helpers for the target's vector
/// ISA, each in a guard of its own, so that such files may be included in one. Errors: kUnsupported for an ISA that has
/// no C.
Result<std::string> loop_preamble(const Target& target, std::string_view functions);

}  // namespace espalier
