// Matrix times vector: fully connected layers at one pixel, dense or sparse.
#include <algorithm>

#include "codegen/layers/generators.h"

namespace espalier {
namespace {

/// Vectors of outputs that one item computes: enough accumulators to hide the latency of a multiply-add.
constexpr uint32_t kVectors = 4;

uint64_t nonzeros_of(const std::vector<float>& weights) {
  return weights.size() - static_cast<uint64_t>(std::ranges::count(weights, 0.0f));
}

/// A dense product reads every weight once, a vector at a time; a sparse one takes three loads for each non-zero.
bool is_worth_it_sparse(const FullyConnected& layer, uint32_t lanes) {
  return 3 * lanes * nonzeros_of(layer.weights) < 2 * 2 * layer.weights.size() ||
         nonzeros_of(layer.weights) * 8 < layer.weights.size();
}

float bias_of(const FullyConnected& layer, uint32_t output) { return layer.bias.empty() ? 0 : layer.bias[output]; }

/// [blocks][bias, then inputs][kVectors * lanes]; outputs that are not there have weights of 0.
std::vector<float> packed(const FullyConnected& layer, uint32_t inputs, uint32_t width) {
  const uint32_t outputs = layer.output_features, blocks = (outputs + width - 1) / width;
  std::vector<float> weights(uint64_t{blocks} * (inputs + 1) * width);
  for (uint32_t o = 0; o < outputs; ++o) {
    const uint64_t base = uint64_t{o / width} * (inputs + 1) * width + o % width;
    weights[base] = bias_of(layer, o);
    for (uint32_t k = 0; k < inputs; ++k)
      weights[base + (k + 1) * uint64_t{width}] = layer.weights[uint64_t{o} * inputs + k];
  }
  return weights;
}

/// Stores vectors of outputs from `first` on, as many as there are.
void store_outputs(LoopBuilder& b, const LayerJob& job, const Affine& first, const std::vector<Vec>& sums,
                   uint32_t count) {
  for (uint32_t v = 0; v * b.lanes() < count; ++v) {
    const uint32_t lanes = std::min(b.lanes(), count - v * b.lanes());
    b.store(LoopBuffer::kY, first + Affine(v * b.lanes()), espalier::apply(b, job.layer.activation, sums[v]), lanes);
  }
}

LayerSteps dense_steps(const LayerJob& job, const FullyConnected& layer) {
  LoopBuilder b(job.name, job.target);
  set_tensor(b, LoopBuffer::kX0, job.input());
  set_tensor(b, LoopBuffer::kY, job.output);
  const uint32_t inputs = job.input().shape.c, lanes = b.lanes();
  const uint32_t vectors = std::min(kVectors, (layer.output_features + lanes - 1) / lanes), width = vectors * lanes;
  const uint32_t whole = layer.output_features / width, rest = layer.output_features % width;
  std::vector<float> weights = packed(layer, inputs, width);
  b.set_elements(LoopBuffer::kWeights, weights.size());
  b.set_items(whole + (rest != 0 ? 1 : 0));
  const auto block = [&](const Affine& number, uint32_t count) {
    const Affine base = number * (int64_t{inputs + 1} * width);
    std::vector<Vec> sums;
    for (uint32_t v = 0; v < vectors; ++v)
      sums.push_back(b.copy(b.load(LoopBuffer::kWeights, base + Affine(v * lanes))));
    b.loop(0, inputs, 1, [&](Index k) {
      const Vec x = b.splat(LoopBuffer::kX0, k);
      for (uint32_t v = 0; v < vectors; ++v)
        b.fma_to(sums[v], x, b.load(LoopBuffer::kWeights, base + Affine(k) * width + Affine(width + v * lanes)));
    });
    store_outputs(b, job, number * width, sums, count);
  };
  // The last block stores fewer: a loop that runs once or never chooses.
  const Index last = b.index(Affine(whole));
  const Index end = b.min(b.index(Affine(b.item()) + Affine(1)), whole);
  if (whole > 0) b.loop(b.item(), end, 1, [&](Index i) { block(i, width); });
  if (rest > 0) {
    const Index begin = b.max(b.item(), whole);
    b.loop(begin, b.index(Affine(b.item()) + Affine(1)), 1, [&](Index) { block(last, rest); });
  }
  return single_step(b, std::move(weights));
}

/// Rows in CSR: the table has the rows' offsets, then the columns; weights have the biases, then the values.
LayerSteps sparse_steps(const LayerJob& job, const FullyConnected& layer) {
  LoopBuilder b(job.name, job.target);
  set_tensor(b, LoopBuffer::kX0, job.input());
  set_tensor(b, LoopBuffer::kY, job.output);
  const uint32_t inputs = job.input().shape.c, outputs = layer.output_features;
  std::vector<int32_t> offsets{0}, columns;
  std::vector<float> weights(outputs);
  for (uint32_t o = 0; o < outputs; ++o) {
    weights[o] = bias_of(layer, o);
    for (uint32_t k = 0; k < inputs; ++k) {
      const float w = layer.weights[uint64_t{o} * inputs + k];
      if (w == 0) continue;
      columns.push_back(static_cast<int32_t>(k));
      weights.push_back(w);
    }
    offsets.push_back(static_cast<int32_t>(columns.size()));
  }
  const int64_t rows_at = b.add_table(offsets), columns_at = b.add_table(columns);
  const auto total = static_cast<int64_t>(columns.size());
  b.set_elements(LoopBuffer::kWeights, weights.size());
  b.set_items(outputs);
  const Index begin = b.load_index(Affine(b.item()) + Affine(rows_at));
  const Index end = b.load_index(Affine(b.item()) + Affine(rows_at + 1));
  const auto product = [&](Vec sum, const Affine& at) {
    const Index column = b.load_index(at + Affine(columns_at));
    b.fma_to(sum, b.splat(LoopBuffer::kWeights, at + Affine(outputs)), b.splat(LoopBuffer::kX0, column));
  };
  // Two chains of sums hide some of the latency; a row's last odd non-zero comes on its own.
  const Vec even = b.copy(b.splat(LoopBuffer::kWeights, b.item())), odd = b.copy(b.constant(0));
  const Index pairs_end = b.min(b.index(Affine(end) + Affine(-1)), std::max<int64_t>(total - 1, 0));
  const Index pairs = b.divide(b.max(b.index(Affine(end) + Affine(begin) * -1), 0), 2);
  const Index middle = b.min(b.index(Affine(begin) + Affine(pairs) * 2), total);
  if (total > 1)
    b.loop(begin, middle, 2, [&](Index j) {
      const Index safe = b.min(j, total - 2);
      product(even, safe);
      product(odd, Affine(safe) + Affine(1));
    });
  static_cast<void>(pairs_end);
  if (total > 0) b.loop(middle, end, 1, [&](Index j) { product(even, b.min(j, total - 1)); });
  b.store(LoopBuffer::kY, b.item(), espalier::apply(b, job.layer.activation, b.add(even, odd)), 1);
  return single_step(b, std::move(weights));
}

}  // namespace

LayerSteps fully_connected_steps(const LayerJob& job) {
  const auto& layer = *job.layer.as<FullyConnected>();
  if (job.input().shape.pixels() != 1)
    return internal_error("a fully connected layer of {} pixels is a kernel's", job.input().shape.pixels());
  return is_worth_it_sparse(layer, job.target.vector->lanes) ? sparse_steps(job, layer) : dense_steps(job, layer);
}

}  // namespace espalier
