#include "codegen/layout.h"

#include <cmath>

#include "codegen/cost/candidates.h"
#include "codegen/cost/cpu_costs.h"
#include "codegen/kernel_plan.h"
#include "ir/half_vectors.h"

namespace espalier {

Result<uint32_t> recommended_panel(KernelSpec spec, const Target& target) {
  // Wide loops spare a simulated Cortex-A76 a tenth of all instructions; on x86-64 they gain nothing.
  const uint32_t most_vectors = target.isa == Isa::kX86_64 ? 8 : most_loop_vectors(target);
  uint32_t best = target.vector->lanes;
  double least = HUGE_VAL;
  const uint32_t lanes = target.vector->lanes;
  // Half a vector at the end of a panel where that takes half the time: 196 pixels are 5 panels of 40 on AVX-512.
  const double wider_panel = cpu_costs(target.cpu->name).wider_panel;
  const uint32_t step = splits_vectors(target) ? lanes / 2 : lanes;
  for (uint32_t width = lanes; width <= most_vectors * lanes; width += step) {
    spec.input_panel = spec.output_panel = spec.input_stride = spec.output_stride = width;
    auto checked = validated(spec);
    if (!checked) return std::move(checked).error();
    const auto candidates = rank_schedules(*checked, target, {});
    if (!candidates) return candidates.error();
    // A tile narrower than its panel goes through the slices of several tiles with every piece of code.
    const Candidate& first = (*candidates)[0];
    if (tile_pixels(spec, *target.vector, first.schedule.tile_vectors) == width &&
        first.cost.cycles() < least * wider_panel)
      least = first.cost.cycles(), best = width;
  }
  return best;
}

}  // namespace espalier
