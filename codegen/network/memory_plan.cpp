#include "codegen/network/memory_plan.h"

#include <algorithm>
#include <utility>

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

/// Buffers that are placed as one: a buffer, and the one behind it if there is one.
struct Unit {
  std::vector<size_t> buffers;
  uint64_t elements = 0;
};

std::vector<Unit> units_of(std::span<const LiveBuffer> buffers) {
  std::vector<Unit> all(buffers.size());
  for (size_t i = 0; i < buffers.size(); ++i) {
    Unit& unit = all[buffers[i].behind.value_or(i)];
    unit.buffers.insert(buffers[i].behind ? unit.buffers.end() : unit.buffers.begin(), i);
    unit.elements += rounded(buffers[i].elements);
  }
  std::erase_if(all, [](const Unit& unit) { return unit.buffers.empty(); });
  std::ranges::stable_sort(all, std::greater{}, &Unit::elements);
  return all;
}

class Placement {
 public:
  explicit Placement(std::span<const LiveBuffer> buffers) : buffers_(buffers), offsets_(buffers.size()) {}

  void place(const Unit& unit) {
    uint64_t at = 0;
    while (const uint64_t end = end_of_obstacle(unit, at)) at = end;
    for (const size_t i : unit.buffers) {
      offsets_[i] = at;
      at += rounded(buffers_[i].elements);
      placed_.push_back(i);
    }
    arena_ = std::max(arena_, at);
  }

  uint64_t arena_elements() const { return arena_; }
  std::vector<uint64_t> offsets() && { return std::move(offsets_); }

 private:
  uint64_t end_of(size_t i) const { return offsets_[i] + rounded(buffers_[i].elements); }

  /// Where the unit must at least begin because of a buffer that is in its way at `at`; 0 if none is.
  uint64_t end_of_obstacle(const Unit& unit, uint64_t at) const {
    uint64_t begin = at, most = 0;
    for (const size_t i : unit.buffers) {
      const uint64_t end = begin + rounded(buffers_[i].elements);
      for (const size_t other : placed_)
        if (alive_together(buffers_[i], buffers_[other]) && begin < end_of(other) && offsets_[other] < end)
          most = std::max(most, end_of(other) - (begin - at));
      begin = end;
    }
    return most;
  }

  std::span<const LiveBuffer> buffers_;
  std::vector<uint64_t> offsets_;
  std::vector<size_t> placed_;
  uint64_t arena_ = 0;
};

}  // namespace

MemoryPlan plan_memory(std::span<const LiveBuffer> buffers) {
  Placement placement(buffers);
  for (const Unit& unit : units_of(buffers)) placement.place(unit);
  const uint64_t arena = placement.arena_elements();
  return {std::move(placement).offsets(), arena, largest_live(buffers)};
}

}  // namespace espalier
