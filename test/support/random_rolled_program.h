// Random kernel programs with loops, pointers, panels and row orders for the tests of interpreter and backends.
#pragma once

#include <cstdint>
#include <vector>

#include "ir/kernel_program.h"

namespace espalier::test {

/// A program that verify() accepts, drawn from `seed`: up to 10 rows, 20 columns and 100 pixels; plain and panel
/// buffers in all combinations, 2- and 4-byte indices with all shifts, counts of 0, all pointers, cursors of all three
/// streams, up to two loops inside one another, straight and rolled tiles and chunks side by side, sums in several
/// chunks, rows in any order. Results stay finite and hold no negative zero.
KernelProgram random_rolled_program(const Target& target, uint64_t seed);

/// A pixel count to run it with.
uint32_t random_pixels(const KernelProgram& program, uint64_t seed);

/// X for it: everything the program may read is in [-1, 1) (random_input of row and pixel), the rest NaN. As panels the
/// padding is 0.5.
std::vector<float> random_rolled_input(const KernelProgram& program, uint32_t pixels);

/// Elements of Y, and what interpret() gives for random_rolled_input when Y was filled with -7 before.
size_t output_elements(const KernelProgram& program, uint32_t pixels);
std::vector<float> expected_rolled_output(const KernelProgram& program, uint32_t pixels);

}  // namespace espalier::test
