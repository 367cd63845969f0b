// Random kernel programs for the tests of interpreter and backends.
#pragma once

#include <cstdint>
#include <vector>

#include "ir/kernel_program.h"

namespace espalier::test {

/// What a random program is drawn for. Strides, pixels and blocks are elements.
struct RandomShape {
  uint32_t rows = 5, columns = 9;
  uint32_t pixels = 0;  ///< 0: left to run time
  uint32_t input_stride = 32, output_stride = 32;
  uint32_t pixel_block = 16;
  uint32_t operations = 0;  ///< of a tile, besides first values and last stores; 0: 10 to 60
};

/// A shape that is itself drawn from `seed`: up to 12 rows, 24 columns and 90 pixels, odd and even strides.
RandomShape random_shape(uint64_t seed);

/// A program that verify() accepts and that computes nothing sensible: every chunk of every tile defines registers at
/// random, applies operations of the target's ISA to them, and stores its row group in random order, some of it more
/// than once. All registers of the ISA, all lane counts, all its operations and all three buffers occur. Results stay
/// finite and hold no negative zero. Equal arguments, equal program.
KernelProgram random_program(const Target& target, const RandomShape& shape, uint64_t seed);

/// The input that goes with it: a value in [-1, 1) at `row`, `pixel`; a driver in C can compute the same.
float random_input(uint32_t row, uint32_t pixel);

/// X for interpret(): (columns - 1) * input_stride + pixels elements; those outside the pixels are NaN.
std::vector<float> random_input_of(const KernelProgram& program, uint32_t pixels);

/// Elements that x and y of a program have, padding included.
size_t input_elements(const KernelProgram& program);
size_t output_elements(const KernelProgram& program);

/// Seeded values in [-1, 1].
std::vector<float> random_values(size_t count, uint64_t seed);

/// What interpret() gives for it, rows packed: M x pixels elements.
std::vector<float> expected_output_of(const KernelProgram& program, uint32_t pixels);

}  // namespace espalier::test
