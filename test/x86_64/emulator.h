// Executes the x86-64 code of kernels, AVX-512 included, on any host.
#pragma once

#include <span>
#include <string>

#include "ir/kernel_program.h"

namespace espalier::test {

/// Assembles the program, disassembles the bytes with LLVM and executes the instructions one by one, chunk after chunk
/// and block after block as a runtime would. x and y as for interpret(). Loops read their indices. Every access must
/// lie inside the pixels of a row of x or y that the call was given, or inside the chunk's slice of the weights.
///
/// Returns nothing, or what went wrong: an access outside, an instruction the emulator does not know, a jump into the
/// middle of one, registers beyond those of the ISA.
std::string emulate(const KernelProgram& program, std::span<const float> x, std::span<float> y, uint32_t pixels);

}  // namespace espalier::test
