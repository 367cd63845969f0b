#include "codegen/layers/direct_depthwise.h"

#include <algorithm>
#include <optional>

#include "codegen/layers/activation_code.h"
#include "codegen/layers/row_writer.h"

namespace espalier {
namespace {

/// Rows of a tile at most.
constexpr uint32_t kMostRows = 8;

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
    for (uint32_t t = 0; holds_ && t < taps(); ++t)
      held_.push_back(weight_at(Affine(t / window_.width), t % window_.width));
  }

  LayerSteps run() {
    const int64_t height = image_.shape.h, rows = output_.shape.h, top = window_.padding.top;
    const int64_t reach = static_cast<int64_t>(window_.reach_height());
    const int64_t begin = std::min(top, rows), end = std::clamp(height - reach + top + 1, begin, rows);
    for (int64_t r = 0; r < begin; ++r) all_columns({r - top, 1, true});
    whole_windows(begin - top, end - top);
    for (int64_t r = end; r < rows; ++r) all_columns({r - top, 1, true});
    return step_.finish_layer();
  }

 private:
  int64_t taps() const { return int64_t{window_.height} * window_.width; }
  int64_t width() const { return image_.shape.w; }
  int64_t lanes() const { return b_.lanes(); }

  /// Tiles of image rows [begin, end), about equally high.
  void whole_windows(int64_t begin, int64_t end) {
    const int64_t rows = end - begin, most = most_rows();
    if (rows <= 0) return;
    const int64_t tiles = (rows + most - 1) / most, high = (rows + tiles - 1) / tiles, whole = rows / high;
    if (whole == 1)
      all_columns({begin, static_cast<uint32_t>(high)});
    else
      b_.loop(begin, begin + whole * high, high, [&](Index y) { all_columns({y, static_cast<uint32_t>(high)}); });
    if (rows > whole * high) all_columns({begin + whole * high, static_cast<uint32_t>(rows - whole * high)});
  }

  /// Sums beside the weights, a loaded vector and what an activation needs.
  int64_t most_rows() const {
    const int64_t registers = job_.target.vector->registers, free = registers - 3 - (holds_ ? taps() : 0);
    return std::clamp<int64_t>(free, 1, kMostRows);
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
    for (int64_t v = end; v < vectors; ++v) tile(rows, at(v));
    for (int64_t v = 0; v < begin; ++v) tile(rows, at(v));
    if (begin + 1 == end)
      tile(rows, {begin * lanes() - left, false, b_.lanes()});
    else if (begin < end)
      b_.loop(begin * lanes() - left, end * lanes() - left, lanes(),
              [&](Index x) { tile(rows, {x, false, b_.lanes()}); });
  }

  void tile(const RowTile& rows, const ColumnTile& columns) {
    std::vector<Vec> sums;
    for (uint32_t r = 0; r < rows.rows; ++r) sums.push_back(b_.copy(bias_));
    if (holds_)
      add_unrolled(rows, columns, sums);
    else
      add_in_loop(rows, columns, sums);
    b_.interleave(rows.rows, [&](uint32_t r) { sums[r] = activation_.apply(sums[r]); });
    for (uint32_t r = 0; r < rows.rows; ++r)
      writer_.store(b_.item(), rows.image_row + Affine(int64_t{r} + window_.padding.top),
                    columns.image_column + Affine(window_.padding.left), sums[r], columns.lanes);
  }

  void add_unrolled(const RowTile& rows, const ColumnTile& columns, const std::vector<Vec>& sums) {
    const int64_t dilation = window_.dilation_height,
                  image_rows = rows.rows - 1 + static_cast<int64_t>(window_.reach_height());
    for (int64_t y = 0; y < image_rows; ++y) {
      if (rows.is_border && (rows.image_row.offset + y < 0 || rows.image_row.offset + y >= image_.shape.h)) continue;
      for (uint32_t j = 0; j < window_.width; ++j) {
        std::optional<Vec> x;
        for (int64_t r = 0; r < rows.rows; ++r) {
          const int64_t i = (y - r) / dilation;
          if (y < r || (y - r) % dilation != 0 || i >= window_.height) continue;
          if (!x && !(x = load(rows.image_row + Affine(y), columns, j))) break;
          b_.fma_to(sums[static_cast<size_t>(r)], *x, held_[static_cast<size_t>(i) * window_.width + j]);
        }
      }
    }
  }

  /// Row by row of the window: few values at once, and chains of additions as short as a row.
  void add_in_loop(const RowTile& rows, const ColumnTile& columns, const std::vector<Vec>& sums) {
    int64_t begin = 0, end = window_.height;
    const int64_t dilation = window_.dilation_height, first = rows.image_row.offset;
    if (rows.is_border) {
      begin = first < 0 ? (-first + dilation - 1) / dilation : 0;
      end = first < image_.shape.h ? std::min(end, (image_.shape.h - 1 - first) / dilation + 1) : 0;
    }
    if (begin >= end) return;
    b_.loop(begin, end, 1, [&](Index i) {
      for (uint32_t j = 0; j < window_.width; ++j) {
        std::optional<Vec> weight;
        for (uint32_t r = 0; r < rows.rows; ++r) {
          const auto x = load(rows.image_row + Affine(i) * dilation + Affine(r), columns, j);
          if (!x) break;
          if (!weight) weight = weight_at(i, j);
          b_.fma_to(sums[r], *x, *weight);
        }
      }
    });
  }

  /// What window column j sees in an image row, zeros outside of the image; nothing where it sees nothing else.
  std::optional<Vec> load(const Affine& image_row, const ColumnTile& columns, uint32_t j) {
    const Affine row = plane_ + image_row * width(),
                 column = columns.image_column + Affine(int64_t{j} * window_.dilation_width);
    if (!columns.is_edge) return b_.load(LoopBuffer::kX0, row + column);
    const int64_t first = column.offset, behind = std::max<int64_t>(-first, 0);
    if (first >= width() || behind >= lanes()) return std::nullopt;
    const int64_t wanted = width() >= lanes() ? lanes() : lanes() - behind;
    const auto inside = static_cast<uint32_t>(std::min(wanted, width() - std::max<int64_t>(first, 0)));
    const Vec x = b_.load(LoopBuffer::kX0, row + Affine(std::max<int64_t>(first, 0)), inside);
    return behind == 0 ? x : b_.slide_up(x, static_cast<uint32_t>(behind));
  }

  Vec weight_at(const Affine& i, uint32_t j) {
    return b_.splat(LoopBuffer::kWeights,
                    Affine(b_.item()) * (taps() + 1) + i * window_.width + Affine(1 + int64_t{j}));
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
};

}  // namespace

bool is_direct_depthwise(const LayerRequest& request, const Convolution& layer) {
  const Window& w = layer.window;
  const auto in_rows = [](const LayerTensor& t) { return t.layout.kind == LayoutKind::kChannelRows; };
  return w.stride_height == 1 && w.stride_width == 1 && request.strip_rows == 0 && request.input_activation.is_none() &&
         in_rows(request.inputs[0]) && in_rows(request.output) && w.padding.left < request.target.vector->lanes;
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

bool holds_window(const LayerRequest& request, const Window& window) {
  const auto is_short = [](const Activation& a) { return a.is_none() || a.kind == ActivationKind::kClamp; };
  const uint64_t taps = uint64_t{window.height} * window.width;
  return request.target.isa != Isa::kWasm && taps + 7 <= request.target.vector->registers &&
         is_short(request.input_activation) && is_short(request.layer.activation);
}

}  // namespace espalier
