// Small verified kernel programs for tests, with every operation that WebAssembly targets have.
#pragma once

#include <optional>
#include <random>
#include <string>

#include "ir/kernel_program.h"

namespace espalier::test {

struct ProgramShape {
  std::string name = "k";
  std::string_view cpu = "simd128";
  uint32_t output_channels = 10, input_channels = 14;
  uint32_t pixels = 0;  ///< 0: run time
  uint32_t input_stride = 40, output_stride = 41;
  uint32_t pixel_block = 24;
  uint32_t tile_rows = 4, k_block = 5;
  bool splat_lane = true;  ///< weights by vector load and splat_lane, or by splat_load
  std::optional<Clamp> clamp = {};
  uint32_t seed = 1;
};

/// About a third of the weights non-zero; tiles of 8, 4, 2 and 1 pixels; biases; accumulators pass from K block to K
/// block through Y.
KernelProgram random_program(const ProgramShape& shape);

/// Values in [-1, 1) with full mantissas, so that every rounding shows.
std::vector<float> random_floats(size_t count, uint32_t seed);

}  // namespace espalier::test
