// Kernel programs to x86-64 machine code (AVX2 + FMA, AVX-512F).
#pragma once

#include <string>
#include <vector>

#include "ir/kernel_program.h"

namespace espalier {

/// One position-independent function per chunk, in the order of program.chunks, without relocations:
///     void chunk(const float* x, float* y, const float* w, size_t pixels)      System V calling convention
/// Requires a verified program for an x86-64 target. Errors: kInternal for a name this LLVM lacks.
Result<std::vector<std::string>> assemble_x86_64(const KernelProgram& program);

}  // namespace espalier
