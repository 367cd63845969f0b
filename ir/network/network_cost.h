// How much work a network is.
#pragma once

#include "ir/network/network.h"

namespace espalier {

/// Counts of one layer, or summed over layers.
struct NetworkCost {
  uint64_t weights = 0;               ///< stored, biases not counted
  uint64_t nonzeros = 0;              ///< of the weights
  uint64_t multiply_adds = 0;         ///< by all weights, at every output pixel; padding counts as if it were image
  uint64_t sparse_multiply_adds = 0;  ///< by weights other than zero

  /// Share of zeros in [0, 1]; 0 without weights.
  double sparsity() const;
  NetworkCost& operator+=(const NetworkCost& other);
};

/// Convolutions and fully connected layers; everything else costs nothing here.
NetworkCost cost_of(const Network& network, const Layer& layer);
NetworkCost cost_of(const Network& network);

}  // namespace espalier
