// Pixels that lie side by side, for vectors along them.
#pragma once

#include "codegen/layers/element_loop.h"

namespace espalier {

/// Runs of equal length in which every operand either advances by one element per pixel or stays where it is.
struct RunClass {
  uint64_t length = 1;
  std::vector<bool> stays;         ///< per input
  std::vector<uint64_t> begins{};  ///< first pixels, ascending
};

/// Divides pixels 0 .. loop.pixels - 1 into runs, of few kinds. No run is longer than `longest`.
std::vector<RunClass> pixel_runs(const ElementLoop& loop, uint64_t longest, uint32_t lanes);

/// Where the runs of a class begin in an operand, as an address in terms of the run's number.
class RunBegins {
 public:
  /// Appends to the builder's table unless the places are an arithmetic progression.
  RunBegins(LoopBuilder& builder, const ElementOperand& operand, const std::vector<uint64_t>& pixels);
  Affine at(LoopBuilder& builder, const Affine& run) const;

 private:
  int64_t first_, step_ = 0, table_ = -1;
};

/// What the program's item has of 0 .. count - 1, where there are `items`: [begin, end).
struct Share {
  Bound begin, end;
};
Share share_of(LoopBuilder& builder, uint64_t count, uint32_t items);

/// body(i) for all of the item's share.
void loop_over_share(LoopBuilder& builder, uint64_t count, uint32_t items, const std::function<void(Index)>& body);

}  // namespace espalier
