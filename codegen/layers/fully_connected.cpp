#include "codegen/layers/fully_connected.h"

#include <algorithm>
#include <bit>

#include "codegen/layers/activation_code.h"
#include "codegen/layers/element_loop.h"
#include "codegen/layers/pixel_runs.h"

namespace espalier {
namespace {

// Four vectors of outputs and two inputs at a time make 8 independent sums, enough for a latency of 4 at two a cycle.
// Few outputs go in fewer vectors and more inputs, so that there are panels for several threads.
constexpr uint32_t kSums = 8, kMostPanelVectors = 4, kWantedPanels = 8;
// Non-zeros of a row in flight.
constexpr int64_t kStreams = 4;

uint64_t non_zeros(const FullyConnected& f) {
  return f.weights.size() - static_cast<uint64_t>(std::ranges::count(f.weights, 0.0f));
}

/// Cycles of a core, roughly. Dense: 0.2 per weight from the L3 of a Zen 3 and about 1 from a phone's memory. Sparse:
/// an index, a broadcast, a load and a multiply-add per non-zero (1.6 on Zen 3), per row its sums and an end of the
/// loop that is not foreseen.
bool is_sparse_better(const FullyConnected& f) {
  const double dense = 0.35 * static_cast<double>(f.weights.size());
  return 1.6 * static_cast<double>(non_zeros(f)) + 20.0 * f.output_features < dense;
}

float bias_of(const FullyConnected& f, uint32_t output) { return f.bias.empty() ? 0.0f : f.bias[output]; }

/// A column of x: all lanes x[k].
Vec input_at(LoopBuilder& b, const LayerTensor& input, const Affine& k) {
  return b.splat(LoopBuffer::kX0, k * channel_step(input));
}

class DenseWriter {
 public:
  DenseWriter(StepBuilder& step, const LayerRequest& r)
      : step_(step),
        b_(step.loops()),
        r_(r),
        f_(*r.layer.as<FullyConnected>()),
        inputs_(r.inputs[0].shape.c),
        vectors_(std::bit_floor(std::clamp(f_.output_features / (kWantedPanels * b_.lanes()), 1u, kMostPanelVectors))),
        panel_(vectors_ * b_.lanes()),
        full_(f_.output_features / panel_),
        rest_(f_.output_features % panel_),
        activation_(b_, r.layer.activation) {}

  uint32_t items() const { return full_ + (rest_ > 0 ? 1 : 0); }

  void write() {
    for (uint32_t first = 0; first < f_.output_features; first += panel_) add_panel(first);
    const Index item = b_.item();
    if (rest_ == 0) return write_panel(Affine(item), panel_);
    if (full_ == 0) return write_panel(0, rest_);
    // One of these loops runs, once: the first for items < full_, the second for item full_.
    b_.loop(item, full_, items(), [&](Index panel) { write_panel(panel, panel_); });
    const Index end = b_.index(Affine(item) + Affine(1));
    b_.loop(full_, end, 1, [&](Index) { write_panel(int64_t{full_}, rest_); });
  }

 private:
  static uint32_t rounded_up(uint32_t value, uint32_t step) { return (value + step - 1) / step * step; }

  /// Bias, then the weights of each input; outputs beyond the last have zeros up to a whole vector.
  void add_panel(uint32_t first) {
    const uint32_t count = std::min(panel_, f_.output_features - first), width = rounded_up(count, b_.lanes());
    std::vector<float> values(uint64_t{width} * (inputs_ + 1));
    for (uint32_t o = 0; o < count; ++o) {
      values[o] = bias_of(f_, first + o);
      for (uint32_t k = 0; k < inputs_; ++k)
        values[uint64_t{k + 1} * width + o] = f_.weights[uint64_t{first + o} * inputs_ + k];
    }
    step_.add_weights(values);
  }

  void write_panel(const Affine& panel, uint32_t outputs) {
    const uint32_t lanes = b_.lanes(), width = rounded_up(outputs, lanes), vectors = width / lanes;
    const Affine begin = panel * (int64_t{panel_} * (inputs_ + 1));
    const auto weight = [&](const Affine& line, uint32_t v) {
      return b_.load(LoopBuffer::kWeights, begin + line * width + Affine(int64_t{v} * lanes));
    };
    const uint32_t at_once = kSums / vectors_;
    std::vector<Vec> sums;
    for (uint32_t v = 0; v < vectors; ++v) sums.push_back(weight(0, v));
    while (sums.size() < size_t{at_once} * vectors) sums.push_back(b_.constant(0));
    const auto add = [&](const Affine& k, uint32_t which) {
      const Vec x = input_at(b_, r_.inputs[0], k);
      for (uint32_t v = 0; v < vectors; ++v) b_.fma_to(sums[which * vectors + v], x, weight(k + Affine(1), v));
    };
    b_.loop(0, inputs_ / at_once, 1, [&](Index turn) {
      for (uint32_t i = 0; i < at_once; ++i) add(Affine(turn) * at_once + Affine(i), i);
    });
    for (uint32_t i = 0; i < inputs_ % at_once; ++i) add(int64_t{inputs_ / at_once * at_once + i}, i);
    for (uint32_t parts = at_once / 2; parts > 0; parts /= 2)
      for (uint32_t i = 0; i < parts * vectors; ++i) sums[i] = b_.add(sums[i], sums[parts * vectors + i]);
    for (uint32_t v = 0; v < vectors; ++v) {
      const Vec y = activation_.apply(sums[v]);
      b_.store(LoopBuffer::kY, panel * panel_ + Affine(int64_t{v} * lanes), y, std::min(lanes, outputs - v * lanes));
    }
  }

  StepBuilder& step_;
  LoopBuilder& b_;
  const LayerRequest& r_;
  const FullyConnected& f_;
  const uint32_t inputs_, vectors_, panel_, full_, rest_;
  ActivationCode activation_;
};

/// Rows as streams. A row is filled up to whole groups of kStreams with zeros at its own last column: a loop over the
/// rest, of 0 to 3 turns, would be mispredicted in most rows.
struct Streams {
  std::vector<int32_t> begins, columns;  ///< begins: of each row, and the end
  std::vector<float> values;
};

Streams streams_of(const FullyConnected& f, uint32_t inputs) {
  Streams s;
  for (uint32_t o = 0; o < f.output_features; ++o) {
    s.begins.push_back(static_cast<int32_t>(s.values.size()));
    for (uint32_t k = 0; k < inputs; ++k)
      if (const float weight = f.weights[uint64_t{o} * inputs + k]; weight != 0) {
        s.values.push_back(weight);
        s.columns.push_back(static_cast<int32_t>(k));
      }
    s.values.resize((s.values.size() + kStreams - 1) / kStreams * kStreams);
    s.columns.resize(s.values.size(), s.columns.empty() ? 0 : s.columns.back());
  }
  s.begins.push_back(static_cast<int32_t>(s.values.size()));
  // The verifier knows no more than that a group begins somewhere; one more group keeps it inside.
  s.values.resize(s.values.size() + kStreams);
  s.columns.resize(s.columns.size() + kStreams);
  return s;
}

class SparseWriter {
 public:
  SparseWriter(StepBuilder& step, const LayerRequest& r, uint32_t items)
      : b_(step.loops()), r_(r), items_(items), activation_(b_, r.layer.activation) {
    const FullyConnected& f = *r.layer.as<FullyConnected>();
    const Streams streams = streams_of(f, r.inputs[0].shape.c);
    step.add_weights(streams.values);
    std::vector<float> bias;
    for (uint32_t o = 0; o < f.output_features; ++o) bias.push_back(bias_of(f, o));
    bias_ = step.add_weights(bias);
    begins_ = b_.add_table(streams.begins);
    columns_ = b_.add_table(streams.columns);
  }

  void write() {
    loop_over_share(b_, r_.output.shape.c, items_, [&](Index row) { write_row(row); });
  }

 private:
  // Values stand in lane 0; what the products make of the other lanes is not stored.
  void write_row(Index row) {
    const Index begin = b_.load_index(Affine(row) + Affine(begins_));
    const Index end = b_.load_index(Affine(row) + Affine(begins_ + 1));
    std::vector<Vec> sums = {b_.load(LoopBuffer::kWeights, Affine(row) + Affine(bias_), 1)};
    while (sums.size() < kStreams) sums.push_back(b_.constant(0));
    b_.loop(begin, end, kStreams, [&](Index at) {
      for (int64_t i = 0; i < kStreams; ++i) add(sums[static_cast<size_t>(i)], Affine(at) + Affine(i));
    });
    const Vec sum = b_.add(b_.add(sums[0], sums[1]), b_.add(sums[2], sums[3]));
    b_.store(LoopBuffer::kY, Affine(row) * channel_step(r_.output), activation_.apply(sum), 1);
  }

  void add(Vec sum, const Affine& at) {
    const Index column = b_.load_index(at + Affine(columns_));
    b_.fma_to(sum, b_.load(LoopBuffer::kWeights, at, 1), input_at(b_, r_.inputs[0], column));
  }

  LoopBuilder& b_;
  const LayerRequest& r_;
  const uint32_t items_;
  ActivationCode activation_;
  int64_t bias_ = 0, begins_ = 0, columns_ = 0;
};

}  // namespace

LayerSteps dense_fully_connected_steps(const LayerRequest& r) {
  StepBuilder step(r.name, r.target, r.output);
  step.set_input(LoopBuffer::kX0, 0, r.inputs[0]);
  DenseWriter writer(step, r);
  step.loops().set_items(writer.items());
  writer.write();
  return step.finish_layer();
}

LayerSteps sparse_fully_connected_steps(const LayerRequest& r) {
  const uint32_t items = std::min(item_count(non_zeros(*r.layer.as<FullyConnected>())), r.output.shape.c);
  StepBuilder step(r.name, r.target, r.output);
  step.set_input(LoopBuffer::kX0, 0, r.inputs[0]);
  step.loops().set_items(items);
  SparseWriter(step, r, items).write();
  return step.finish_layer();
}

LayerSteps fully_connected_steps(const LayerRequest& r) {
  if (r.output.shape.pixels() != 1)
    return unsupported("is fully connected on {} pixels, but loops are for one", r.output.shape.pixels());
  if (channel_step(r.output) != 1 || is_sparse_better(*r.layer.as<FullyConnected>()))
    return sparse_fully_connected_steps(r);
  return dense_fully_connected_steps(r);
}

}  // namespace espalier
