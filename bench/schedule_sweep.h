// Which schedule would have been the best one?
#pragma once

#include <string>
#include <vector>

#include "ir/kernel_spec.h"
#include "ir/schedule.h"
#include "ir/target.h"

namespace espalier {

/// Values to try; every combination is a schedule. 0 leaves the choice to the compiler; an empty list is {0}.
struct SweepGrid {
  std::vector<CodeForm> forms = {CodeForm::kUnrolled};
  std::vector<uint32_t> rows, vectors, k_block, chunk, pixels;
  double budget_seconds = 0.03;  ///< for one schedule
};

struct SweepEntry {
  Schedule schedule;  ///< as resolved
  double gflops = 0;
  double speedup = 1;  ///< over the compiler's own choice, timed in turns with it
};

/// Times every schedule of the grid that the target can hold, each in turns with the compiler's own choice, then the
/// best eight all in turns with it. Sorted, best first; the own choice is among them with a speedup of 1. Errors: those
/// of compiling the own choice.
Result<std::vector<SweepEntry>> sweep_schedules(const KernelSpec& spec, const Target& target, const SweepGrid& grid);

}  // namespace espalier
