#include "codegen/cost/candidates.h"
#include "codegen/kernel_plan.h"

namespace espalier {
namespace {

/// The fastest that stays within the budget; if none does, the smallest.
const Candidate& best_within(const std::vector<Candidate>& candidates, uint64_t max_bytes) {
  const Candidate* smallest = &candidates[0];
  for (const Candidate& c : candidates) {
    const double bytes = c.cost.code_bytes + c.cost.weight_bytes;
    if (max_bytes == 0 || bytes <= static_cast<double>(max_bytes)) return c;
    if (bytes < smallest->cost.code_bytes + smallest->cost.weight_bytes) smallest = &c;
  }
  return *smallest;
}

/// Between panels the padding may be computed, too, which spares straight code for tails: whole tiles of every part.
void choose_pixel_multiple(KernelPlan& plan) {
  if (between_panels(plan.spec) && plan.schedule.tail != 1)
    plan.program.pixel_multiple = common_tile_pixels(plan.spec, *plan.target.vector, plan.schedule);
}

}  // namespace

Status choose_schedule(KernelPlan& plan) {
  auto candidates = rank_schedules(plan.spec, plan.target, plan.schedule);
  if (!candidates) return std::move(candidates).error();
  plan.schedule = best_within(*candidates, plan.max_bytes).schedule;
  plan.program.schedule = plan.schedule;
  plan.program.pixel_block = plan.schedule.pixel_block;
  choose_pixel_multiple(plan);
  return {};
}

}  // namespace espalier
