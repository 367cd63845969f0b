// The kernels of bench/wasm_kernels: every layer in both layouts, for every engine CPU and schedule asked for.
#pragma once

#include <string>
#include <vector>

#include "bench/peers/bench_matrices.h"
#include "codegen/library/compile_library.h"

namespace espalier {

struct KernelSetOptions {
  std::vector<std::string> schedules{"auto"};  ///< one kernel each, where the form allows it
  std::vector<uint32_t> panels{0};             ///< widths in pixels; 0: the compiler's recommendation
};

/// One kernel and the layer it stands for.
struct BenchKernel {
  size_t layer;      ///< index of its matrix
  std::string wish;  ///< the schedule as it was asked for
  CompiledKernel kernel;
};

/// Compiles for one WebAssembly CPU. A schedule that a layer cannot have (more registers than there are, tiles that do
/// not divide the panel) is left out, but not the first. Errors: those of the compiler.
Result<std::vector<BenchKernel>> kernel_set(const std::vector<BenchMatrix>& layers, const Target& target,
                                            const KernelSetOptions& options);

}  // namespace espalier
