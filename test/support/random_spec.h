// Random kernel specifications for the tests that compile and run them.
#pragma once

#include "ir/kernel_spec.h"

namespace espalier::test {

/// The largest that random_spec draws.
struct SpecLimits {
  uint32_t rows = 40, columns = 100, pixels = 100;
};

/// A kernel named "kernel": a matrix of any sparsity, with and without bias and clamp, strides up to 19 above the
/// pixels, pixels fixed or left to run time.
KernelSpec random_spec(SeededRandom& random, const SpecLimits& limits = {});

}  // namespace espalier::test
