// The schedules worth considering for one kernel, with what the cost model says of them.
#pragma once

#include <vector>

#include "codegen/cost/cost_model.h"

namespace espalier {

struct Candidate {
  Schedule schedule;  ///< all fields resolved
  Cost cost;
};

/// All forms and tiles that agree with `wish` (fields that are not open) and that the target's registers hold, best
/// first by predicted cycles; dense only where fewer than 60 % are zeros, unless wished for. Where form and tile are
/// open, also mixtures that are predicted to beat every single form: full rows dense, rows of equal columns nano.
/// Errors (kBadInput): a wish that cannot be.
Result<std::vector<Candidate>> rank_schedules(const KernelSpec& spec, const Target& target, const Schedule& wish);

/// Vectors of the widest tile that loops over single rows take unasked.
uint32_t most_loop_vectors(const Target& target);

}  // namespace espalier
