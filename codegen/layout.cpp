#include "codegen/layout.h"

#include <cmath>

#include "codegen/cost/candidates.h"

namespace espalier {

Result<uint32_t> recommended_panel(KernelSpec spec, const Target& target) {
  // AArch64 has the registers for a loop over 14 (candidates.cpp), which spares a simulated Cortex-A76 a tenth of all
  // instructions; the others' wider tiles gain nothing by it.
  const uint32_t most_vectors = target.isa == Isa::kAArch64 ? 14 : 8;
  uint32_t best = target.vector->lanes;
  double least = HUGE_VAL;
  for (uint32_t v = 1; v <= most_vectors; ++v) {
    const uint32_t width = v * target.vector->lanes;
    spec.input_panel = spec.output_panel = spec.input_stride = spec.output_stride = width;
    auto checked = validated(spec);
    if (!checked) return std::move(checked).error();
    const auto candidates = rank_schedules(*checked, target, {});
    if (!candidates) return candidates.error();
    // A tile narrower than its panel goes through the slices of several tiles with every piece of code.
    const Candidate& first = (*candidates)[0];
    if (first.schedule.tile_vectors == v && first.cost.cycles() < least) least = first.cost.cycles(), best = width;
  }
  return best;
}

}  // namespace espalier
