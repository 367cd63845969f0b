// Loop programs as C functions.
#pragma once

#include <string>

#include "backends/c_source/dialect.h"
#include "ir/loop/loop_program.h"

namespace espalier {

/// Appends `static void NAME(...)`, an espalier_layer_function (network_abi.h), for one verified program. It calls the
/// helpers of loop_preamble only and computes the interpreter's bits. Errors: kInternal for an operation without C.
Status append_loop_function(const LoopProgram& program, const Dialect& dialect, std::string& out);

/// What has to stand in front: guards, includes and the helpers that `body` calls.
Result<std::string> loop_preamble(const Dialect& dialect, std::string_view body, std::string_view name);

}  // namespace espalier
