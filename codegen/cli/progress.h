#pragma once

#include <functional>

#include "codegen/library/compile_library.h"

namespace espalier::cli {

/// Says on standard error which kernel is done: one line that rewrites itself on a terminal, plain lines elsewhere.
/// Returns false once the user has interrupted the program.
std::function<bool(const CompiledKernel&)> progress_reporter(size_t kernels);

/// Makes SIGINT and SIGTERM ask for an orderly stop; a second one ends the program at once.
void catch_interrupts();
bool interrupted();

}  // namespace espalier::cli
