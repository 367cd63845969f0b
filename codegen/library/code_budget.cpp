#include "codegen/library/code_budget.h"

#include <algorithm>
#include <cmath>
#include <queue>

namespace espalier {
namespace {

constexpr uint64_t kUsualBytesPerNonzero = 14, kSmallBytesPerNonzero = 7, kFreeBytes = 256 * 1024;

double bytes_of(const Candidate& c) { return c.cost.code_bytes + c.cost.weight_bytes; }

/// Only what is smaller than everything faster than it, fastest and largest first.
std::vector<Candidate> frontier(std::vector<Candidate> ranked) {
  std::vector<Candidate> kept;
  for (Candidate& c : ranked)
    if (kept.empty() || bytes_of(c) < bytes_of(kept.back())) kept.push_back(std::move(c));
  return kept;
}

/// A step of one kernel to a smaller candidate, and what it costs.
struct Step {
  size_t kernel = 0, to = 0;
  double cycles_per_byte = HUGE_VAL;
  bool operator>(const Step& other) const { return cycles_per_byte > other.cycles_per_byte; }
};

class Shrinking {
 public:
  explicit Shrinking(std::vector<std::vector<Candidate>> frontiers)
      : frontiers_(std::move(frontiers)), chosen_(frontiers_.size()) {
    for (size_t k = 0; k < frontiers_.size(); ++k) {
      total_ += bytes_of(frontiers_[k][0]);
      push_step(k);
    }
  }

  std::vector<Candidate> run(double max_bytes) {
    while (total_ > max_bytes && !steps_.empty()) {
      const Step step = steps_.top();
      steps_.pop();
      total_ += bytes_of(frontiers_[step.kernel][step.to]) - bytes_of(frontiers_[step.kernel][chosen_[step.kernel]]);
      chosen_[step.kernel] = step.to;
      push_step(step.kernel);
    }
    std::vector<Candidate> result;
    for (size_t k = 0; k < frontiers_.size(); ++k) result.push_back(frontiers_[k][chosen_[k]]);
    return result;
  }

 private:
  /// The cheapest step down from where the kernel stands.
  void push_step(size_t kernel) {
    const std::vector<Candidate>& all = frontiers_[kernel];
    const Candidate& now = all[chosen_[kernel]];
    Step best{kernel, 0, HUGE_VAL};
    for (size_t to = chosen_[kernel] + 1; to < all.size(); ++to) {
      const double rate =
          (all[to].cost.cycles() - now.cost.cycles()) / std::max(1.0, bytes_of(now) - bytes_of(all[to]));
      if (rate < best.cycles_per_byte) best = {kernel, to, rate};
    }
    if (best.to != 0) steps_.push(best);
  }

  std::vector<std::vector<Candidate>> frontiers_;
  std::vector<size_t> chosen_;
  std::priority_queue<Step, std::vector<Step>, std::greater<>> steps_;
  double total_ = 0;
};

}  // namespace

uint64_t CodeBudget::bytes(uint64_t nonzeros) const {
  if (max_bytes != 0) return max_bytes;
  return small ? kSmallBytesPerNonzero * nonzeros : std::max(kFreeBytes, kUsualBytesPerNonzero * nonzeros);
}

Result<std::vector<Candidate>> schedules_within(std::span<const KernelSpec* const> specs, const Target& target,
                                                const Schedule& wish, uint64_t max_bytes) {
  std::vector<std::vector<Candidate>> frontiers;
  for (const KernelSpec* spec : specs) {
    auto ranked = rank_schedules(*spec, target, wish);
    if (!ranked) return std::move(ranked).error();
    frontiers.push_back(frontier(std::move(*ranked)));
  }
  return Shrinking(std::move(frontiers)).run(static_cast<double>(max_bytes));
}

}  // namespace espalier
