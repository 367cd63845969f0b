#include "codegen/layers/direct_depthwise.h"

#include <algorithm>
#include <optional>

#include "codegen/layers/activation_code.h"
#include "codegen/layers/row_writer.h"

namespace espalier {
namespace {

/// Rows of a tile at most.
constexpr uint32_t kMostRows = 8;

/// Products of a window at most: tiles at the edges have them written out.
constexpr uint64_t kMostTaps = 49;

/// Rows of a tile, all of the same column: in image coordinates, so that offsets from them are never negative.
struct RowTile {
  Affine image_row;  ///< of the window's first row at the tile's first row
  uint32_t rows = 1;
  bool is_border = false;  ///< some window rows are not in the image; then image_row is constant
};

/// The columns of a vector: its first window column, in the image.
struct ColumnTile {
  Affine image_column;
  bool is_edge = false;  ///< some window columns are not in the image; then image_column is constant
  uint32_t lanes = 0;    ///< to be stored
};

class DirectDepthwise {
 public:
  DirectDepthwise(const LayerRequest& job, const Convolution& layer)
      : job_(job),
        window_(layer.window),
        image_(job.inputs[0]),
        output_(job.output),
        step_(job.name, job.target, job.output),
        b_(step_.loops()),
        activation_(b_, job.layer.activation),
        writer_(b_, job.output, has_room(job.output, b_.lanes())),
        holds_(holds_window(job, layer.window)) {
    step_.set_input(LoopBuffer::kX0, 0, image_);
    step_.add_weights(depthwise_weights(layer));
    b_.set_items(output_.shape.c);
    const uint32_t multiplier = output_.shape.c / image_.shape.c;
    const Affine channel = multiplier == 1 ? Affine(b_.item()) : Affine(b_.divide(b_.item(), multiplier));
    plane_ = channel * image_.layout.stride;
    bias_ = b_.splat(LoopBuffer::kWeights, Affine(b_.item()) * (taps() + 1));
    for (int64_t t = 0; holds_ && t < taps(); ++t) held_.push_back(weight_at(t / window_.width, t % window_.width));
  }

  /// Tiles about equally high. Those at the edges stand alone, those between them in a loop.
  LayerSteps run() {
    const int64_t rows = output_.shape.h, top = window_.padding.top, last = image_.shape.h + top;
    const int64_t tiles = (rows + most_rows() - 1) / most_rows(), high = (rows + tiles - 1) / tiles;
    const auto is_inside = [&](int64_t row) {
      return row >= top && row + high <= rows && row + high - 1 + static_cast<int64_t>(window_.reach_height()) <= last;
    };
    has_few_tiles_ = tiles <= 2;
    for (int64_t row = 0; row < rows;) {
      int64_t end = row;
      while (is_inside(end)) end += high;
      if (end - row > high) {
        b_.loop(row - top, end - top, high, [&](Index y) { all_columns({y, static_cast<uint32_t>(high)}); });
        row = end;
      } else {
        all_columns({row - top, static_cast<uint32_t>(std::min(high, rows - row)), !is_inside(row)});
        row += high;
      }
    }
    return step_.finish_layer();
  }

 private:
  int64_t taps() const { return int64_t{window_.height} * window_.width; }
  int64_t width() const { return image_.shape.w; }
  int64_t lanes() const { return b_.lanes(); }

  /// Sums beside the weights, a loaded vector and what an activation needs. For WebAssembly LLVM gathers the additions
  /// to a sum, so that all vectors of a window's column are alive with the weights.
  int64_t most_rows() const {
    const int64_t registers = window_registers(job_.target);
    const int64_t held = holds_ ? taps() : job_.target.isa == Isa::kWasm ? 2 * window_.height : window_.height;
    return std::clamp<int64_t>(registers - held - 3, 4, kMostRows);
  }

  /// The vectors at the end come first: what they write of the next row is written again.
  void all_columns(const RowTile& rows) {
    const int64_t columns = output_.shape.w, left = window_.padding.left;
    const int64_t right = static_cast<int64_t>(window_.reach_width()) - 1 - left;
    const int64_t vectors = (columns + lanes() - 1) / lanes(), begin = left > 0 ? 1 : 0;
    const int64_t end = std::max(begin, std::min(columns, width() - right) / lanes());
    const auto at = [&](int64_t v) {
      return ColumnTile{v * lanes() - left, true, static_cast<uint32_t>(std::min(columns - v * lanes(), lanes()))};
    };
    // Many tiles would otherwise share what they load, and run out of registers.
    const auto edge = [&](int64_t v) {
      const auto write = [&] { tile(rows, at(v)); };
      has_few_tiles_ || job_.target.isa == Isa::kWasm ? write() : b_.apart(write);
    };
    for (int64_t v = end; v < vectors; ++v) edge(v);
    for (int64_t v = 0; v < begin; ++v) edge(v);
    if (begin + 1 == end)
      tile(rows, {begin * lanes() - left, false, b_.lanes()});
    else if (begin < end)
      b_.loop(begin * lanes() - left, end * lanes() - left, lanes(),
              [&](Index x) { tile(rows, {x, false, b_.lanes()}); });
  }

  void tile(const RowTile& rows, const ColumnTile& columns) {
    std::vector<Vec> sums;
    for (uint32_t r = 0; r < rows.rows; ++r) sums.push_back(b_.copy(bias_));
    if (columns.is_edge || holds_)
      for (uint32_t j = 0; j < window_.width; ++j) {
        const auto add = [&] { add_column(rows, columns, Affine(int64_t{j}), sums); };
        holds_ || job_.target.isa != Isa::kWasm ? add() : b_.apart(add);
      }
    else
      b_.loop(0, window_.width, 1, [&](Index j) { add_column(rows, columns, j, sums); });
    b_.interleave(rows.rows, [&](uint32_t r) { sums[r] = activation_.apply(sums[r]); });
    for (uint32_t r = 0; r < rows.rows; ++r)
      writer_.store(b_.item(), rows.image_row + Affine(int64_t{r} + window_.padding.top),
                    columns.image_column + Affine(window_.padding.left), sums[r], columns.lanes);
  }

  /// What window column j adds to a tile: every loaded vector serves all rows that see it.
  void add_column(const RowTile& rows, const ColumnTile& columns, const Affine& j, const std::vector<Vec>& sums) {
    const int64_t dilation = window_.dilation_height, reach = static_cast<int64_t>(window_.reach_height());
    std::vector<std::optional<Vec>> weights(window_.height);
    for (int64_t y = 0; y < rows.rows - 1 + reach; ++y) {
      const int64_t image_row = rows.image_row.offset + y;
      if (rows.is_border && (image_row < 0 || image_row >= image_.shape.h)) continue;
      std::optional<Vec> x;
      for (int64_t r = 0; r <= std::min<int64_t>(y, rows.rows - 1); ++r) {
        const int64_t i = (y - r) / dilation;
        if ((y - r) % dilation != 0 || i >= window_.height) continue;
        if (!x && !(x = load(rows.image_row + Affine(y), columns, j))) return;
        auto& weight = weights[static_cast<size_t>(i)];
        if (!weight) weight = holds_ ? held_[static_cast<size_t>(i * window_.width + j.offset)] : weight_at(i, j);
        b_.fma_to(sums[static_cast<size_t>(r)], *x, *weight);
      }
    }
  }

  /// What window column j sees in an image row, zeros outside of the image; nothing where it sees nothing else.
  std::optional<Vec> load(const Affine& image_row, const ColumnTile& columns, const Affine& j) {
    const Affine row = plane_ + image_row * width(), column = columns.image_column + j * window_.dilation_width;
    if (!columns.is_edge) return b_.load(LoopBuffer::kX0, row + column);
    const int64_t first = column.offset, behind = std::max<int64_t>(-first, 0);
    if (first >= width() || behind >= lanes()) return std::nullopt;
    const int64_t wanted = width() >= lanes() ? lanes() : lanes() - behind;
    const auto inside = static_cast<uint32_t>(std::min(wanted, width() - std::max<int64_t>(first, 0)));
    const Vec x = b_.load(LoopBuffer::kX0, row + Affine(std::max<int64_t>(first, 0)), inside);
    return behind == 0 ? x : b_.slide_up(x, static_cast<uint32_t>(behind));
  }

  Vec weight_at(int64_t i, const Affine& j) {
    return b_.splat(LoopBuffer::kWeights, Affine(b_.item()) * (taps() + 1) + j + Affine(1 + i * window_.width));
  }

  const LayerRequest& job_;
  const Window& window_;
  const LayerTensor &image_, &output_;
  StepBuilder step_;
  LoopBuilder& b_;
  const ActivationCode activation_;
  RowWriter writer_;
  const bool holds_;
  Affine plane_;  ///< the channel's first element
  Vec bias_;
  std::vector<Vec> held_;
  bool has_few_tiles_ = false;  ///< in the height of the image
};

}  // namespace

bool is_direct_depthwise(const LayerRequest& request, const Convolution& layer) {
  const Window& w = layer.window;
  const auto in_rows = [](const LayerTensor& t) { return t.layout.kind == LayoutKind::kChannelRows; };
  return w.stride_height == 1 && w.stride_width == 1 && uint64_t{w.height} * w.width <= kMostTaps &&
         request.strip_rows == 0 && request.input_activation.is_none() && in_rows(request.inputs[0]) &&
         in_rows(request.output) && w.padding.left < request.target.vector->lanes;
}

LayerSteps direct_depthwise_steps(const LayerRequest& request, const Convolution& layer) {
  return DirectDepthwise(request, layer).run();
}

std::vector<float> depthwise_weights(const Convolution& layer) {
  const uint64_t taps = uint64_t{layer.window.height} * layer.window.width;
  std::vector<float> weights;
  for (uint32_t o = 0; o < layer.output_channels; ++o) {
    weights.push_back(layer.bias.empty() ? 0 : layer.bias[o]);
    weights.insert(weights.end(), layer.weights.begin() + static_cast<std::ptrdiff_t>(o * taps),
                   layer.weights.begin() + static_cast<std::ptrdiff_t>((o + 1) * taps));
  }
  return weights;
}

uint32_t window_registers(const Target& target) { return target.isa == Isa::kWasm ? 16 : target.vector->registers; }

bool holds_window(const LayerRequest& request, const Window& window) {
  const auto is_short = [](const Activation& a) { return a.is_none() || a.kind == ActivationKind::kClamp; };
  const uint64_t taps = uint64_t{window.height} * window.width;
  return request.target.isa != Isa::kWasm && taps + 7 <= window_registers(request.target) &&
         is_short(request.input_activation) && is_short(request.layer.activation);
}

}  // namespace espalier
