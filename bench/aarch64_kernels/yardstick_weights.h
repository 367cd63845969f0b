// Weights in the form that yardstick.h reads.
#pragma once

#include <cstdint>
#include <vector>

#include "ir/kernel_spec.h"

namespace espalier {

struct YardstickWeights {
  std::vector<float> values;
  std::vector<int32_t> steps;
  std::vector<uint32_t> counts;
  uint32_t first_input = 0;
};

/// For images with `spec.input_stride`. Requires steps below 2^31 bytes, which validated() sees to.
YardstickWeights yardstick_weights(const KernelSpec& spec);

}  // namespace espalier
