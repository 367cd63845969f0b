// Layers that slide a window over an image: depthwise convolution, pools, convolution (dense or sparse).
#include "codegen/layers/window_layers.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "codegen/layers/activation_code.h"
#include "codegen/layers/direct_depthwise.h"
#include "codegen/layers/row_writer.h"
#include "codegen/layers/staged_image.h"

namespace espalier {
namespace {

/// Scratch that one item may fill (elements): half of a 512 KiB L2, and less than L1D for all but the largest images.
constexpr uint64_t kMostScratch = 32 * 1024;

/// Half of a 32 KiB L1D: what one channel would better stay in.
constexpr uint64_t kCachedScratch = 4 * 1024;

/// Output rows of a strip, so that its staged rows fit kMostScratch: all where they do.
uint32_t strip_rows(const Window& window, const LayerTensor& image, const Shape& output, uint32_t channels,
                    uint32_t lanes, uint32_t most) {
  uint32_t rows = std::min(output.h, most);
  while (rows > 1 && StagedImage(window, image, output, rows, channels, lanes).elements() > kMostScratch)
    rows = (rows + 1) / 2;
  return rows;
}

/// Strips of one channel. They leave L1D only where neighbours would stage too many of the same rows again, or where
/// that is dear, or the end of a row takes a detour unless the image is whole.
uint32_t channel_strip_rows(const LayerRequest& job, const Window& window, uint32_t lanes) {
  const Shape& output = job.output.shape;
  uint32_t rows = strip_rows(window, job.inputs[0], output, 1, lanes, output.h);
  if (output.w % lanes != 0 || !job.input_activation.is_none()) return rows;
  const auto elements = [&](uint32_t r) { return StagedImage(window, job.inputs[0], output, r, 1, lanes).elements(); };
  const uint32_t reach = (window.height - 1) * window.dilation_height + 1;
  const uint32_t shared = reach > window.stride_height ? reach - window.stride_height : 0;
  for (uint32_t half = (rows + 1) / 2; rows > 1 && elements(rows) > kCachedScratch; half = (rows + 1) / 2) {
    if (10 * shared > (half - 1) * window.stride_height + reach) break;
    rows = half;
  }
  return rows;
}

/// Rows and columns of a register tile, in vectors.
struct Tile {
  uint32_t rows = 1, vectors = 1;
};

/// Calls body(first row, rows, first column, vectors, lanes of the last vector) for all tiles of `rows` rows of an
/// image of `width` columns.
void for_tiles(LoopBuilder& b, uint32_t rows, uint32_t width, Tile tile,
               const std::function<void(const Affine&, uint32_t, const Affine&, uint32_t, uint32_t)>& body) {
  const uint32_t lanes = b.lanes(), vectors = (width + lanes - 1) / lanes;
  const uint32_t in_last = width - (vectors - 1) * lanes;
  const auto columns = [&](const Affine& row, uint32_t count) {
    // The columns at the end come first: what their vectors write of the next row is written again.
    const uint32_t plain = (in_last == lanes ? vectors : vectors - 1) / tile.vectors;
    const int64_t step = int64_t{tile.vectors} * lanes;
    if (const uint32_t rest = vectors - plain * tile.vectors; rest > 0)
      body(row, count, Affine(plain * step), rest, in_last);
    if (plain == 1)
      body(row, count, Affine(0), tile.vectors, lanes);
    else if (plain > 1)
      b.loop(0, plain * step, step, [&](Index x) { body(row, count, x, tile.vectors, lanes); });
  };
  const uint32_t whole = rows / tile.rows;
  if (whole == 1)
    columns(Affine(0), tile.rows);
  else if (whole > 1)
    b.loop(0, int64_t{whole} * tile.rows, tile.rows, [&](Index row) { columns(row, tile.rows); });
  if (rows % tile.rows != 0) columns(Affine(int64_t{whole} * tile.rows), rows % tile.rows);
}

/// Output rows in strips of `rows`, the last maybe of fewer: body(first row, rows) for strip number `strip`.
void for_strip(LoopBuilder& b, Index strip, uint32_t height, uint32_t rows,
               const std::function<void(const Affine&, uint32_t)>& body) {
  const uint32_t whole = height / rows, rest = height % rows;
  if (whole == 1 && rest == 0) {
    body(Affine(0), rows);
    return;
  }
  const Index next = b.index(Affine(strip) + Affine(1));
  b.loop(strip, b.min(next, whole), 1, [&](Index s) { body(Affine(s) * rows, rows); });
  if (rest > 0) b.loop(b.max(strip, whole), next, 1, [&](Index) { body(Affine(int64_t{whole} * rows), rest); });
}

uint32_t strips_of(uint32_t height, uint32_t rows) { return (height + rows - 1) / rows; }

/// Sums (or maxima) of a window of one channel.
struct WindowFold {
  const Window& window;
  const LayerTensor& image;
  const LayerTensor& output;
  Tile tile;
  float padding = 0;
  std::function<void(Vec sum, Vec x, uint32_t i, uint32_t j)> add;
  std::function<Vec()> start;
  std::function<Vec(Vec sum, const Affine& row, const Affine& column)> finish;
  std::function<void()> begin;  ///< at the start of an item, after staging
  Activation input_activation = {};
  /// Instead of `add`, where the weights are not held: the weight of row i, column j.
  std::function<Vec(const Affine& i, const Affine& j)> weight_in_loop{};
  /// Even and odd columns of the window have sums of their own, which are added at the end.
  bool sums_by_parity = false;
};

/// Sums of a tile's outputs.
struct TileSums {
  std::vector<Vec> even, odd;  ///< by column of the window; the same ones unless WindowFold::sums_by_parity
  uint32_t vectors = 1;        ///< of a row

  uint32_t rows() const { return static_cast<uint32_t>(even.size()) / vectors; }
  Vec at(uint32_t row, uint32_t vector, uint32_t column) const {
    return (column % 2 == 0 ? even : odd)[row * vectors + vector];
  }
};

/// A tile's sums, row by row of the window: few values at once, and chains of additions as short as a row, which is
/// what WebAssembly wants.
void add_by_rows(LoopBuilder& b, const WindowFold& fold, const StagedImage& staged, const Affine& base,
                 const TileSums& sums) {
  const Window& w = fold.window;
  b.loop(0, w.height, 1, [&](Index i) {
    for (uint32_t j = 0; j < w.width; ++j) {
      const Vec weight = fold.weight_in_loop(i, j);
      for (uint32_t row = 0; row < sums.rows(); ++row)
        for (uint32_t v = 0; v < sums.vectors; ++v) {
          const int64_t place =
              int64_t{row} * w.stride_height * staged.row_elements() + staged.tap_offset(0, j) + int64_t{v} * b.lanes();
          const Affine at = base + Affine(i) * (w.dilation_height * staged.row_elements()) + Affine(place);
          b.fma_to(sums.at(row, v, j), b.load(LoopBuffer::kScratch, at), weight);
        }
    }
  });
}

/// Calls add(output row, i) for all rows of a tile that see staged row `r`, as row i of their window.
void for_rows_that_see(const Window& w, uint32_t r, uint32_t tile_rows,
                       const std::function<void(uint32_t, uint32_t)>& add) {
  for (uint32_t o = 0; o < tile_rows && o * w.stride_height <= r; ++o) {
    const uint32_t distance = r - o * w.stride_height, i = distance / w.dilation_height;
    if (distance % w.dilation_height == 0 && i < w.height) add(o, i);
  }
}

uint32_t staged_rows(const Window& w, uint32_t tile_rows) {
  return (tile_rows - 1) * w.stride_height + (w.height - 1) * w.dilation_height + 1;
}

/// Column by column of the window: a column's weights and a loaded vector at once, which serves all rows of the tile
/// that see it.
void add_by_columns(LoopBuilder& b, const WindowFold& fold, const StagedImage& staged, const Affine& base,
                    const TileSums& sums) {
  const Window& w = fold.window;
  const auto column = [&](const Affine& j, const Affine& at) {
    std::vector<Vec> weights;
    for (uint32_t i = 0; i < w.height; ++i) weights.push_back(fold.weight_in_loop(i, j));
    for (uint32_t r = 0; r < staged_rows(w, sums.rows()); ++r)
      for (uint32_t v = 0; v < sums.vectors; ++v) {
        std::optional<Vec> x;
        for_rows_that_see(w, r, sums.rows(), [&](uint32_t o, uint32_t i) {
          const int64_t place = int64_t{r} * staged.row_elements() + int64_t{v} * b.lanes();
          if (!x) x = b.load(LoopBuffer::kScratch, base + at + Affine(place));
          b.fma_to(sums.at(o, v, static_cast<uint32_t>(j.offset)), *x, weights[i]);
        });
      }
  };
  if (w.stride_width == 1)
    b.loop(0, w.width, 1, [&](Index j) { column(j, Affine(j) * w.dilation_width); });
  else
    for (uint32_t j = 0; j < w.width; ++j) column(Affine(int64_t{j}), staged.tap_offset(0, j));
}

/// The same written out: every loaded vector serves all rows of the tile that see it.
void add_unrolled(LoopBuilder& b, const WindowFold& fold, const StagedImage& staged, const Affine& base,
                  const TileSums& sums) {
  const Window& w = fold.window;
  for (uint32_t j = 0; j < w.width; ++j)
    for (uint32_t r = 0; r < staged_rows(w, sums.rows()); ++r)
      for (uint32_t v = 0; v < sums.vectors; ++v) {
        std::optional<Vec> x;
        for_rows_that_see(w, r, sums.rows(), [&](uint32_t o, uint32_t i) {
          const int64_t place = int64_t{r} * staged.row_elements() + staged.tap_offset(0, j) + int64_t{v} * b.lanes();
          if (!x) x = b.load(LoopBuffer::kScratch, base + Affine(place));
          fold.add(sums.at(o, v, j), *x, i, j);
        });
      }
}

/// Per (channel, strip): stage, then tiles. Sums run as convolution_steps says.
void emit_fold(LoopBuilder& b, const WindowFold& fold, Index output_channel, const Affine& input_channel, Index strip,
               uint32_t strip_height) {
  const LayerTensor& y = fold.output;
  StagedImage staged(fold.window, fold.image, y.shape, strip_height, 1, b.lanes());
  b.set_elements(LoopBuffer::kScratch, staged.elements() + b.lanes());
  const ActivationCode input_code(b, fold.input_activation);
  if (!fold.input_activation.is_none()) staged.set_map([&](Vec x) { return input_code.apply(x); });
  RowWriter writer(b, y, strip_height >= y.shape.h && has_room(y, b.lanes()));
  writer.set_passage(staged.elements());
  for_strip(b, strip, y.shape.h, strip_height, [&](const Affine& first_row, uint32_t rows) {
    staged.stage(b, input_channel, first_row, fold.padding);
    fold.begin();
    for_tiles(b, rows, y.shape.w, fold.tile,
              [&](const Affine& row, uint32_t tile_rows, const Affine& column, uint32_t vectors, uint32_t in_last) {
                const uint32_t count = tile_rows * vectors;
                TileSums tile{{}, {}, vectors};
                for (uint32_t i = 0; i < count; ++i) tile.even.push_back(fold.start());
                for (uint32_t i = 0; i < count; ++i)
                  tile.odd.push_back(fold.sums_by_parity ? b.copy(b.constant(0)) : tile.even[i]);
                const Affine base = staged.tap(0, row, 0, 0) + column;
                const bool by_rows = b.target().isa == Isa::kWasm && fold.window.stride_width > 1;
                if (fold.weight_in_loop && by_rows && !fold.sums_by_parity)
                  add_by_rows(b, fold, staged, base, tile);
                else if (fold.weight_in_loop)
                  add_by_columns(b, fold, staged, base, tile);
                else
                  add_unrolled(b, fold, staged, base, tile);
                const auto at_row = [&](uint32_t i) { return first_row + row + Affine(i / vectors); };
                const auto at_column = [&](uint32_t i) { return column + Affine(int64_t{i % vectors} * b.lanes()); };
                std::vector<Vec> sums = tile.even;
                b.interleave(count, [&](uint32_t i) {
                  if (fold.sums_by_parity) sums[i] = b.add(sums[i], tile.odd[i]);
                  sums[i] = fold.finish(sums[i], at_row(i), at_column(i));
                });
                for (uint32_t i = 0; i < count; ++i)
                  writer.store(output_channel, at_row(i), at_column(i), sums[i],
                               (i + 1) % vectors == 0 ? in_last : b.lanes());
              });
  });
}

/// Accumulators beside the weights (where those fit) and a loaded vector or two; `chains` of them for each sum.
Tile fold_tile(const Target& target, const Shape& output, uint32_t held, uint32_t chains = 1) {
  const uint32_t lanes = target.vector->lanes, free_registers = window_registers(target) - 3;
  const uint32_t sums = (held + 4 <= free_registers ? std::min(8u, free_registers - held) : 8) / chains;
  const uint32_t row_vectors = (output.w + lanes - 1) / lanes;
  Tile best;
  double best_cost = std::numeric_limits<double>::infinity();
  for (uint32_t vectors = 1; vectors <= std::min(row_vectors, 4u); ++vectors)
    for (uint32_t rows = 1; rows * vectors <= sums && rows <= std::min(output.h, 8u); ++rows) {
      // Loads per output vector of a 3-row window, and what tiles at the edges waste.
      const double loads = (rows + 2.0) / rows + 1.0 / vectors;
      const double tiles = (output.h + rows - 1) / rows * rows * 1.0 / output.h;
      const double few = rows * vectors < 4 ? 1.5 : 1;
      const double cost = loads * few * (1 + 0.1 * (tiles - 1));
      if (cost < best_cost) best_cost = cost, best = {rows, vectors};
    }
  return best;
}

LayerSteps depthwise_steps(const LayerRequest& job, const Convolution& layer) {
  if (is_direct_depthwise(job, layer)) return direct_depthwise_steps(job, layer);
  const Window& w = layer.window;
  const uint32_t taps = w.height * w.width, outputs = layer.output_channels,
                 multiplier = outputs / job.inputs[0].shape.c;
  StepBuilder step(job.name, job.target, job.output);
  step.set_input(LoopBuffer::kX0, 0, job.inputs[0]);
  LoopBuilder& b = step.loops();
  step.add_weights(depthwise_weights(layer));
  const bool strips_first = job.strip_rows > 0;
  const uint32_t rows = strips_first ? job.strip_rows : channel_strip_rows(job, w, b.lanes());
  const uint32_t strips = strips_of(job.output.shape.h, rows);
  b.set_items(outputs * strips);
  Index channel = b.item(), strip = b.item();
  if (strips > 1) {
    channel = strips_first ? b.modulo(b.item(), outputs) : b.divide(b.item(), strips);
    strip = strips_first ? b.divide(b.item(), outputs) : b.modulo(b.item(), strips);
  }
  const Affine input = multiplier == 1 ? Affine(channel) : Affine(b.divide(channel, multiplier));
  const bool holds_weights =
      holds_window(job.target, w) && is_short(job.input_activation) && is_short(job.layer.activation);
  // Strips give the bits of the whole image.
  LayerRequest whole = job;
  whole.strip_rows = 0;
  const bool by_parity = w.stride_width == 2 && is_direct_depthwise(whole, layer);
  std::vector<Vec> held;
  Vec bias{};
  const ActivationCode activation(b, job.layer.activation);
  const auto weight_at = [&](const Affine& i, const Affine& j) {
    return b.splat(LoopBuffer::kWeights, Affine(channel) * (taps + 1) + i * w.width + j + Affine(1));
  };
  WindowFold fold{w,
                  job.inputs[0],
                  job.output,
                  fold_tile(job.target, job.output.shape, holds_weights ? taps : 0, by_parity ? 2 : 1),
                  0,
                  [&](Vec sum, Vec x, uint32_t i, uint32_t j) { b.fma_to(sum, x, held[i * w.width + j]); },
                  [&] { return b.copy(bias); },
                  [&](Vec sum, const Affine&, const Affine&) { return activation.apply(sum); },
                  [&] {
                    held.clear();
                    bias = b.splat(LoopBuffer::kWeights, Affine(channel) * (taps + 1));
                    for (uint32_t t = 0; holds_weights && t < taps; ++t)
                      held.push_back(weight_at(t / w.width, t % w.width));
                  },
                  job.input_activation};
  if (!holds_weights) fold.weight_in_loop = weight_at;
  fold.sums_by_parity = by_parity;
  emit_fold(b, fold, channel, input, strip, rows);
  auto steps = step.finish_layer();
  if (steps) steps->front().strip_rows = job.strip_rows;
  return steps;
}

/// How many places of the window at each output pixel lie in the image, in rows of whole vectors.
std::vector<float> window_counts(const Window& w, const Shape& image, const Shape& output, uint32_t pitch) {
  const auto inside = [](uint32_t out, uint32_t stride, uint32_t window, uint32_t before, uint32_t size) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < window; ++i) {
      const int64_t at = int64_t{out} * stride + i - before;
      count += at >= 0 && at < size;
    }
    return count;
  };
  std::vector<float> counts(uint64_t{output.h} * pitch, 1);
  for (uint32_t y = 0; y < output.h; ++y)
    for (uint32_t x = 0; x < output.w; ++x)
      counts[uint64_t{y} * pitch + x] =
          static_cast<float>(inside(y, w.stride_height, w.height, w.padding.top, image.h) *
                             inside(x, w.stride_width, w.width, w.padding.left, image.w));
  return counts;
}

/// Sums of a tile in WebAssembly: more than x86-64 has registers. V8 then keeps some in memory, which costs less than
/// loading pixels and weights more often (Node 26 on Zen 4, 3x3 of stride 2 on three channels: 2 x 6 of them take 477
/// us, 3 x 4 430, 6 x 2 400, 8 x 2 390, 11 x 2 360, 16 x 2 361).
constexpr uint32_t kMostWasmSums = 22;

/// A tile of a convolution: output channels x vectors of one row.
struct ConvolutionTile {
  uint32_t channels = 1, vectors = 1;
};

ConvolutionTile convolution_tile(const Target& target, uint32_t outputs, uint32_t width) {
  const uint32_t lanes = target.vector->lanes, row_vectors = (width + lanes - 1) / lanes;
  const bool is_wasm = target.isa == Isa::kWasm;
  const uint32_t most =
      is_wasm ? kMostWasmSums + 1 : window_registers(target) - (window_registers(target) > 16 ? 6 : 3);
  ConvolutionTile best;
  double best_cost = std::numeric_limits<double>::infinity();
  for (uint32_t channels = 1; channels <= std::min(outputs, is_wasm ? kMostWasmSums / 2 : 8u); ++channels)
    for (uint32_t vectors = 1; vectors <= std::min(row_vectors, is_wasm ? 2u : 8u); ++vectors) {
      if (channels * vectors > most - (channels > 1 ? 1 : 0)) continue;
      const double loads = 1.0 / channels + 1.0 / vectors;
      const double waste_x = (row_vectors + vectors - 1) / vectors * vectors * 1.0 / row_vectors;
      const double waste_c = (outputs + channels - 1) / channels * channels * 1.0 / outputs;
      const double few = channels * vectors < 8 ? 1.3 : 1;
      const double cost =
          std::max(1.0, loads) * few * (1 + 0.3 * (waste_x * waste_c - 1)) + (is_wasm ? 0.5 : 0.2) * loads;
      if (cost < best_cost) best_cost = cost, best = {channels, vectors};
    }
  return best;
}

/// Outputs [first, first + count) of a group as one block of weights: bias of each, then per input channel and tap the
/// weight of each.
struct ConvolutionBlock {
  Affine first_output, weights;
  uint32_t outputs = 0;
};

class ConvolutionWriter {
 public:
  ConvolutionWriter(const LayerRequest& job, const Convolution& layer)
      : job_(job),
        layer_(layer),
        step_(job.name, job.target, job.output),
        b_(step_.loops()),
        activation_(b_, job.layer.activation),
        in_group_(layer.channels_per_group(job.inputs[0].shape.c)),
        out_group_(layer.output_channels / layer.groups),
        taps_(layer.window.height * layer.window.width) {}

  LayerSteps run() {
    const Shape& out = job_.output.shape;
    step_.set_input(LoopBuffer::kX0, 0, job_.inputs[0]);
    const uint32_t rows = strip_rows(layer_.window, job_.inputs[0], out, in_group_, b_.lanes(), 8);
    const StagedImage staged(layer_.window, job_.inputs[0], out, rows, in_group_, b_.lanes());
    b_.set_elements(LoopBuffer::kScratch, staged.elements() + b_.lanes());
    const uint32_t strips = strips_of(out.h, rows);
    b_.set_items(strips * layer_.groups);
    const Index strip = layer_.groups == 1 ? b_.item() : b_.modulo(b_.item(), strips);
    const Affine group = layer_.groups == 1 ? Affine(0) : Affine(b_.divide(b_.item(), strips));
    RowWriter writer(b_, job_.output, rows >= out.h && has_room(job_.output, b_.lanes()));
    writer.set_passage(staged.elements());
    const bool is_sparse = wants_sparse();
    if (is_sparse)
      pack_sparse(staged);
    else
      pack_dense();
    step_.add_weights(weights_);
    for_strip(b_, strip, out.h, rows, [&](const Affine& first_row, uint32_t count) {
      staged.stage(b_, group * in_group_, first_row, 0);
      if (is_sparse)
        sparse_strip(staged, writer, group, first_row, count);
      else
        dense_strip(staged, writer, group, first_row, count);
    });
    return step_.finish_layer();
  }

 private:
  /// A non-zero costs its index, its weight and a load for each vector; a weight of the dense tile less than a load.
  bool wants_sparse() const {
    const auto zeros = static_cast<uint64_t>(std::ranges::count(layer_.weights, 0.0f));
    return zeros * 2 > layer_.weights.size();
  }
  float weight(uint32_t output, uint32_t tap, uint32_t channel) const {
    return layer_.weights[(uint64_t{output} * taps_ + tap) * in_group_ + channel];
  }
  float bias(uint32_t output) const { return layer_.bias.empty() ? 0 : layer_.bias[output]; }

  void pack_dense() {
    tile_ = convolution_tile(job_.target, out_group_, job_.output.shape.w);
    for (uint32_t g = 0; g < layer_.groups; ++g)
      for (uint32_t first = 0; first < out_group_; first += tile_.channels) {
        const uint32_t count = std::min(tile_.channels, out_group_ - first), base = g * out_group_ + first;
        for (uint32_t o = 0; o < count; ++o) weights_.push_back(bias(base + o));
        for (uint32_t c = 0; c < in_group_; ++c)
          for (uint32_t t = 0; t < taps_; ++t)
            for (uint32_t o = 0; o < count; ++o) weights_.push_back(weight(base + o, t, c));
      }
  }

  int64_t group_weights() const { return int64_t{out_group_} * (int64_t{in_group_} * taps_ + 1); }

  void dense_strip(const StagedImage& staged, RowWriter& writer, const Affine& group, const Affine& first_row,
                   uint32_t rows) {
    const uint32_t whole = out_group_ / tile_.channels, rest = out_group_ % tile_.channels;
    const int64_t block = tile_.channels * (int64_t{in_group_} * taps_ + 1);
    const auto all_tiles = [&](const ConvolutionBlock& of) {
      for_tiles(b_, rows, job_.output.shape.w, {1, tile_.vectors},
                [&](const Affine& row, uint32_t, const Affine& column, uint32_t vectors, uint32_t in_last) {
                  dense_tile(staged, writer, of, first_row, row, column, vectors, in_last);
                });
    };
    const Affine output = group * out_group_, base = group * group_weights();
    if (whole > 0)
      b_.loop(0, whole, 1, [&](Index i) {
        all_tiles({output + Affine(i) * tile_.channels, base + Affine(i) * block, tile_.channels});
      });
    if (rest > 0) all_tiles({output + Affine(int64_t{whole} * tile_.channels), base + Affine(whole * block), rest});
  }

  void dense_tile(const StagedImage& staged, RowWriter& writer, const ConvolutionBlock& of, const Affine& first_row,
                  const Affine& row, const Affine& column, uint32_t vectors, uint32_t in_last) {
    std::vector<Vec> sums;
    for (uint32_t o = 0; o < of.outputs; ++o) {
      const Vec start = b_.splat(LoopBuffer::kWeights, of.weights + Affine(o));
      for (uint32_t v = 0; v < vectors; ++v) sums.push_back(b_.copy(start));
    }
    const Index image = b_.index(row * staged_row(staged) + column);
    const Index stream = b_.index(of.weights + Affine(of.outputs));
    const Window& window = layer_.window;
    const auto window_row = [&](const Affine& c, const Affine& i) {
      const Affine x_at =
          c * staged.plane_elements() + i * (window.dilation_height * staged.row_elements()) + Affine(image);
      const Affine w_at = c * (int64_t{taps_} * of.outputs) + i * (int64_t{window.width} * of.outputs) + Affine(stream);
      for (uint32_t j = 0; j < window.width; ++j) {
        std::vector<Vec> x;
        for (uint32_t v = 0; v < vectors; ++v)
          x.push_back(b_.load(LoopBuffer::kScratch, x_at + Affine(staged.tap_offset(0, j) + int64_t{v} * b_.lanes())));
        for (uint32_t o = 0; o < of.outputs; ++o) {
          const Vec w = b_.splat(LoopBuffer::kWeights, w_at + Affine(int64_t{j} * of.outputs + o));
          for (uint32_t v = 0; v < vectors; ++v) b_.fma_to(sums[o * vectors + v], x[v], w);
        }
      }
    };
    const auto channel = [&](const Affine& c) {
      if (job_.target.isa == Isa::kWasm)
        b_.loop(0, window.height, 1, [&](Index i) { window_row(c, i); });
      else
        for (uint32_t i = 0; i < window.height; ++i) window_row(c, Affine(i));
    };
    if (in_group_ == 1)
      channel(Affine(0));
    else
      b_.loop(0, in_group_, 1, [&](Index c) { channel(c); });
    activate(sums);
    for (uint32_t o = 0; o < of.outputs; ++o)
      for (uint32_t v = 0; v < vectors; ++v)
        writer.store(of.first_output + Affine(o), first_row + row, column + Affine(int64_t{v} * b_.lanes()),
                     sums[o * vectors + v], v + 1 == vectors ? in_last : b_.lanes());
  }

  void activate(std::vector<Vec>& sums) {
    b_.interleave(static_cast<uint32_t>(sums.size()), [&](uint32_t i) { sums[i] = activation_.apply(sums[i]); });
  }

  /// Elements from one output row's taps to the next one's.
  int64_t staged_row(const StagedImage& staged) const { return staged.row_elements() * layer_.window.stride_height; }

  /// The table has offsets into the non-zeros per output, then the place of each in the staged image; weights have the
  /// biases, then the values.
  void pack_sparse(const StagedImage& staged) {
    std::vector<int32_t> begins{0}, places;
    for (uint32_t o = 0; o < layer_.output_channels; ++o) weights_.push_back(bias(o));
    for (uint32_t o = 0; o < layer_.output_channels; ++o) {
      for (uint32_t c = 0; c < in_group_; ++c)
        for (uint32_t t = 0; t < taps_; ++t) {
          if (weight(o, t, c) == 0) continue;
          places.push_back(
              static_cast<int32_t>(staged.tap(c, 0, t / layer_.window.width, t % layer_.window.width).offset));
          weights_.push_back(weight(o, t, c));
        }
      begins.push_back(static_cast<int32_t>(places.size()));
    }
    nonzeros_ = static_cast<int64_t>(places.size());
    begins_at_ = b_.add_table(begins);
    places_at_ = b_.add_table(places);
  }

  void sparse_strip(const StagedImage& staged, RowWriter& writer, const Affine& group, const Affine& first_row,
                    uint32_t rows) {
    const uint32_t lanes = b_.lanes(), row_vectors = (job_.output.shape.w + lanes - 1) / lanes;
    const uint32_t tile_vectors = std::min(row_vectors, 4u), tile_rows = std::min(rows, std::max(1u, 8 / tile_vectors));
    b_.loop(0, out_group_, 1, [&](Index in_group) {
      const Index output = b_.index(group * out_group_ + Affine(in_group));
      const Index begin = b_.load_index(Affine(output) + Affine(begins_at_));
      const Index end = b_.load_index(Affine(output) + Affine(begins_at_ + 1));
      const Vec start = b_.splat(LoopBuffer::kWeights, output);
      for_tiles(b_, rows, job_.output.shape.w, {tile_rows, tile_vectors},
                [&](const Affine& row, uint32_t count, const Affine& column, uint32_t vectors, uint32_t in_last) {
                  std::vector<Vec> sums;
                  for (uint32_t i = 0; i < count * vectors; ++i) sums.push_back(b_.copy(start));
                  const Index base = b_.index(row * staged_row(staged) + column);
                  if (nonzeros_ > 0)
                    b_.loop(begin, end, 1, [&](Index n) {
                      const Index safe = b_.min(n, nonzeros_ - 1);
                      const Index place = b_.load_index(Affine(safe) + Affine(places_at_));
                      const Vec w = b_.splat(LoopBuffer::kWeights, Affine(safe) + Affine(layer_.output_channels));
                      for (uint32_t r = 0; r < count; ++r)
                        for (uint32_t v = 0; v < vectors; ++v)
                          b_.fma_to(
                              sums[r * vectors + v],
                              b_.load(LoopBuffer::kScratch, Affine(place) + Affine(base) +
                                                                Affine(r * staged_row(staged) + int64_t{v} * lanes)),
                              w);
                    });
                  activate(sums);
                  for (uint32_t r = 0; r < count; ++r)
                    for (uint32_t v = 0; v < vectors; ++v)
                      writer.store(output, first_row + row + Affine(r), column + Affine(int64_t{v} * lanes),
                                   sums[r * vectors + v], v + 1 == vectors ? in_last : lanes);
                });
    });
  }

  const LayerRequest& job_;
  const Convolution& layer_;
  StepBuilder step_;
  LoopBuilder& b_;
  const ActivationCode activation_;
  const uint32_t in_group_, out_group_, taps_;
  ConvolutionTile tile_;
  std::vector<float> weights_;
  int64_t nonzeros_ = 0, begins_at_ = 0, places_at_ = 0;
};

}  // namespace

LayerSteps convolution_steps(const LayerRequest& job) {
  const auto& layer = *job.layer.as<Convolution>();
  const uint32_t inputs = job.inputs[0].shape.c;
  if (layer.groups == inputs && inputs > 1) return depthwise_steps(job, layer);
  return ConvolutionWriter(job, layer).run();
}

LayerSteps pool_steps(const LayerRequest& job) {
  const auto& layer = *job.layer.as<Pool>();
  const bool is_max = layer.kind == PoolKind::kMax;
  StepBuilder step(job.name, job.target, job.output);
  step.set_input(LoopBuffer::kX0, 0, job.inputs[0]);
  LoopBuilder& b = step.loops();
  const Shape& out = job.output.shape;
  const uint32_t lanes = b.lanes(), pitch = (out.w + lanes - 1) / lanes * lanes;
  std::vector<float> counts;
  if (!is_max) counts = window_counts(layer.window, job.inputs[0].shape, out, pitch);
  step.add_weights(counts);
  const uint32_t rows = strip_rows(layer.window, job.inputs[0], out, 1, lanes, out.h), strips = strips_of(out.h, rows);
  b.set_items(out.c * strips);
  const Index channel = strips == 1 ? b.item() : b.divide(b.item(), strips);
  const Index strip = strips == 1 ? b.item() : b.modulo(b.item(), strips);
  const float lowest = -std::numeric_limits<float>::infinity();
  WindowFold fold{layer.window,
                  job.inputs[0],
                  job.output,
                  fold_tile(job.target, out, 0),
                  is_max ? lowest : 0.0f,
                  [&](Vec sum, Vec x, uint32_t, uint32_t) { is_max ? b.max_to(sum, x) : b.add_to(sum, x); },
                  [&] { return b.copy(b.constant(is_max ? lowest : 0)); },
                  [&](Vec sum, const Affine& row, const Affine& column) {
                    if (is_max) return sum;
                    return b.divide(sum, b.load(LoopBuffer::kWeights, row * pitch + column));
                  },
                  [] {}};
  emit_fold(b, fold, channel, channel, strip, rows);
  return step.finish_layer();
}

}  // namespace espalier
