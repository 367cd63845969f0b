// Which channels of which tensors have the same value at every place, whatever the input.
#pragma once

#include <optional>
#include <vector>

#include "ir/network/network.h"

namespace espalier {

/// Per channel of a tensor its value, or nothing. Where nothing is known of any channel it takes no memory: files can
/// announce any number of channels.
class ChannelValues {
 public:
  ChannelValues() = default;
  explicit ChannelValues(std::vector<std::optional<float>> values) : values_(std::move(values)) {}

  bool is_empty() const { return values_.empty(); }
  std::optional<float> operator[](size_t channel) const { return is_empty() ? std::nullopt : values_[channel]; }

 private:
  std::vector<std::optional<float>> values_;
};

/// Per tensor; of more than 2^22 channels nothing is known. Computed values are taken for finite: zero times one is
/// zero. Values that are not finite are nothing.
std::vector<ChannelValues> constant_channels(const Network& network);

/// Whether a reader with this window may treat a channel of value `v` as a term of its bias: padding brings zeros in.
inline bool is_uniform(const Window& window, float v) { return v == 0 || !window.is_padded(); }

}  // namespace espalier
