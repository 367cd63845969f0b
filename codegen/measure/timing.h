// Times of several candidates, taken in turns.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace espalier {

/// Seconds per call over `samples` samples.
struct Timing {
  double median = 0, p10 = 0, p90 = 0, best = 0;
  size_t samples = 0;

  /// (p90 - p10) / median: about 0.02 on a quiet core.
  double spread() const { return median > 0 ? (p90 - p10) / median : 0; }
};

/// Seconds this thread has run so far, in user and system mode: on a quiet core the wall time, on a busy one without
/// the time in which the core was given to others. (Without such a clock: the wall time.)
double thread_seconds();

/// Seconds all threads of this process have run so far.
double process_seconds();

struct TimingOptions {
  double sample_seconds = 50e-6;  ///< a sample is as many calls as this takes, at least one
  double budget_seconds = 0.3;    ///< for all candidates together; rounds stop when it is spent ...
  size_t min_samples = 15;        ///< ... but not below this many,
  size_t max_samples = 1001;      ///< nor above
};

/// Times candidates in rounds A B C, A B C, ...: what disturbs a core (clock changes, a busy sibling thread) lasts
/// longer than a round and so meets all candidates alike, and their ratios stay good where their times do not. Each
/// sample follows one untimed call of the same candidate, which finds the caches as the candidate itself leaves them.
/// The caller pins the thread (PinnedCore).
std::vector<Timing> time_interleaved(std::span<const std::function<void()>> candidates,
                                     const TimingOptions& options = {});

/// Median and so on of times of single calls (seconds), in any order; all 0 for none.
Timing summarize(std::vector<double> seconds);

}  // namespace espalier
