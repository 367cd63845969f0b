#include "codegen/network/memory_plan.h"

#include <algorithm>
#include <numeric>

namespace espalier {
namespace {

uint64_t rounded(uint64_t elements) { return (elements + 15) / 16 * 16; }

bool alive_together(const LiveBuffer& a, const LiveBuffer& b) { return a.first <= b.last && b.first <= a.last; }

uint64_t largest_live(std::span<const LiveBuffer> buffers) {
  uint64_t most = 0;
  for (const LiveBuffer& at : buffers) {  // the sum can only rise where a buffer begins
    uint64_t sum = 0;
    for (const LiveBuffer& b : buffers)
      if (b.first <= at.first && at.first <= b.last) sum += rounded(b.elements);
    most = std::max(most, sum);
  }
  return most;
}

}  // namespace

MemoryPlan plan_memory(std::span<const LiveBuffer> buffers) {
  MemoryPlan plan;
  plan.offsets.resize(buffers.size());
  plan.largest_live_elements = largest_live(buffers);
  std::vector<size_t> order(buffers.size()), placed;
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, std::greater{}, [&](size_t i) { return buffers[i].elements; });
  for (const size_t i : order) {
    uint64_t at = 0;
    const uint64_t elements = rounded(buffers[i].elements);
    for (const size_t other : placed) {  // by offset
      if (!alive_together(buffers[i], buffers[other])) continue;
      if (at + elements <= plan.offsets[other]) break;
      at = std::max(at, plan.offsets[other] + rounded(buffers[other].elements));
    }
    plan.offsets[i] = at;
    plan.arena_elements = std::max(plan.arena_elements, at + elements);
    placed.insert(std::ranges::upper_bound(placed, at, {}, [&](size_t p) { return plan.offsets[p]; }), i);
  }
  return plan;
}

}  // namespace espalier
