#include "codegen/layers/direct_depthwise.h"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <utility>

#include "codegen/layers/mapped_line.h"

namespace espalier {
namespace {

/// Rows of a tile at most.
constexpr uint32_t kMostRows = 8;

/// Products of a window at most: tiles at the edges have them written out.
constexpr uint64_t kMostTaps = 49;

/// Pixels that go through an activation before their sums begin: fewer, and loads of what is just being stored wait for
/// it (Zen 4, swish around 5x5 windows on 7x7 pixels: 88 us with one channel at a time, 65 with nine).
constexpr int64_t kLeastMapped = 512;
/// Of larger images only what the next tile sees goes through an activation at a time (112x112: 5 % faster; 28x28: a
/// third slower, for the same reason).
constexpr int64_t kMostMapped = 4096;

/// Rows of a tile, all of the same columns.
struct RowTile {
  Affine image_row;  ///< of the window's first row at the tile's first row
  Affine output_row;
  uint32_t rows = 1;
  int64_t rows_behind = 0;  ///< output rows below the tile, at least
  bool is_border = false;   ///< some window rows are not in the image; then image_row is constant
};

/// The columns of a vector.
struct ColumnTile {
  Affine image_column;  ///< of the window's first column at the first lane
  Affine output_column;
  bool is_edge = false;  ///< some window columns are not in the image; then image_column is constant
  uint32_t lanes = 0;    ///< to be stored
};

/// With stride 2 a vector of outputs has two vectors of sums, of whose lanes two next to each other are one output's.
class DirectDepthwise {
 public:
  DirectDepthwise(const LayerRequest& job, const Convolution& layer)
      : job_(job),
        window_(layer.window),
        image_(job.inputs[0]),
        output_(job.output),
        step_(job.name, job.target, job.output),
        b_(step_.loops()),
        input_activation_(b_, job.input_activation),
        activation_(b_, job.layer.activation),
        maps_input_(!job.input_activation.is_none()),
        maps_sums_(!is_short(job.layer.activation) && output_.shape.w % b_.lanes() != 0),
        holds_(holds_window(job.target, layer.window) && (maps_sums_ || is_short(job.layer.activation))) {
    step_.set_input(LoopBuffer::kX0, 0, image_);
    step_.add_weights(parts() == 1 ? depthwise_weights(layer) : paired_weights(layer));
    channels_ = channels_of_item();
    by_tiles_ = std::max(pixels(image_), pixels(output_)) > kMostMapped || (!maps_input_ && !maps_sums_);
    b_.set_items(output_.shape.c / static_cast<uint32_t>(channels_));
    set_scratch();
  }

  /// Channels of an item in turns: images through their activation, sums, sums through theirs. Or all tile by tile.
  LayerSteps run() {
    if (by_tiles_) {
      write_channel(b_.item(), 0);
      return step_.finish_layer();
    }
    const auto each = [&](const std::function<void(const Affine&, const Affine&)>& write) {
      b_.loop(0, channels_, 1, [&](Index i) { write(Affine(b_.item()) * channels_ + Affine(i), i); });
    };
    if (maps_input_) each([&](const Affine& channel, const Affine& i) { map_image(channel, i); });
    each([&](const Affine& channel, const Affine& i) { write_channel(channel, i); });
    if (maps_sums_) each([&](const Affine& channel, const Affine& i) { map_sums(channel, i); });
    return step_.finish_layer();
  }

 private:
  int64_t width() const { return image_.shape.w; }
  int64_t lanes() const { return b_.lanes(); }
  int64_t whole_vectors(int64_t elements) const { return (elements + lanes() - 1) / lanes() * lanes(); }
  static int64_t pixels(const LayerTensor& tensor) { return static_cast<int64_t>(tensor.shape.pixels()); }

  /// As many as make kLeastMapped pixels, where something is mapped.
  int64_t channels_of_item() const {
    const int64_t all = output_.shape.c, most = kLeastMapped / std::max(pixels(image_), pixels(output_));
    if (image_.shape.c != output_.shape.c || (!maps_input_ && !maps_sums_)) return 1;
    int64_t count = std::clamp<int64_t>(most, 1, all);
    while (all % count != 0) --count;
    return count;
  }

  /// Images, then sums: whole ones or a tile's rows, whose last vectors run over.
  void set_scratch() {
    if (maps_input_) image_pitch_ = whole_vectors(pixels(image_)) + lanes();
    if (maps_sums_) sums_pitch_ = whole_vectors(!by_tiles_ ? pixels(output_) : most_rows() * output_.shape.w) + lanes();
    sums_at_ = channels_ * image_pitch_;
    b_.set_elements(LoopBuffer::kScratch, static_cast<uint64_t>(sums_at_ + channels_ * sums_pitch_));
  }

  /// Elements of a channel's buffer behind its first `rows` rows.
  static int64_t room_behind(const LayerTensor& tensor, int64_t rows) {
    return tensor.layout.stride - rows * tensor.shape.w;
  }

  /// Where the image that an output channel sees begins.
  Affine image_of(const Affine& channel) {
    const int64_t multiplier = output_.shape.c / image_.shape.c;
    return (multiplier == 1 ? channel : Affine(b_.divide(b_.index(channel), multiplier))) * image_.layout.stride;
  }

  void map_image(const Affine& channel, const Affine& number) {
    write_mapped_line(b_, input_activation_, {LoopBuffer::kX0, image_of(channel)},
                      {LoopBuffer::kScratch, number * image_pitch_}, pixels(image_),
                      room_behind(image_, image_.shape.h));
  }
  void map_sums(const Affine& channel, const Affine& number) {
    write_mapped_line(b_, activation_, {LoopBuffer::kScratch, number * sums_pitch_ + Affine(sums_at_)},
                      {LoopBuffer::kY, channel * output_.layout.stride}, pixels(output_),
                      room_behind(output_, output_.shape.h));
  }

  /// Image rows [first, first + count), of one channel alone; `last` is where they end at most.
  void map_rows(const Affine& first, int64_t count, int64_t last) {
    if (count <= 0) return;
    write_mapped_line(b_, input_activation_, {LoopBuffer::kX0, source_ + first * width()},
                      {LoopBuffer::kScratch, first * width()}, count * width(), room_behind(image_, last));
  }
  void map_rows_until(int64_t end) {
    if (!maps_input_ || !by_tiles_ || end <= mapped_) return;
    map_rows(mapped_, end - mapped_, end);
    mapped_ = end;
  }

  /// Tiles about equally high. Those at the edges stand alone, those between them in a loop.
  void write_channel(const Affine& channel, const Affine& number) {
    begin_channel(channel, number);
    const int64_t rows = output_.shape.h, top = window_.padding.top, step = window_.stride_height;
    const int64_t tiles = (rows + most_rows() - 1) / most_rows(), high = (rows + tiles - 1) / tiles;
    const auto is_inside = [&](int64_t row) {
      return row * step >= top && row + high <= rows && row * step + reach(high) <= image_.shape.h + top;
    };
    has_few_tiles_ = tiles <= 2;
    for (int64_t row = 0; row < rows;) {
      int64_t end = row;
      while (is_inside(end)) end += high;
      if (end - row > high) {
        write_tiles(row, end, high);
        row = end;
      } else {
        const auto count = static_cast<uint32_t>(std::min(high, rows - row));
        map_rows_until(std::min<int64_t>(row * step - top + reach(count), image_.shape.h));
        all_rows({row * step - top, row, count, rows - row - count, !is_inside(row)});
        row += count;
      }
    }
  }

  void begin_channel(const Affine& channel, const Affine& number) {
    channel_ = channel;
    source_ = image_of(channel);
    plane_ = maps_input_ ? number * image_pitch_ : source_;
    sums_begin_ = number * sums_pitch_ + Affine(sums_at_);
    bias_ = constant_at(0);
    for (int64_t i = 0; holds_ && i < window_.height; ++i)
      for (int64_t g = 0; g < groups(); ++g) held_.push_back(weight_at(i, Affine(g)));
  }

  /// Output rows [row, end) in tiles of `high` in a loop, which counts in image rows, so that offsets from them are
  /// never negative. What a tile sees beyond the one before is mapped with it.
  void write_tiles(int64_t row, int64_t end, int64_t high) {
    const int64_t top = window_.padding.top, step = window_.stride_height, fresh = high * step;
    const int64_t first = row * step - top, behind = end * step - top, seen = reach(high) - fresh;
    const bool in_bands = maps_input_ && by_tiles_ && seen >= 0;
    map_rows_until(in_bands ? first + seen : behind + seen);
    b_.loop(first, behind, fresh, [&](Index y) {
      if (in_bands) map_rows(Affine(y) + Affine(seen), fresh, behind + seen);
      all_rows({y, in_output(y, top, step), static_cast<uint32_t>(high), output_.shape.h - end});
    });
    mapped_ = std::max(mapped_, behind + seen);
  }

  void all_rows(const RowTile& rows) {
    all_columns(rows);
    if (!maps_sums_ || !by_tiles_) return;
    const Affine to = channel_ * output_.layout.stride + rows.output_row * output_.shape.w;
    write_mapped_line(b_, activation_, {LoopBuffer::kScratch, sums_at_}, {LoopBuffer::kY, to},
                      int64_t{rows.rows} * output_.shape.w, room_behind(output_, output_.shape.h - rows.rows_behind));
  }

  /// Vectors of the image that a vector of outputs sees at once.
  int64_t parts() const { return window_.stride_width; }
  /// Columns of the window or pairs of them, and image columns from one to the next.
  int64_t groups() const { return (window_.width + parts() - 1) / parts(); }
  int64_t group_width() const { return parts() == 1 ? window_.dilation_width : 2; }

  /// Image rows that `rows` output rows see.
  int64_t reach(int64_t rows) const {
    return (rows - 1) * window_.stride_height + static_cast<int64_t>(window_.reach_height());
  }

  /// Sums beside the weights, a loaded vector and what an activation needs. In WebAssembly more than x86-64 has
  /// registers for, some of which V8 keeps in memory, since then fewer vectors are loaded (Node 26 on Zen 4: 5x5 in
  /// tiles of 7 rows is a fifth faster than of 4, 3x3 of 5 a tenth; with stride 2 two rows are a twelfth faster than
  /// three).
  int64_t most_rows() const {
    if (job_.target.isa == Isa::kWasm) return parts() == 1 ? std::min<int64_t>(window_.height + 2, kMostRows) : 2;
    const int64_t sums = window_registers(job_.target) - window_.height * (holds_ ? groups() : 1) - 3;
    return std::clamp<int64_t>(sums / parts(), 4 / parts(), kMostRows);
  }

  /// The output row (column) whose window begins at image row (column) `image`.
  Affine in_output(Index image, int64_t padding, int64_t stride) {
    const Affine padded = Affine(image) + Affine(padding);
    return stride == 1 ? padded : Affine(b_.divide(b_.index(padded), stride));
  }

  /// The vectors at the end come first: what they write of the next row is written again.
  void all_columns(const RowTile& rows) {
    const int64_t columns = output_.shape.w, left = window_.padding.left, step = lanes() * parts();
    const int64_t vectors = (columns + lanes() - 1) / lanes(), begin = left > 0 ? 1 : 0;
    const int64_t spare = width() + left - (groups() - 1) * group_width() - step;
    const int64_t end = std::max(begin, spare < 0 ? 0 : std::min(columns / lanes(), spare / step + 1));
    const auto at = [&](int64_t v) {
      const auto count = static_cast<uint32_t>(std::min(columns - v * lanes(), lanes()));
      return ColumnTile{v * step - left, v * lanes(), true, count};
    };
    // Many tiles would otherwise share what they load, and run out of registers.
    const auto edge = [&](int64_t v) {
      const auto write = [&] { tile(rows, at(v)); };
      has_few_tiles_ || job_.target.isa == Isa::kWasm ? write() : b_.apart(write);
    };
    for (int64_t v = end; v < vectors; ++v) edge(v);
    for (int64_t v = 0; v < begin; ++v) edge(v);
    if (begin + 1 == end)
      tile(rows, {begin * step - left, begin * lanes(), false, b_.lanes()});
    else if (begin < end)
      b_.loop(begin * step - left, end * step - left, step,
              [&](Index x) { tile(rows, {x, in_output(x, left, parts()), false, b_.lanes()}); });
  }

  void tile(const RowTile& rows, const ColumnTile& columns) {
    std::vector<Vec> sums;
    for (int64_t i = 0; i < rows.rows * parts(); ++i) sums.push_back(b_.copy(bias_));
    if (columns.is_edge || holds_)
      for (int64_t g = 0; g < groups(); ++g) {
        const auto add = [&] { add_group(rows, columns, Affine(g), sums); };
        holds_ || job_.target.isa != Isa::kWasm ? add() : b_.apart(add);
      }
    else
      b_.loop(0, groups(), 1, [&](Index g) { add_group(rows, columns, g, sums); });
    b_.interleave(rows.rows, [&](uint32_t r) {
      const size_t at = size_t{r} * static_cast<size_t>(parts());
      if (parts() == 2) sums[at] = b_.add(b_.unzip_even(sums[at], sums[at + 1]), b_.unzip_odd(sums[at], sums[at + 1]));
      if (!maps_sums_) sums[at] = activation_.apply(sums[at]);
    });
    for (uint32_t r = 0; r < rows.rows; ++r) store(rows, r, columns, sums[size_t{r} * static_cast<size_t>(parts())]);
  }

  /// Row r of a tile. A whole vector wherever rows that are written later, or what is behind the channel, have room.
  void store(const RowTile& rows, uint32_t r, const ColumnTile& columns, Vec sums) {
    const Affine pixel = (rows.output_row + Affine(int64_t{r})) * output_.shape.w + columns.output_column;
    if (maps_sums_) {
      const Affine in_tile = Affine(int64_t{r} * output_.shape.w) + columns.output_column;
      b_.store(LoopBuffer::kScratch, sums_begin_ + (by_tiles_ ? in_tile : pixel), sums);
      return;
    }
    const int64_t room = room_behind(output_, output_.shape.h - (rows.rows - 1 - r + rows.rows_behind));
    const bool may_run_over = whole_vectors(output_.shape.w) - output_.shape.w <= room;
    b_.store(LoopBuffer::kY, channel_ * output_.layout.stride + pixel, sums, may_run_over ? b_.lanes() : columns.lanes);
  }

  /// What group g of the window's columns adds to a tile: every loaded vector serves all rows that see it.
  void add_group(const RowTile& rows, const ColumnTile& columns, const Affine& g, const std::vector<Vec>& sums) {
    const int64_t step = window_.stride_height, dilation = window_.dilation_height;
    std::vector<std::optional<Vec>> weights(window_.height);
    for (int64_t y = 0; y < reach(rows.rows); ++y) {
      const int64_t image_row = rows.image_row.offset + y;
      if (rows.is_border && (image_row < 0 || image_row >= image_.shape.h)) continue;
      Loaded x;
      bool is_loaded = false;
      for (int64_t r = 0; r < rows.rows && r * step <= y; ++r) {
        const int64_t distance = y - r * step, i = distance / dilation;
        if (distance % dilation != 0 || i >= window_.height) continue;
        if (!std::exchange(is_loaded, true)) x = load(rows.image_row + Affine(y), columns, g);
        for (int64_t p = 0; p < parts(); ++p) {
          const auto& part = x[static_cast<size_t>(p)];
          if (!part) continue;
          auto& weight = weights[static_cast<size_t>(i)];
          if (!weight) weight = holds_ ? held_[static_cast<size_t>(i * groups() + g.offset)] : weight_at(i, g);
          b_.fma_to(sums[static_cast<size_t>(r * parts() + p)], *part, *weight);
        }
      }
    }
  }

  LoopBuffer image_buffer() const { return maps_input_ ? LoopBuffer::kScratch : LoopBuffer::kX0; }

  /// What group g of the window's columns sees in an image row, zeros outside of the image; no vector where it would
  /// have nothing else.
  using Loaded = std::array<std::optional<Vec>, 2>;
  Loaded load(const Affine& image_row, const ColumnTile& columns, const Affine& g) {
    const Affine row = plane_ + image_row * width(), column = columns.image_column + g * group_width();
    Loaded found;
    for (int64_t p = 0; p < parts(); ++p) {
      const Affine first = column + Affine(p * lanes());
      found[static_cast<size_t>(p)] =
          columns.is_edge ? load_edge(row, first.offset) : b_.load(image_buffer(), row + first);
    }
    return found;
  }

  std::optional<Vec> load_edge(const Affine& row, int64_t first) {
    const int64_t behind = std::max<int64_t>(-first, 0);
    if (first >= width() || behind >= lanes()) return std::nullopt;
    const int64_t wanted = width() >= lanes() ? lanes() : lanes() - behind;
    const auto inside = static_cast<uint32_t>(std::min(wanted, width() - std::max<int64_t>(first, 0)));
    const Vec x = b_.load(image_buffer(), row + Affine(std::max<int64_t>(first, 0)), inside);
    return behind == 0 ? x : b_.slide_up(x, static_cast<uint32_t>(behind));
  }

  Vec weight_at(int64_t i, const Affine& g) { return constant_at(Affine(1 + i * groups()) + g); }

  /// Of an item's bias and weights number `place`, in all lanes; with stride 2 a pair, in turns.
  Vec constant_at(const Affine& place) {
    const Affine at = (channel_ * (window_.height * groups() + 1) + place) * parts();
    return parts() == 1 ? b_.splat(LoopBuffer::kWeights, at) : b_.splat_pair(LoopBuffer::kWeights, at);
  }

  /// Per output channel pairs: the bias and 0, then those of the window's rows, a last one without a second with 0.
  static std::vector<float> paired_weights(const Convolution& layer) {
    const Window& w = layer.window;
    std::vector<float> pairs;
    const float* weight = layer.weights.data();
    for (uint32_t o = 0; o < layer.output_channels; ++o) {
      pairs.insert(pairs.end(), {layer.bias.empty() ? 0 : layer.bias[o], 0});
      for (uint32_t i = 0; i < w.height; ++i, weight += w.width) {
        pairs.insert(pairs.end(), weight, weight + w.width);
        if (w.width % 2 == 1) pairs.push_back(0);
      }
    }
    return pairs;
  }

  const LayerRequest& job_;
  const Window& window_;
  const LayerTensor &image_, &output_;
  StepBuilder step_;
  LoopBuilder& b_;
  const ActivationCode input_activation_, activation_;
  const bool maps_input_;  ///< the image first goes through its activation, into scratch
  const bool maps_sums_;   ///< sums go to scratch, and through their activation when all are there
  const bool holds_;
  int64_t channels_ = 1;  ///< of an item
  bool by_tiles_ = true;
  int64_t image_pitch_ = 0, sums_at_ = 0, sums_pitch_ = 0;  ///< in scratch
  Affine channel_, source_, plane_, sums_begin_;            ///< the channel, its image, where that is read, its sums
  int64_t mapped_ = 0;                                      ///< image rows
  Vec bias_;
  std::vector<Vec> held_;
  bool has_few_tiles_ = false;  ///< in the height of the image
};

/// Whether a window of stride 2 goes in pairs of columns. In WebAssembly few of them fit the registers of x86-64.
bool parts_well(const Target& target, const Window& w) {
  return w.stride_width == 2 && w.dilation_width == 1 && (target.isa != Isa::kWasm || w.height <= 3);
}

}  // namespace

bool is_direct_depthwise(const LayerRequest& request, const Convolution& layer) {
  const Window& w = layer.window;
  const auto in_rows = [](const LayerTensor& t) { return t.layout.kind == LayoutKind::kChannelRows; };
  return (w.stride_width == 1 || parts_well(request.target, w)) && uint64_t{w.height} * w.width <= kMostTaps &&
         request.strip_rows == 0 && in_rows(request.inputs[0]) && in_rows(request.output) &&
         w.padding.left < request.target.vector->lanes;
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

bool holds_window(const Target& target, const Window& window) {
  const uint64_t taps = uint64_t{window.height} * window.width;
  return target.isa != Isa::kWasm && taps + 7 <= window_registers(target);
}

bool is_short(const Activation& activation) {
  return activation.is_none() || activation.kind == ActivationKind::kClamp;
}

}  // namespace espalier
