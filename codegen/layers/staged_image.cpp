#include "codegen/layers/staged_image.h"

#include <algorithm>

namespace espalier {
namespace {

/// Vectors of a line that are copied side by side.
constexpr uint32_t kVectorsPerTurn = 4;

int64_t rounded_up(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

}  // namespace

Affine element_at(LoopBuilder& b, const LayerTensor& tensor, const Affine& channel, const Affine& pixel) {
  const int64_t channels = tensor.shape.c, panel = tensor.layout.panel;
  switch (tensor.layout.kind) {
    case LayoutKind::kChannelRows:
      return channel * tensor.layout.stride + pixel;
    case LayoutKind::kPanels: {
      const Index p = b.index(pixel);
      return Affine(b.divide(p, panel)) * (channels * panel) + channel * panel + Affine(b.modulo(p, panel));
    }
    case LayoutKind::kInterleaved:
      break;
  }
  return pixel * channels + channel;
}

StagedImage::StagedImage(const Window& window, const LayerTensor& image, const Shape& output, uint32_t output_rows,
                         uint32_t channels, uint32_t lanes)
    : window_(window), image_(image), channels_(channels), lanes_(lanes) {
  const int64_t stride = window.stride_width, left = window.padding.left, width = image.shape.w;
  const int64_t reach = int64_t{window.width - 1} * window.dilation_width;
  rows_ = (output_rows - 1) * window.stride_height + (window.height - 1) * window.dilation_height + 1;
  has_one_strip_ = output_rows >= output.h;
  for (int64_t q = 0; q < stride; ++q) {
    Phase phase;
    phase.begin = left > q ? (left - q + stride - 1) / stride : 0;
    phase.source = phase.begin * stride + q - left;
    phase.needed = output.w + (reach >= q ? (reach - q) / stride : -1);
    phase.count = phase.source < width ? (width - 1 - phase.source) / stride + 1 : 0;
    phase.count = std::max<int64_t>(0, std::min(phase.count, phase.needed - phase.begin));
    phases_.push_back(phase);
  }
  for (const Phase& phase : phases_) {
    const int64_t end = std::max(phase.begin + phase.count, int64_t{0});
    pitch_ = std::max({pitch_, rounded_up(output.w, lanes) + reach / stride + 1,
                       phase.begin + rounded_up(std::max(phase.count, pairs()), lanes), rounded_up(phase.begin, lanes),
                       end + rounded_up(std::max<int64_t>(phase.needed - end, 0), lanes)});
  }
  pitch_ = rounded_up(pitch_, 8);
  row_ = pitch_ * stride;
  plane_ = row_ * rows_;
}

int64_t StagedImage::tap_offset(uint32_t i, uint32_t j) const {
  const int64_t column = int64_t{j} * window_.dilation_width, stride = window_.stride_width;
  return int64_t{i} * window_.dilation_height * row_ + column % stride * pitch_ + column / stride;
}

Affine StagedImage::tap(const Affine& channel, const Affine& row, uint32_t i, uint32_t j) const {
  return channel * plane_ + row * (row_ * window_.stride_height) + Affine(tap_offset(i, j));
}

/// Whole vectors; what runs over is written again by whoever comes next in the line, or lies behind what is read.
void StagedImage::fill(LoopBuilder& b, const Affine& to, int64_t first, int64_t count, Vec value) const {
  if (count <= 0) return;
  if (count <= 2 * int64_t{lanes_}) {
    for (int64_t at = first; at < first + count; at += lanes_) b.store(LoopBuffer::kScratch, to + Affine(at), value);
    return;
  }
  b.loop(first, first + count, lanes_, [&](Index i) { b.store(LoopBuffer::kScratch, to + Affine(i), value); });
}

int64_t StagedImage::pairs() const {
  const bool parts =
      window_.stride_width == 2 && (image_.layout.kind != LayoutKind::kInterleaved || image_.shape.c == 1);
  return parts ? std::max(phases_[0].count, phases_[1].count) : 0;
}

int64_t StagedImage::exact_rows() const {
  const int64_t width = image_.shape.w, height = image_.shape.h, stride = window_.stride_width;
  int64_t last = 0;  // pixel that a row's vectors read last
  for (const Phase& phase : phases_)
    if (phase.count > 0) last = std::max(last, phase.source + (rounded_up(phase.count, lanes_) - 1) * stride);
  if (pairs() > 0) last = 2 * rounded_up(pairs(), lanes_) - 1;
  const bool has_padding = image_.layout.kind == LayoutKind::kChannelRows;
  const int64_t room = has_padding ? image_.layout.stride - width * height : 0;
  const int64_t behind = std::max<int64_t>(last - (width - 1) - room, 0);
  return std::min(height, (behind + width - 1) / width);
}

/// The first element of an image row of a channel; element_at's of an interleaved image are `channels` apart.
Affine StagedImage::source_row(LoopBuilder& b, const Affine& channel, const Affine& row) const {
  return element_at(b, image_, channel, row * image_.shape.w);
}

/// Calls copy(first, count) for turns of kVectorsPerTurn vectors that are among the first `plain` places, then for the
/// rest, whose place is constant.
void StagedImage::in_turns(LoopBuilder& b, int64_t count, int64_t plain,
                           const std::function<void(const Affine&, int64_t)>& copy) const {
  const int64_t turn = int64_t{kVectorsPerTurn} * lanes_, whole = std::min(count, plain) / turn * turn;
  if (whole > turn)
    b.loop(0, whole, turn, [&](Index i) { copy(Affine(i), turn); });
  else
    for (int64_t i = 0; i < whole; i += turn) copy(Affine(i), turn);
  copy(Affine(whole), count - whole);
}

/// Lines of a phase each, vector by vector; elements of a line stand `step` apart.
void StagedImage::stage_lines(LoopBuilder& b, const Affine& from, const Affine& to, int64_t step, int64_t unit,
                              bool may_read_on) const {
  for (size_t q = 0; q < phases_.size(); ++q) {
    const Phase& phase = phases_[q];
    const Affine line = to + Affine(static_cast<int64_t>(q) * pitch_ + phase.begin);
    const Affine source = from + Affine(phase.source * unit);
    in_turns(b, phase.count, phase.count, [&](const Affine& first, int64_t count) {
      b.interleave(static_cast<uint32_t>((count + lanes_ - 1) / lanes_), [&](uint32_t v) {
        const Affine at = first + Affine(int64_t{v} * lanes_);
        const int64_t left = count - int64_t{v} * lanes_;
        const auto lanes = may_read_on ? lanes_ : static_cast<uint32_t>(std::min<int64_t>(left, lanes_));
        const Affine element = source + at * step;
        const Vec x =
            step == 1 ? b.load(LoopBuffer::kX0, element, lanes) : b.load_strided(LoopBuffer::kX0, element, step, lanes);
        b.store(LoopBuffer::kScratch, line + at, mapped(x));
      });
    });
  }
}

/// Both lines of a row of which even and odd columns part: two vectors of the image make one of each.
void StagedImage::stage_pairs(LoopBuilder& b, const Affine& from, const Affine& to, bool may_read_on) const {
  const int64_t width = image_.shape.w;
  const auto vector = [&](const Affine& at) {
    const int64_t left = may_read_on || !at.terms.empty() ? 2 * int64_t{lanes_} : width - 2 * at.offset;
    const auto half = [&](int64_t skipped) {
      const auto lanes = static_cast<uint32_t>(std::clamp<int64_t>(left - skipped, 0, lanes_));
      return lanes == 0 ? b.constant(0) : mapped(b.load(LoopBuffer::kX0, from + at * 2 + Affine(skipped), lanes));
    };
    const Vec low = half(0), high = half(lanes_);
    const Vec even = b.unzip_even(low, high), odd = b.unzip_odd(low, high);
    for (size_t q = 0; q < 2; ++q)
      b.store(LoopBuffer::kScratch, to + at + Affine(static_cast<int64_t>(q) * pitch_ + phases_[q].begin),
              phases_[q].source == 0 ? even : odd);
  };
  in_turns(b, pairs(), may_read_on ? pairs() : width / 2, [&](const Affine& first, int64_t count) {
    const auto vectors = static_cast<uint32_t>((count + lanes_ - 1) / lanes_);
    const auto nth = [&](uint32_t v) { vector(first + Affine(int64_t{v} * lanes_)); };
    if (map_)
      b.interleave(vectors, nth);
    else  // few registers at once: some may be held
      for (uint32_t v = 0; v < vectors; ++v) nth(v);
  });
}

/// One image row into its lines. `may_read_on`: elements behind the row's end may be read, since they are in the
/// buffer.
void StagedImage::stage_row(LoopBuilder& b, const Affine& from, const Affine& to, bool may_read_on) const {
  const int64_t channels = image_.layout.kind == LayoutKind::kInterleaved ? int64_t{image_.shape.c} : 1;
  if (pairs() > 0)
    stage_pairs(b, from, to, may_read_on);
  else
    stage_lines(b, from, to, window_.stride_width * channels, channels, may_read_on);
}

void StagedImage::stage(LoopBuilder& b, const Affine& first_channel, const Affine& output_row, float padding) const {
  const Vec value = b.constant(padding);
  const int64_t height = image_.shape.h, top = window_.padding.top;
  const auto border = [&](const Affine& line, bool is_left) {
    for (size_t q = 0; q < phases_.size(); ++q) {
      const Phase& phase = phases_[q];
      const int64_t end = phase.begin + phase.count, at = static_cast<int64_t>(q) * pitch_;
      if (is_left)
        fill(b, line, at, phase.begin, value);
      else
        fill(b, line, at + end, phase.needed - end, value);
    }
  };
  const auto channel_body = [&](const Affine& channel, const Affine& to) {
    const auto image_row = [&](const Affine& row, const Affine& line, bool may_read_on) {
      border(line, true);
      stage_row(b, source_row(b, channel, row), line, may_read_on);
      border(line, false);
    };
    const auto empty_row = [&](const Affine& line) {
      for (size_t q = 0; q < phases_.size(); ++q)
        fill(b, line, static_cast<int64_t>(q) * pitch_, phases_[q].needed, value);
    };
    const int64_t exact = exact_rows();
    if (has_one_strip_) {
      const int64_t above = std::min<int64_t>(top, rows_), last = std::min<int64_t>(height, rows_ - above);
      const int64_t plain = std::min(last, height - exact);
      const auto rows_of_image = [&](int64_t begin, int64_t end, bool may_read_on) {
        if (begin < end)
          b.loop(begin, end, 1,
                 [&](Index y) { image_row(y, to + Affine(y) * row_ + Affine(above * row_), may_read_on); });
      };
      if (above > 0) b.loop(0, above, 1, [&](Index r) { empty_row(to + Affine(r) * row_); });
      rows_of_image(0, plain, true);
      rows_of_image(plain, last, false);
      if (above + last < rows_) b.loop(above + last, rows_, 1, [&](Index r) { empty_row(to + Affine(r) * row_); });
      return;
    }
    const Index begin = b.index(output_row * window_.stride_height + Affine(-top));
    // Rows in front of the image, of it, and behind it; clamps tell the verifier what the loops' bounds imply.
    const Index above = b.min(b.max(b.index(Affine(begin) * -1), 0), rows_);
    b.loop(0, above, 1, [&](Index r) { empty_row(to + Affine(r) * row_); });
    const auto rows_of_image = [&](int64_t from, int64_t limit, bool may_read_on) {
      if (from >= limit) return;
      const Index first = b.max(begin, from), end = b.min(b.index(Affine(begin) + Affine(rows_)), limit);
      b.loop(first, end, 1, [&](Index y) {
        const Index row = b.min(b.max(b.index(Affine(y) + Affine(begin) * -1), 0), rows_ - 1);
        image_row(y, to + Affine(row) * row_, may_read_on);
      });
    };
    rows_of_image(0, height - exact, true);
    rows_of_image(height - exact, height, false);
    const Index behind = b.min(b.max(b.index(Affine(begin) * -1 + Affine(height)), 0), rows_);
    b.loop(behind, rows_, 1, [&](Index r) { empty_row(to + Affine(r) * row_); });
  };
  if (channels_ == 1)
    channel_body(first_channel, Affine(0));
  else
    b.loop(0, channels_, 1, [&](Index c) { channel_body(first_channel + Affine(c), Affine(c) * plane_); });
}

}  // namespace espalier
