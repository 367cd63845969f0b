// From a kernel specification to a verified kernel program.
#pragma once

#include <functional>
#include <string_view>

#include "ir/kernel_program.h"
#include "ir/kernel_spec.h"

namespace espalier {

/// Called after each pass with its name, its wall time in seconds, and the program as printed so far (only filled in
/// when CompileOptions::dump is set, because printing costs far more than compiling).
using PassObserver = std::function<void(std::string_view pass, double seconds, std::string_view dump)>;

struct CompileOptions {
  Schedule schedule;      ///< choices to keep; the rest is chosen
  uint64_t max_bytes = 0;  ///< of code and weights together, if a schedule can be found for it; 0: no limit
  bool verify = true;     ///< prove the result before returning it (about a tenth of the compile time)
  bool dump = false;      ///< print the plan for the observer
  PassObserver observer;  ///< may be empty
};

/// Compiles one kernel. The result depends on the arguments only. Errors: those of validated(), kBadInput for a
/// schedule the target cannot hold, kInternal when verification fails.
Result<KernelProgram> compile_kernel(const KernelSpec& spec, const Target& target, const CompileOptions& options = {});

}  // namespace espalier
