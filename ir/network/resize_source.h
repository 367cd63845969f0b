// Where a resize takes its values from.
#pragma once

#include "ir/network/network.h"

namespace espalier {

/// A line of the output lies between lines `low` and `high` of the input, `part` of the way (0 <= part < 1).
struct ResizeSource {
  uint32_t low = 0, high = 0;
  double part = 0;
};

/// The source of line `output` on an axis of `in` inputs and `out` outputs; of kNearest, low = high and part = 0.
ResizeSource resize_source(const Resize& resize, uint32_t output, uint32_t in, uint32_t out);

}  // namespace espalier
