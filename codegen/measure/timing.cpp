#include "codegen/measure/timing.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>

namespace espalier {
namespace {

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double seconds_on(clockid_t clock) {
  timespec t{};
  if (clock_gettime(clock, &t) != 0) return wall_seconds();
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

/// A candidate and how many of its calls make one sample.
struct Series {
  const std::function<void()>& call;
  size_t calls;
  std::vector<double> seconds;
};

double seconds_of(const std::function<void()>& call, size_t calls) {
  const double start = thread_seconds();
  for (size_t i = 0; i < calls; ++i) call();
  return thread_seconds() - start;
}

/// Doubles the calls until they take long enough to tell how many make one sample.
size_t calls_per_sample(const std::function<void()>& call, double sample_seconds) {
  call();
  for (size_t calls = 1;; calls *= 2) {
    const double seconds = seconds_of(call, calls);
    if (seconds >= sample_seconds / 4 || calls >= size_t{1} << 20)
      return std::max<size_t>(1, static_cast<size_t>(std::ceil(sample_seconds * static_cast<double>(calls) / seconds)));
  }
}

void take_sample(Series& series) {
  series.call();
  series.seconds.push_back(seconds_of(series.call, series.calls) / static_cast<double>(series.calls));
}

}  // namespace

double thread_seconds() { return seconds_on(CLOCK_THREAD_CPUTIME_ID); }
double process_seconds() { return seconds_on(CLOCK_PROCESS_CPUTIME_ID); }

Timing summarize(std::vector<double> seconds) {
  if (seconds.empty()) return {};
  std::sort(seconds.begin(), seconds.end());
  auto at = [&](double share) {
    return seconds[static_cast<size_t>(std::lround(share * static_cast<double>(seconds.size() - 1)))];
  };
  return {at(0.5), at(0.1), at(0.9), seconds.front(), seconds.size()};
}

std::vector<Timing> time_interleaved(std::span<const std::function<void()>> candidates, const TimingOptions& options) {
  std::vector<Series> all;
  for (const auto& call : candidates) all.push_back({call, calls_per_sample(call, options.sample_seconds), {}});
  const double end = wall_seconds() + options.budget_seconds;
  for (size_t round = 0; round < options.max_samples && (round < options.min_samples || wall_seconds() < end); ++round)
    for (Series& series : all) take_sample(series);
  std::vector<Timing> timings;
  for (Series& series : all) timings.push_back(summarize(std::move(series.seconds)));
  return timings;
}

}  // namespace espalier
