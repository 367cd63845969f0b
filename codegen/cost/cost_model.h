// How long a kernel will take on a CPU, and what it waits for.
#pragma once

#include <cstdint>
#include <string_view>

#include "ir/kernel_spec.h"
#include "ir/schedule.h"
#include "ir/target.h"

namespace espalier {

/// Cycles of one call on one core, and bytes. The parts of `max` compete, those of the sum follow:
///
///     cycles = max(fma, chain, loads, issue, fetch) + traffic + exits
///
///     fma      multiply-adds / rate, padding and dense zeros included
///     chain    the same when each waits for the one before on its sum, and few sums are on their way
///     loads    vector loads (input, weights, partial sums) / rate
///     issue    instructions / width
///     fetch    bytes of straight code / the rate of the cache that holds them (refetched for every pixel block)
///     traffic  bytes between L1D, L2 and beyond that do not hide behind the rest
///     exits    ends of counted loops that the predictor cannot foresee, starts and ends of rows
struct Cost {
  double fma = 0, chain = 0, loads = 0, issue = 0, fetch = 0, traffic = 0, exits = 0;
  double code_bytes = 0, weight_bytes = 0;

  double cycles() const;
  /// "fma", "chain", "loads", "issue", "fetch", "traffic" or "exits": the largest part.
  std::string_view bound_by() const;
};

/// Predicts `schedule`, whose fields must all be resolved (choose_schedule), for `spec` on the target's CPU.
/// `sharing` is nonzeros_per_input_load of the row tiles.
Cost predict(const KernelSpec& spec, const Target& target, const Schedule& schedule, double sharing);

/// The same without knowing the rows' order: as if non-zeros were spread evenly.
double expected_sharing(double density, uint32_t rows);

}  // namespace espalier
