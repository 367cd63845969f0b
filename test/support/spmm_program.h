// Kernel programs that multiply a random matrix, for the tests of backends.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ir/kernel_program.h"

namespace espalier::test {

/// Strides, pixels and blocks are elements.
struct SpmmShape {
  std::string name = "kernel";
  std::string_view target = "c99", cpu;
  uint32_t output_channels = 7, input_channels = 9;
  uint32_t pixels = 0;  ///< 0: left to run time
  uint32_t input_stride = 37, output_stride = 39;
  uint32_t pixel_block = 24;
  uint32_t tile_rows = 3, tile_vectors = 2;
  uint32_t k_block = 5;  ///< more than one chunk per row group when below input_channels
  uint32_t rows_per_group = 4;
  double sparsity = 0.5;
  std::optional<Clamp> clamp = Clamp{-0.75f, 0.5f};
  bool prefetch = true;
  bool lanes = true;  ///< some weights by lanes of a vector, where the ISA has them, instead of all by splat loads
};

/// A program that multiplies a random matrix the way the code generator does: row groups, K blocks that reload Y, tiles
/// of several rows and vectors, tails of every power of two (or a masked remainder), bias, clamp, each operation the
/// target has used somewhere. Equal arguments, equal program.
KernelProgram spmm_program(const SpmmShape& shape, uint64_t seed);

}  // namespace espalier::test
