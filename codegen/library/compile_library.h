// Many kernels at once: what one command compiles and writes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backends/mc/kernel_code.h"
#include "codegen/compile_kernel.h"
#include "codegen/library/code_budget.h"

namespace espalier {

/// One kernel on its way through the compiler.
struct LibraryKernel {
  KernelSpec spec;
  std::string source;  ///< where the matrix came from, for manifests: "model.tflite: conv2d_17"
};

struct CompiledKernel {
  LibraryKernel input;
  std::unique_ptr<KernelProgram> program;  ///< on the heap, because code points at it
  KernelCode code;                         ///< without chunks where the target has no native code
  double compile_seconds = 0;              ///< specification to machine code (or program), wall time

  uint64_t code_bytes() const;
  uint64_t weight_bytes() const { return program->weight_bytes(); }
};

struct LibraryOptions {
  Schedule schedule;                ///< choices to keep in every kernel
  std::vector<Schedule> schedules;  ///< one per kernel where somebody has chosen already; the budget is then theirs
  CodeBudget budget;                ///< of all kernels together
  uint32_t jobs = 1;  ///< threads; the result does not depend on it
  /// Called once per kernel when it is done, from any thread but one at a time. Returning false stops the rest.
  std::function<bool(const CompiledKernel&)> progress;
  /// Directory for the plan and program of every kernel after every pass; empty: none.
  std::string dump_directory;
};

/// Compiles every kernel for `target`, in order. Errors: the first one by kernel order; kSystem for an unusable dump
/// directory; kSystem `interrupted` when `progress` asked to stop.
Result<std::vector<CompiledKernel>> compile_library(std::vector<LibraryKernel> kernels, const Target& target,
                                                    const LibraryOptions& options);

}  // namespace espalier
