// Which channels of which tensors have the same value at every place, whatever the input.
#pragma once

#include <optional>
#include <vector>

#include "ir/network/network.h"

namespace espalier {

/// Per channel its value, or nothing.
using ChannelValues = std::vector<std::optional<float>>;

/// Per tensor. Computed values are taken for finite: zero times one is zero. Values that are not finite are nothing.
std::vector<ChannelValues> constant_channels(const Network& network);

/// Whether a reader with this window may treat a channel of value `v` as a term of its bias: padding brings zeros in.
inline bool is_uniform(const Window& window, float v) { return v == 0 || !window.is_padded(); }

}  // namespace espalier
