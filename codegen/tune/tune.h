// Confirms the cost model's best few schedules by timing them on this machine, or by LLVM's model of another.
#pragma once

#include <string>

#include "codegen/cost/candidates.h"

namespace espalier {

struct TuneOptions {
  size_t finalists = 14;        ///< candidates to time
  double seconds = 0.25;        ///< for one kernel
  std::string cache_directory;  ///< where results are kept; empty: nowhere
};

/// The fastest of the best candidates on this core, timed in turns through the JIT; candidates of the forms that the
/// model likes less come along, so that it is told when it errs. The result is kept under a hash of the specification,
/// the target, the wish and the compiler's version, and taken from there the next time.
///
/// For other machines it is the one with the least predicted time once LLVM's scheduling model of the CPU has priced
/// the inner code of each (backends/mc/code_price.h); nothing is kept.
///
/// Errors: those of rank_schedules and compile_kernel; kUnsupported when the target is not this machine's and LLVM has
/// no model of it; kSystem for a cache that cannot be written.
Result<Schedule> tuned_schedule(const KernelSpec& spec, const Target& target, const Schedule& wish,
                                const TuneOptions& options);

/// Those of `ranked` (best first) that are timed: half of `count` are the best, the others the best of
/// other tiles, and the best of every form is always there.
std::vector<Schedule> tuning_finalists(const std::vector<Candidate>& ranked, size_t count);

/// $XDG_CACHE_HOME/espalier/tune or ~/.cache/espalier/tune; empty where neither variable is set.
std::string default_tune_cache();

}  // namespace espalier
