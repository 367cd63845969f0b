// A kernel compiled into this process, with what a report says about it.
#pragma once

#include <memory>

#include "backends/jit/jit_library.h"
#include "codegen/compile_kernel.h"

namespace espalier {

struct HostKernel {
  std::unique_ptr<KernelProgram> program;
  std::unique_ptr<JitLibrary> library;
  const espalier_kernel* kernel = nullptr;  ///< lives as long as `library`
  uint64_t code_bytes = 0;                  ///< of all chunks
  double compile_seconds = 0;               ///< of processor time, from the CSR matrix to the callable kernel

  double code_bytes_per_nonzero() const;
  double weight_bytes_per_nonzero() const;
};

/// Errors: those of compile_kernel, assemble and JitLibrary::load.
Result<HostKernel> compile_for_host(const KernelSpec& spec, const Target& target, const Schedule& schedule = {});

/// A CHW layer as `layout` says: "chw", "panels" of the recommended width, or a width in pixels, on both sides. Errors
/// (kBadInput): another word.
Result<KernelSpec> in_layout(const KernelSpec& spec, const Target& target, const std::string& layout);

/// The kernel's largest error against reference_spmm on seeded input, in units of error_in_bounds' bound.
double error_of(const HostKernel& kernel, const KernelSpec& spec);

}  // namespace espalier
