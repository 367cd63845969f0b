// Kernel programs to AArch64 NEON machine code.
#pragma once

#include <string>
#include <vector>

#include "ir/error.h"
#include "ir/kernel_program.h"

namespace espalier {

/// Machine code of every chunk of a verified program for a NEON target: position-independent, without relocations, each
/// a function of the AAPCS64 (x0 = x, x1 = y, x2 = w, x3 = pixels, x4 = indices; d8-d15 are saved where used, x18 is
/// left alone).
///
/// Operations stay in the program's order and registers (v<i> is q<i>); only address arithmetic is added, and in
/// rolled tiles loads of neighbours become pairs where the CPU gains by it. fmla rounds once, so the bits are the
/// interpreter's.
///
/// Errors: kInternal for a program of another ISA, or when this LLVM lacks an instruction; kLimit for a tile of more
/// than 4 Mi operations (branches reach 128 MiB).
Result<std::vector<std::string>> assemble_aarch64(const KernelProgram& program);

}  // namespace espalier
