// Which schedules keep a whole library within a number of bytes.
#pragma once

#include <span>
#include <vector>

#include "codegen/cost/candidates.h"

namespace espalier {

/// How much code and weights may grow for speed.
struct CodeBudget {
  uint64_t max_bytes = 0;          ///< of all kernels together; 0: by the rule
  bool small = false;              ///< -Os: the rule is 7 bytes per non-zero instead of 14

  /// max_bytes, or 14 (7) bytes per non-zero, but at least 256 KiB (0), which caches hold anyway.
  uint64_t bytes(uint64_t nonzeros) const;
};

/// One schedule per kernel: the fastest by the cost model as long as all together fit `max_bytes`; beyond that,
/// smaller ones where each byte saved costs least time, down to the smallest everywhere. Errors: those of
/// rank_schedules.
Result<std::vector<Candidate>> schedules_within(std::span<const KernelSpec* const> specs, const Target& target,
                                                const Schedule& wish, uint64_t max_bytes);

}  // namespace espalier
