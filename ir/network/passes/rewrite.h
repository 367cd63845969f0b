// What passes share: who reads and who makes a tensor, and edits that keep a Network consistent.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "ir/network/network.h"

namespace espalier {

/// A snapshot of who reads and makes what. Layers are given by their place in network.layers.
class Uses {
 public:
  explicit Uses(const Network& network);

  /// Layers that read the tensor, each once per input.
  const std::vector<size_t>& readers(TensorId tensor) const { return readers_[tensor]; }
  /// The layer that makes the tensor; none for inputs and constants.
  std::optional<size_t> producer(TensorId tensor) const { return producers_[tensor]; }
  /// For passes that let one layer make what another one made.
  void set_producer(TensorId tensor, size_t layer) { producers_[tensor] = layer; }
  bool is_output(TensorId tensor) const { return is_output_[tensor]; }
  /// One layer reads it once, and it is no network output: its values may change if that layer makes up for it.
  bool is_read_once(TensorId tensor) const { return readers_[tensor].size() == 1 && !is_output_[tensor]; }

 private:
  std::vector<std::vector<size_t>> readers_;
  std::vector<std::optional<size_t>> producers_;
  std::vector<bool> is_output_;
};

bool all_finite(std::span<const float> values);

/// Lets the layer `producer` make what layer `i` made, which goes.
void take_over(Network& network, Uses& uses, size_t producer, size_t i, std::vector<bool>& gone);

/// Removes the layers marked; what they made must have no readers left, or be made by another layer now.
void remove_layers(Network& network, const std::vector<bool>& gone);

/// A tensor's values per channel where it is constant and the same at every pixel (a constant of shape 1x1x1xc or
/// 1x1x1x1, which repeats); else nothing.
std::optional<std::vector<float>> channel_constant(const Network& network, TensorId tensor, uint32_t channels);

/// Multiplies the weights of every output channel of a convolution or fully connected layer by a factor, and replaces
/// its bias by bias * factor + term. In double, rounded once. Changes nothing and says false where a result would not
/// be finite.
bool scale_outputs(Layer& layer, std::span<const double> factors, std::span<const double> terms);

/// Whether scale_outputs can change the layer: it has weights, and no activation stands between them and the output.
bool has_plain_weights(const Layer& layer);

}  // namespace espalier
