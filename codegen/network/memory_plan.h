// One block of memory for all activations of a network.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace espalier {

/// A buffer that holds something from step `first` to step `last` (inclusive).
struct LiveBuffer {
  uint64_t elements = 0;
  size_t first = 0, last = 0;
  std::optional<size_t> behind{};  ///< it begins where this buffer ends, whose elements are a multiple of 16 and which
                                   ///< itself stands behind none; at most one is behind each
};

struct MemoryPlan {
  std::vector<uint64_t> offsets;       ///< elements, by buffer; multiples of 16 (64 bytes)
  uint64_t arena_elements = 0;         ///< a multiple of 16
  uint64_t largest_live_elements = 0;  ///< of buffers alive at one step, rounded up to 16 each: no plan needs less
};

/// Places buffers so that none overlaps another that is alive at the same step: the largest first, each at the lowest
/// gap that holds it. Source: Pisarchyk, Lee, "Efficient Memory Management for Deep Neural Net Inference" (2020),
/// greedy by size.
MemoryPlan plan_memory(std::span<const LiveBuffer> buffers);

}  // namespace espalier
