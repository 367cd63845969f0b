// Timed compilations, from specifications to bytes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "codegen/measure/timing.h"
#include "ir/error.h"
#include "ir/kernel_spec.h"
#include "ir/schedule.h"
#include "ir/target.h"

namespace espalier {

/// Several compilations of one set of kernels for one target.
struct CompileRuns {
  Timing total;  ///< seconds of processor time (all threads) from specifications to the bytes of the object or module
  std::map<std::string, double> shares;  ///< median share of each pass, of `assemble` and of `write`; about 1 together
  uint64_t nonzeros = 0, bytes = 0;

  double million_nonzeros_per_second() const { return static_cast<double>(nonzeros) / total.median * 1e-6; }
};

/// compile_kernel of each, then for native targets assemble of each and write_object of all; for wasm32
/// write_wasm_module of all. One thread, `runs` times after one that is not counted. Errors: those of these functions.
Result<CompileRuns> time_compilation(const std::vector<KernelSpec>& specs, const Target& target,
                                     const Schedule& schedule, size_t runs);

/// Seconds of processor time from one specification to a callable kernel in this process, `runs` times after one that
/// is not counted.
Result<Timing> time_to_callable(const KernelSpec& spec, const Target& target, const Schedule& schedule, size_t runs);

}  // namespace espalier
