// Small kernel programs for WebAssembly.
#pragma once

#include "test/support/random_program.h"
#include "test/support/spmm_program.h"

namespace espalier::test {

/// What tests of modules vary.
struct WasmShape {
  std::string name = "k";
  std::string_view cpu = "simd128";
  uint32_t output_channels = 10, input_channels = 14;
  uint32_t pixels = 0;  ///< 0: run time
  uint32_t input_stride = 40, output_stride = 41;
  uint32_t pixel_block = 24;
  uint32_t tile_rows = 4, k_block = 5;
  bool lanes = true;
  std::optional<Clamp> clamp = {};
  uint64_t seed = 1;
};

/// spmm_program() of tiles of 8, 4, 2 and 1 pixels, one group for each tile of rows.
inline KernelProgram wasm_program(const WasmShape& s) {
  return spmm_program({.name = s.name,
                       .target = "wasm32",
                       .cpu = s.cpu,
                       .output_channels = s.output_channels,
                       .input_channels = s.input_channels,
                       .pixels = s.pixels,
                       .input_stride = s.input_stride,
                       .output_stride = s.output_stride,
                       .pixel_block = s.pixel_block,
                       .tile_rows = s.tile_rows,
                       .k_block = s.k_block,
                       .rows_per_group = s.tile_rows,
                       .clamp = s.clamp,
                       .lanes = s.lanes},
                      s.seed);
}

}  // namespace espalier::test
