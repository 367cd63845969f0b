// Networks through every way out of the compiler: linked here, under qemu-aarch64, under Node, as C.
#pragma once

#include <string>
#include <vector>

#include "codegen/network/emit_network.h"
#include "test/support/temporary_folder.h"

namespace espalier::test {

using Arrays = std::vector<std::vector<float>>;

/// One network, compiled. Failures are reported to GoogleTest here and below.
struct TestNetwork {
  CompiledNetwork compiled;
  Arrays inputs;  ///< of one run

  TestNetwork(const Network& network, const Target& target, Arrays inputs,
              StripPolicy strips = StripPolicy::kWhereItPays);
  const NetworkProgram& program() const { return compiled.program; }
};

/// Runs it in this process, on `threads` threads.
Arrays run_here(const TestNetwork& network, unsigned threads);

/// Emits the object, links it with run_network.c by aarch64-linux-gnu-gcc, runs it under qemu-aarch64.
Arrays run_in_emulator(const TestNetwork& network);

/// Emits the module and runs it under `node`, through the JavaScript package.
Arrays run_in_node(const TestNetwork& network, const std::string& node);

/// Emits C and compiles it with `compiler` (with flags), without a warning; `runner` starts the program (empty:
/// itself).
Arrays run_as_c(const TestNetwork& network, const std::string& compiler, const std::string& runner = "");

}  // namespace espalier::test
