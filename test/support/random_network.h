// Seeded networks for tests that hold for any network.
#pragma once

#include "ir/network/network.h"
#include "ir/sparse_matrix.h"

namespace espalier::test {

/// A network on an 8x8 image of 4 channels that mixes what passes work on: sparse convolutions with empty rows and
/// columns, depthwise ones, batch norms, pads, scales and biases by constants, swish written out, residual adds,
/// squeeze-excite, concatenations. The same seed gives the same network.
Network random_network(uint64_t seed);

/// Seeded values for its input.
std::vector<float> random_input(size_t count, uint64_t seed);

}  // namespace espalier::test
