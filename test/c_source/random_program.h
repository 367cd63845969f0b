// Kernel programs for the tests of backends: small, verified, seeded.
#pragma once

#include <string_view>
#include <vector>

#include "ir/kernel_program.h"

namespace espalier::test {

struct ProgramShape {
  std::string_view target = "c99", cpu;
  uint32_t output_channels = 7, input_channels = 9;
  uint32_t pixels = 0;       ///< 0: left to run time
  uint32_t max_pixels = 37;  ///< the strides are a little larger
  uint32_t pixel_block = 24;
  uint32_t tile_rows = 3, tile_vectors = 2;
  uint32_t k_block = 5;  ///< more than one chunk per row group when below input_channels
  uint32_t rows_per_group = 4;
  double sparsity = 0.5;
  bool clamp = true;
  bool prefetch = true;
};

/// A program that multiplies a random matrix the way the code generator does: row groups, K blocks that reload Y, tiles
/// of several rows and vectors, tails of every power of two (or a masked remainder), bias, clamp to [-0.75, 0.5], each
/// operation the target has used somewhere.
KernelProgram spmm_program(const ProgramShape& shape, uint64_t seed);

/// A program of random operations: per tile, registers written and overwritten in random order, stores of whatever they
/// hold, splats and zeros kept over many stores. Values stay finite.
KernelProgram random_program(std::string_view target, std::string_view cpu, size_t ops_per_tile, uint64_t seed);

/// Elements that x and y must have.
size_t input_elements(const KernelProgram& program);
size_t output_elements(const KernelProgram& program);

/// Seeded values in [-1, 1].
std::vector<float> random_values(size_t count, uint64_t seed);

}  // namespace espalier::test
