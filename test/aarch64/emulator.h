// Kernel programs through assembler, object writer, cross linker and emulator.
#pragma once

#include <string>
#include <vector>

#include "ir/kernel_program.h"

namespace espalier::test {

/// Empty when the cross compiler and the emulator are there, else the reason to skip.
std::string emulator_missing();

/// A program and the pixel counts it is called with.
struct EmulatedCase {
  KernelProgram program;
  std::vector<uint32_t> pixels;
};

/// Assembles all programs into one object, links it with driver.c, runs it and expects interpret()'s bits from every
/// case, and what else the driver checks. Programs are renamed k0, k1, ... Failures are reported to GoogleTest.
void expect_emulated_answers(std::vector<EmulatedCase> cases);

}  // namespace espalier::test
