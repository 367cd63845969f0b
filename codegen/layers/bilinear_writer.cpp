#include "codegen/layers/bilinear_writer.h"

#include <algorithm>
#include <array>
#include <optional>

#include "codegen/layers/activation_code.h"
#include "codegen/layers/element_loop.h"
#include "codegen/layers/pixel_runs.h"

namespace espalier {
namespace {

/// Twice as many columns: outputs 2 k and 2 k + 1 lie between inputs k + low and k + high, where inputs outside of the
/// line are those at its ends.
struct Doubling {
  struct Phase {
    int64_t low = 0, high = 0;
    float part = 0;
  };
  std::array<Phase, 2> phases;
};

/// Whether `in` columns become `columns` by such a rule; it is found in the middle and proved for every column.
std::optional<Doubling> doubling_of(std::span<const ResizeSource> columns, uint32_t in) {
  if (in < 2 || columns.size() != size_t{2} * in) return std::nullopt;
  const int64_t last = int64_t{in} - 1, middle = in / 2;
  Doubling rule;
  for (size_t p = 0; p < 2; ++p) {
    const ResizeSource& s = columns[static_cast<size_t>(2 * middle) + p];
    rule.phases[p] = {s.low - middle, s.part == 0 ? s.low - middle : s.high - middle, static_cast<float>(s.part)};
  }
  for (size_t x = 0; x < columns.size(); ++x) {
    const ResizeSource& s = columns[x];
    const auto& phase = rule.phases[x % 2];
    const auto k = static_cast<int64_t>(x / 2);
    if (std::min(phase.low, phase.high) < -1 || std::max(phase.low, phase.high) > 1) return std::nullopt;
    const int64_t low = std::clamp<int64_t>(k + phase.low, 0, last),
                  high = std::clamp<int64_t>(k + phase.high, 0, last);
    const bool is_one = s.part == 0 || s.low == s.high, is_one_by_rule = low == high;
    if (low != s.low || is_one != is_one_by_rule) return std::nullopt;
    if (!is_one && (high != s.high || static_cast<float>(s.part) != phase.part)) return std::nullopt;
  }
  return rule;
}

/// Channels whose elements are interpolated one by one for each column: they share its table entries and its part.
constexpr uint32_t kBlock = 8;

int64_t pixel_step(const LayerTensor& t) {
  return t.layout.kind == LayoutKind::kInterleaved ? int64_t{t.shape.c} : int64_t{1};
}

class LineWriter {
 public:
  LineWriter(StepBuilder& step, const LayerRequest& r, std::span<const ResizeSource> rows,
             std::span<const ResizeSource> columns)
      : b_(step.loops()),
        in_(r.inputs[0]),
        out_(r.output),
        addend_(r.inputs.size() > 1 ? &r.inputs[1] : nullptr),
        activation_(b_, r.layer.activation),
        rows_(add_sources(step, rows, pixel_step(in_) * in_.shape.w)),
        columns_(add_sources(step, columns, pixel_step(in_))),
        line_((int64_t{in_.shape.w} + b_.lanes() - 1) / b_.lanes() * b_.lanes() + 2 * int64_t{b_.lanes()}),
        doubling_(doubling_of(columns, in_.shape.w)) {
    if (has_line_buffer()) b_.set_elements(LoopBuffer::kScratch, static_cast<uint64_t>(kBlock * line_));
  }

  void write(uint32_t items) {
    loop_over_share(b_, out_.shape.h, items, [&](Index y) {
      const Source row{b_.load_index(Affine(y) + Affine(rows_.low)), b_.load_index(Affine(y) + Affine(rows_.high)),
                       b_.splat(LoopBuffer::kWeights, Affine(y) + Affine(rows_.part))};
      if (has_channel_vectors()) return write_channel_vectors(y, row);
      const uint32_t blocks = out_.shape.c / kBlock, rest = out_.shape.c % kBlock;
      if (blocks > 0)
        b_.loop(0, blocks, 1, [&](Index i) { write_block(y, row, b_.index(Affine(i) * int64_t{kBlock}), kBlock); });
      if (rest > 0) write_block(y, row, b_.index(int64_t{blocks} * kBlock), rest);
    });
  }

 private:
  /// Of all lines of an axis: places in the table and in the weights.
  struct Sources {
    int64_t low, high, part;
  };
  struct Source {
    Index low, high;
    Vec part;
  };

  static Sources add_sources(StepBuilder& step, std::span<const ResizeSource> sources, int64_t factor) {
    std::vector<int32_t> low, high;
    std::vector<float> parts;
    for (const ResizeSource& source : sources) {
      low.push_back(static_cast<int32_t>(source.low * factor));
      high.push_back(static_cast<int32_t>(source.high * factor));
      parts.push_back(static_cast<float>(source.part));
    }
    const int64_t low_at = step.loops().add_table(low), high_at = step.loops().add_table(high);
    return {low_at, high_at, step.add_weights(parts)};
  }

  bool has_channel_vectors() const {
    return channel_step(in_) == 1 && channel_step(out_) == 1 && (!addend_ || channel_step(*addend_) == 1);
  }
  bool has_line_vectors() const { return pixel_step(out_) == 1 && (!addend_ || pixel_step(*addend_) == 1); }
  bool has_line_buffer() const { return !has_channel_vectors() && pixel_step(in_) == 1; }

  Vec between(Vec from, Vec to, Vec part) { return b_.fma(b_.subtract(to, from), part, from); }

  /// Of line y of a tensor of the output's shape.
  Affine place(const LayerTensor& t, Index y, const Affine& x, const Affine& channel) const {
    return (Affine(y) * int64_t{out_.shape.w} + x) * pixel_step(t) + channel * channel_step(t);
  }
  void store(Index y, const Affine& x, const Affine& channel, Vec value, uint32_t lanes) {
    if (addend_) value = b_.add(value, b_.load(LoopBuffer::kX1, place(*addend_, y, x, channel), lanes));
    b_.store(LoopBuffer::kY, place(out_, y, x, channel), activation_.apply(value), lanes);
  }

  template <typename Function>
  void for_columns(uint32_t lanes, Function body) {
    b_.loop(0, out_.shape.w, 1, [&](Index x) {
      const Affine part = Affine(x) + Affine(columns_.part);
      body(x, Source{b_.load_index(Affine(x) + Affine(columns_.low)), b_.load_index(Affine(x) + Affine(columns_.high)),
                     lanes == 1 ? b_.load(LoopBuffer::kWeights, part, 1) : b_.splat(LoopBuffer::kWeights, part)});
    });
  }

  /// `offset` further on than the four neighbours.
  Vec interpolated(const Source& row, const Source& column, const Affine& offset, uint32_t lanes) {
    const auto at = [&](Index y, Index x) { return b_.load(LoopBuffer::kX0, Affine(y) + Affine(x) + offset, lanes); };
    const Vec top = between(at(row.low, column.low), at(row.low, column.high), column.part);
    const Vec bottom = between(at(row.high, column.low), at(row.high, column.high), column.part);
    return between(top, bottom, row.part);
  }

  void write_channel_vectors(Index y, const Source& row) {
    const uint32_t lanes = b_.lanes(), full = out_.shape.c / lanes, rest = out_.shape.c % lanes;
    for_columns(lanes, [&](Index x, const Source& column) {
      const auto write_vector = [&](const Affine& c, uint32_t count) {
        store(y, x, c, interpolated(row, column, c, count), count);
      };
      if (full > 0) b_.loop(0, full, 1, [&](Index v) { write_vector(Affine(v) * int64_t{lanes}, 0); });
      if (rest > 0) write_vector(int64_t{full} * lanes, rest);
    });
  }

  void write_block(Index y, const Source& row, Index first, uint32_t channels) {
    if (has_line_buffer()) write_line_buffer(row, first, channels);
    if (has_line_buffer() && doubling_ && has_line_vectors()) return write_doubled(y, first, channels);
    for_columns(1, [&](Index x, const Source& column) {
      for (uint32_t c = 0; c < channels; ++c) {
        const Affine channel = Affine(first) + Affine(c);
        const Vec value =
            has_line_buffer() ? from_line_buffer(column, c) : interpolated(row, column, channel * channel_step(in_), 1);
        store(y, x, channel, value, 1);
      }
    });
  }

  /// Of each channel's line: its ends once more in front and behind, then vectors of even and odd columns, zipped.
  void write_doubled(Index y, Index first, uint32_t channels) {
    const int64_t lanes = b_.lanes(), width = in_.shape.w;
    const Vec even = b_.constant(doubling_->phases[0].part), odd = b_.constant(doubling_->phases[1].part);
    for (uint32_t c = 0; c < channels; ++c) {
      const int64_t line = start_of(c);
      b_.store(LoopBuffer::kScratch, line - 1, b_.splat(LoopBuffer::kScratch, line), 1);
      b_.store(LoopBuffer::kScratch, line + width, b_.splat(LoopBuffer::kScratch, line + width - 1), 1);
    }
    const auto write_vectors = [&](const Affine& k, uint32_t c, int64_t count) {
      const auto value = [&](size_t phase, Vec part) {
        const auto at = [&](int64_t d) { return b_.load(LoopBuffer::kScratch, k + Affine(start_of(c) + d)); };
        const auto& [low, high, _] = doubling_->phases[phase];
        return low == high ? at(low) : between(at(low), at(high), part);
      };
      const Vec a = value(0, even), z = value(1, odd);
      const Affine channel = Affine(first) + Affine(c);
      store(y, k * 2, channel, b_.zip_low(a, z), static_cast<uint32_t>(std::min(2 * count, lanes)));
      if (2 * count > lanes)
        store(y, k * 2 + Affine(lanes), channel, b_.zip_high(a, z), static_cast<uint32_t>(2 * count - lanes));
    };
    for (uint32_t c = 0; c < channels; ++c) {
      const int64_t whole = width / lanes * lanes;
      if (whole > 0) b_.loop(0, whole, lanes, [&](Index k) { write_vectors(k, c, lanes); });
      if (width > whole) write_vectors(whole, c, width - whole);
    }
  }

  Vec from_line_buffer(const Source& column, uint32_t channel) {
    const auto at = [&](Index x) { return b_.load(LoopBuffer::kScratch, Affine(x) + Affine(start_of(channel)), 1); };
    return between(at(column.low), at(column.high), column.part);
  }

  void write_line_buffer(const Source& row, Index first, uint32_t channels) {
    const int64_t lanes = b_.lanes(), full = in_.shape.w / b_.lanes();
    const uint32_t rest = in_.shape.w % b_.lanes();
    const auto write_vector = [&](const Affine& x, uint32_t count) {
      for (uint32_t c = 0; c < channels; ++c) {
        const Affine from = (Affine(first) + Affine(c)) * channel_step(in_) + x;
        const auto line = [&](Index y) { return b_.load(LoopBuffer::kX0, Affine(y) + from, count); };
        b_.store(LoopBuffer::kScratch, x + Affine(start_of(c)), between(line(row.low), line(row.high), row.part),
                 count);
      }
    };
    if (full > 0) b_.loop(0, full, 1, [&](Index v) { write_vector(Affine(v) * lanes, 0); });
    if (rest > 0) write_vector(full * lanes, rest);
  }

  /// The line of a block's channel in the line buffer, with room for a vector in front and behind.
  int64_t start_of(uint32_t channel) const { return channel * line_ + b_.lanes(); }

  LoopBuilder& b_;
  const LayerTensor &in_, &out_;
  const LayerTensor* const addend_;  ///< added to the result, or null
  const ActivationCode activation_;
  const Sources rows_, columns_;
  const int64_t line_;                      ///< elements between channels in the line buffer
  const std::optional<Doubling> doubling_;  ///< of the columns
};

}  // namespace

void write_bilinear_lines(StepBuilder& step, const LayerRequest& r, std::span<const ResizeSource> rows,
                          std::span<const ResizeSource> columns, uint32_t items) {
  LineWriter(step, r, rows, columns).write(items);
}

}  // namespace espalier
