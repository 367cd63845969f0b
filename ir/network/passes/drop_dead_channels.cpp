#include <algorithm>

#include "ir/network/passes/channel_classes.h"
#include "ir/network/passes/constant_channels.h"
#include "ir/network/passes/passes.h"
#include "ir/network/passes/rewrite.h"

namespace espalier {
namespace {

/// The kept places of an array [outer][channels][inner].
std::vector<float> sliced(const std::vector<float>& values, const std::vector<bool>& kept, size_t inner) {
  std::vector<float> slice;
  for (size_t i = 0; i < values.size(); ++i)
    if (kept[i / inner % kept.size()]) slice.push_back(values[i]);
  return slice;
}

/// One layer that multiplies channels by weights: what both kinds of it have in common.
struct Weighted {
  std::vector<float>& weights;
  std::vector<float>& bias;
  uint32_t& outputs;
  Window window;

  size_t row() const { return weights.size() / outputs; }
  void drop_rows(const std::vector<bool>& kept, uint32_t left) {
    weights = sliced(weights, kept, row());
    if (!bias.empty()) bias = sliced(bias, kept, 1);
    outputs = left;
  }
};

Weighted weighted(Layer& layer) {
  if (auto* c = layer.as<Convolution>()) return {c->weights, c->bias, c->output_channels, c->window};
  auto* f = layer.as<FullyConnected>();
  return {f->weights, f->bias, f->output_features, {}};
}

/// The sum of a reader's weights for one channel times its value, and whether there is any such weight.
struct Column {
  bool is_empty = true;
  double sum = 0;
};

Column column_of(const Weighted& reader, size_t output, size_t channel, size_t channels) {
  Column column;
  for (size_t i = output * reader.row() + channel; i < (output + 1) * reader.row(); i += channels) {
    column.is_empty = column.is_empty && reader.weights[i] == 0;
    column.sum += double{reader.weights[i]};
  }
  return column;
}

bool has_empty_column(const Weighted& reader, size_t channel, size_t channels) {
  for (size_t o = 0; o < reader.outputs; ++o)
    if (!column_of(reader, o, channel, channels).is_empty) return false;
  return true;
}

class ClassReducer {
 public:
  ClassReducer(Network& network, const std::vector<ChannelValues>& values, const ChannelClass& channels)
      : network_(network), values_(values), class_(channels) {}

  /// Whether it dropped anything.
  bool run() {
    if (class_.is_fixed || class_.readers.empty()) return false;
    kept_.assign(class_.channels, true);
    for (size_t c = 0; c < kept_.size(); ++c) kept_[c] = !all_readers_spare(c);
    if (std::count(kept_.begin(), kept_.end(), true) == 0) kept_[0] = true;  // a tensor keeps a channel
    left_ = static_cast<uint32_t>(std::count(kept_.begin(), kept_.end(), true));
    if (left_ == kept_.size() || !push_into_biases()) return false;
    for (const size_t reader : class_.readers) drop_columns(network_.layers[reader]);
    for (const size_t maker : class_.makers) weighted(network_.layers[maker]).drop_rows(kept_, left_);
    for (const size_t carrier : class_.carriers) narrow(network_.layers[carrier]);
    for (const TensorId tensor : class_.tensors) narrow(network_.tensors[tensor]);
    return true;
  }

 private:
  std::optional<float> value(const Layer& reader, size_t channel) const { return values_[reader.inputs[0]][channel]; }

  bool all_readers_spare(size_t channel) {
    return std::all_of(class_.readers.begin(), class_.readers.end(), [&](size_t i) {
      Layer& reader = network_.layers[i];
      const auto constant = value(reader, channel);
      if (constant && is_uniform(weighted(reader).window, *constant)) return true;
      return has_empty_column(weighted(reader), channel, kept_.size());
    });
  }

  std::vector<float> new_bias(Layer& layer) const {
    const Weighted reader = weighted(layer);
    std::vector<float> bias(reader.outputs);
    for (size_t o = 0; o < reader.outputs; ++o) {
      double sum = reader.bias.empty() ? 0 : double{reader.bias[o]};
      for (size_t c = 0; c < kept_.size(); ++c)
        if (!kept_[c] && value(layer, c).value_or(0) != 0)
          sum += column_of(reader, o, c, kept_.size()).sum * double{*value(layer, c)};
      bias[o] = static_cast<float>(sum);
    }
    return bias;
  }

  /// False, and nothing changed, where a bias would not be finite.
  bool push_into_biases() {
    std::vector<std::vector<float>> biases;
    for (const size_t reader : class_.readers) biases.push_back(new_bias(network_.layers[reader]));
    if (!std::all_of(biases.begin(), biases.end(), all_finite)) return false;
    for (size_t i = 0; i < biases.size(); ++i) weighted(network_.layers[class_.readers[i]]).bias = std::move(biases[i]);
    return true;
  }

  void drop_columns(Layer& layer) const {
    const Weighted reader = weighted(layer);
    reader.weights = sliced(reader.weights, kept_, 1);
  }

  void narrow(Layer& carrier) const {
    if (auto* p = carrier.as<Prelu>()) p->slopes = sliced(p->slopes, kept_, 1);
    if (auto* b = carrier.as<BatchNorm>())
      for (auto* values : {&b->scale, &b->offset, &b->mean, &b->variance}) *values = sliced(*values, kept_, 1);
    if (auto* c = carrier.as<Convolution>()) {
      weighted(carrier).drop_rows(kept_, left_);
      c->groups = left_;
    }
  }

  void narrow(Tensor& tensor) const {
    tensor.data = sliced(tensor.data, kept_, 1);
    tensor.shape.c = left_;
  }

  Network& network_;
  const std::vector<ChannelValues>& values_;
  const ChannelClass& class_;
  std::vector<bool> kept_;
  uint32_t left_ = 0;
};

bool drop_once(Network& network) {
  const std::vector<ChannelValues> values = constant_channels(network);
  const std::vector<ChannelClass> classes = channel_classes(network);
  bool dropped = false;
  // A class keeps its channels' numbers until its own turn, so what was found above stays good. Later ones go first: a
  // row that goes may leave a column of the layer before empty.
  for (auto channels = classes.rbegin(); channels != classes.rend(); ++channels)
    dropped = ClassReducer(network, values, *channels).run() || dropped;
  return dropped;
}

}  // namespace

void drop_dead_channels(Network& network) {
  while (drop_once(network)) {
  }
}

}  // namespace espalier
