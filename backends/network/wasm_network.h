// A network as a WebAssembly module.
#pragma once

#include <string>

#include "ir/network_program/network_program.h"

namespace espalier {

/// Where a run of a network finds its values: one block of memory that the caller provides. Units: bytes from the
/// block's start, which is 64-byte aligned.
struct WasmNetworkBlock {
  uint64_t scratch = 0;                   ///< behind the activations, which begin at 0
  std::vector<uint64_t> inputs, outputs;  ///< row-major NHWC
  uint64_t bytes = 0;
};
WasmNetworkBlock wasm_network_block(const NetworkProgram& program);

/// A relocatable object that defines, for the network NAME, with `block` a byte address (i32):
///
///     NAME.run(block)         the whole network
///     NAME.step(block, step)  one step of it, for profiles; steps in order make a run
///
/// and needs the kernels of write_wasm_object. Errors: those of compile_module; kLimit for a block above 2 GiB.
Result<std::string> write_wasm_network_object(const NetworkProgram& program);

/// The complete module: kernels, other layers and the functions above, with `memory` and `__heap_base` exported and a
/// description in its custom section `espalier`, as write_wasm_module's, that also has
///
///     "networks": [{"name": ..., "block_bytes": ..., "inputs": [{"name", "shape": [n, h, w, c], "offset"}],
///                   "outputs": [...], "layers": [...], "steps": [{"layer": 0}, ...]}]
///
Result<std::string> write_wasm_network(const NetworkProgram& program);

}  // namespace espalier
