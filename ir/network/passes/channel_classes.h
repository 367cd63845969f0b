// Tensors whose channels belong together: a channel can only leave all of them.
#pragma once

#include <vector>

#include "ir/network/network.h"

namespace espalier {

/// Tensors that layers working channel by channel connect, and everything that touches their channels. Layers by their
/// place in network.layers.
struct ChannelClass {
  uint32_t channels = 0;
  std::vector<TensorId> tensors;
  std::vector<size_t> makers;    ///< convolutions of one group and fully connected layers whose rows are the channels
  std::vector<size_t> carriers;  ///< layers that work channel by channel, depthwise convolutions among them
  std::vector<size_t> readers;   ///< convolutions of one group and fully connected layers whose columns they are
  /// Something else depends on the number or order of the channels: inputs, outputs, concatenations, grouped
  /// convolutions, ...
  bool is_fixed = false;
};

std::vector<ChannelClass> channel_classes(const Network& network);

}  // namespace espalier
