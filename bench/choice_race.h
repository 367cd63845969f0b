// All candidates of the cost model for one matrix, timed in turns.
#pragma once

#include <string>
#include <vector>

#include "bench/peers/bench_matrices.h"
#include "codegen/cost/candidates.h"

namespace espalier {

struct ChoiceRaceOptions {
  size_t candidates = 24;
  double seconds = 0.4;
};

struct TimedCandidate {
  Candidate candidate;
  double seconds = 0;  ///< of a call, 10th percentile: a busy sibling thread takes fetch from straight code alone
};

/// The candidates of one matrix in one layout by prediction; the first is what the compiler picks.
struct ChoiceRace {
  std::string name, layout;
  uint32_t rows = 0, columns = 0, pixels = 0, panel = 0;
  uint64_t nonzeros = 0;
  double sparsity = 0;
  std::vector<TimedCandidate> candidates;
  size_t best = 0;      ///< the fastest
  size_t tuned = 0;     ///< the fastest of those that --tune times

  double gflops(const TimedCandidate& c) const { return 2e-9 * static_cast<double>(nonzeros) * pixels / c.seconds; }
  double loss_of_choice() const { return candidates[0].seconds / candidates[best].seconds; }
  double loss_of_tuning() const { return candidates[tuned].seconds / candidates[best].seconds; }
};

/// Times the best candidates by prediction and, of every form and tile width, the best one. `layout`: "chw" or
/// "panels" (of the recommended width). Errors: those of the compiler.
Result<ChoiceRace> race_candidates(KernelSpec spec, const Target& target, const std::string& layout,
                                   const ChoiceRaceOptions& options);

/// JSON, one object per race with all candidates, their predicted parts (cycles) and times (seconds).
Status write_races(const std::string& path, const std::vector<ChoiceRace>& races);

}  // namespace espalier
