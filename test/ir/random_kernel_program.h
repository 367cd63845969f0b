// Seeded kernel programs that verify, for any target.
#pragma once

#include <cstdint>

#include "ir/kernel_program.h"

namespace espalier::test {

/// A program that verify() accepts: up to 6 x 9, 1..70 pixels or any number up to 70, several row groups, K blocks and
/// pixel tiles, and every operation and lane count that the target has. Equal arguments, equal program.
KernelProgram random_kernel_program(const Target& target, uint64_t seed);

}  // namespace espalier::test
