// From a network to everything that is emitted of it.
#pragma once

#include <memory>

#include "codegen/network/network_plan.h"

namespace espalier {

struct CompiledNetwork {
  std::vector<CompiledKernel> kernels;  ///< what program.kernels points at
  NetworkProgram program;
};

/// Compiles all kernels of a plan (codegen/library), lays out memory, and verifies the result. Errors: those of
/// compile_library.
Result<CompiledNetwork> compile_network(NetworkPlan plan, const LibraryOptions& options);

/// plan_network, then compile_network. Errors: theirs.
Result<CompiledNetwork> compile_network(const Network& network, const Target& target, const std::string& name,
                                        const LibraryOptions& options, StripPolicy strips = StripPolicy::kWhereItPays);

/// The machine code of all kernels.
std::vector<KernelCode> codes_of(const CompiledNetwork& network);

}  // namespace espalier
