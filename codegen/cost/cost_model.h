// How long a kernel will take on a CPU, and what it waits for.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

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
///
/// Where LLVM's scheduling model has priced the code (priced_by_llvm), its cycles stand for fma, chain, loads and
/// issue. Costs of parts that run one after the other add up: cycles() of a sum is the sum of their cycles.
struct Cost {
  double fma = 0, chain = 0, loads = 0, issue = 0, fetch = 0, traffic = 0, exits = 0;
  double priced = 0;  ///< 0: is not
  double code_bytes = 0, weight_bytes = 0;
  double apart = 0;  ///< of sums: what the largest of each part come to beyond the largest sum

  double cycles() const;
  Cost& operator+=(const Cost& other);
  /// "fma", "chain", "loads", "issue", "fetch", "traffic" or "exits": the largest part.
  std::string_view bound_by() const;
};

/// Rows of a matrix in an order, cut into tiles.
struct TileRows {
  double rows = 0, nonzeros = 0;
  double sharing = 1;  ///< non-zeros that one load of an input vector serves
  /// Shares of the non-zeros and of the rows in blocks, that is tiles of equal rows: of these, nano makes a single
  /// loop.
  double nonzeros_in_blocks = 0, rows_in_blocks = 0;
  double columns = 0;  ///< of the matrix that they have at all (0: taken to be all)
};

/// Predicts `schedule`, whose fields must all be resolved (choose_schedule), for `spec` on the target's CPU.
/// `sharing` is nonzeros_per_input_load of the row tiles.
Cost predict(const KernelSpec& spec, const Target& target, const Schedule& schedule, double sharing);

/// The same of some rows only.
Cost predict(const KernelSpec& spec, const Target& target, const Schedule& schedule, const TileRows& rows);
/// The sum over the parts of a schedule and the rest, as count_parts (codegen/input_loads.h) has them.
Cost predict(const KernelSpec& spec, const Target& target, const Schedule& schedule,
             const std::vector<TileRows>& parts);

/// `cost` with the cycles that a multiply-add takes in the inner code as emitted (backends/mc/code_price.h).
Cost priced_by_llvm(Cost cost, const Target& target, double cycles_per_multiply_add);

/// The sharing without knowing the rows' order: as if non-zeros were spread evenly.
double expected_sharing(double density, uint32_t rows);

}  // namespace espalier
