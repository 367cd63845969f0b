#include "test/support/random_rolled_program.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <random>

#include "test/support/random_program.h"

namespace espalier::test {
namespace {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  uint32_t below(uint32_t limit) { return static_cast<uint32_t>(engine_() % limit); }
  uint32_t between(uint32_t low, uint32_t high) { return low + below(high - low + 1); }
  bool one_in(uint32_t n) { return below(n) == 0; }
  float value() { return (static_cast<float>(below(1 << 16)) - 32768.0f) / 32768.0f; }

 private:
  std::mt19937_64 engine_;
};

struct Piece {
  uint32_t column;
  uint8_t lanes;
};

class Generator {
 public:
  Generator(const Target& target, uint64_t seed) : isa_(*target.vector), random_(seed) {
    p_.name = "random";
    p_.target = target;
    p_.schedule = *parse_schedule("unrolled:rows=1,vectors=1,k=8,chunk=100,pixels=64,prefetch=0");
  }

  KernelProgram run() {
    choose_shape();
    for (uint32_t place = 0; place < p_.output_channels;) place += add_group(place);
    return std::move(p_);
  }

 private:
  void choose_shape() {
    p_.output_channels = random_.between(1, 10), p_.input_channels = random_.between(1, 20);
    p_.index_bytes = random_.one_in(2) ? 2 : 4;
    p_.index_shift = random_.below(most_index_shift(p_.target.isa) + 1);
    vectors_ = random_.between(1, 3);
    const uint32_t width = vectors_ * isa_.lanes, pixels = random_.between(1, 100);
    if (random_.one_in(2)) p_.pixels = pixels;
    choose_buffer(p_.input_stride, p_.input_panel, width, pixels);
    choose_buffer(p_.output_stride, p_.output_panel, width, pixels);
    p_.pixel_block = width * random_.between(1, 3);
    if (p_.input_panel && p_.output_panel && random_.one_in(2)) p_.pixel_multiple = width;
    if (random_.one_in(2)) {
      p_.row_order.resize(p_.output_channels);
      std::iota(p_.row_order.begin(), p_.row_order.end(), 0u);
      for (size_t i = p_.row_order.size(); i > 1; --i)
        std::swap(p_.row_order[i - 1], p_.row_order[random_.below(static_cast<uint32_t>(i))]);
    }
  }
  void choose_buffer(uint32_t& stride, uint32_t& panel, uint32_t width, uint32_t pixels) {
    if (random_.one_in(2)) panel = width;
    const uint32_t unit = 1u << p_.index_shift;
    stride = panel ? panel : (pixels + random_.below(20) + unit - 1) / unit * unit;
  }

  uint32_t row_at(uint32_t place) const { return p_.row_order.empty() ? place : p_.row_order[place]; }

  uint32_t add_group(uint32_t place) {
    const uint32_t rows = std::min(p_.output_channels - place, random_.between(1, 6)), chunks = random_.between(1, 3);
    group_ = {place, rows, static_cast<uint32_t>(p_.chunks.size()), chunks};
    p_.groups.push_back(group_);
    for (uint32_t c = 0; c < chunks; ++c) add_chunk(c == 0, random_.one_in(4));
    return rows;
  }

  /// Every chunk holds, per row: a start value, then weights; indices: the row's offset, counts, columns.
  void add_chunk(bool first, bool dense) {
    Chunk chunk;
    chunk.stream_offset = p_.stream.size(), chunk.index_offset = p_.indices.size();
    first_ = first;
    for (uint32_t r = 0; r < group_.rows; ++r) dense ? append_dense_row(r) : append_row(r);
    for (int i = 0; i < 4; ++i) p_.stream.push_back(0.25f);  // groups of four load past the last weight
    chunk.stream_count = static_cast<uint32_t>(p_.stream.size() - chunk.stream_offset);
    chunk.index_count = static_cast<uint32_t>(p_.indices.size() - chunk.index_offset);
    for (const PixelTile& shape : tile_shapes()) {
      PixelTile tile{shape.width, shape.remainder, {}};
      ops_ = &tile.ops;
      split_into_pieces(tile);
      dense ? lower_dense() : lower_rows();
      chunk.tiles.push_back(std::move(tile));
    }
    p_.chunks.push_back(std::move(chunk));
  }
  void append_row(uint32_t r) {
    p_.stream.push_back(random_.value());
    p_.indices.push_back(row_at(group_.first_row + r) * p_.output_stride >> p_.index_shift);
    append_turns(random_.below(3), 4);
    append_turns(random_.below(4), 1);
  }
  /// A loop's count, then what its turns use.
  void append_turns(uint32_t count, uint32_t nonzeros) {
    p_.indices.push_back(count);
    for (uint32_t i = 0; i < count * nonzeros; ++i) {
      p_.stream.push_back(random_.value());
      p_.indices.push_back(random_.below(p_.input_channels) * p_.input_stride >> p_.index_shift);
    }
  }
  void append_dense_row(uint32_t r) {
    p_.indices.push_back(row_at(group_.first_row + r) * p_.output_stride >> p_.index_shift);
    for (uint32_t i = 0; i < p_.input_channels + 1; ++i) p_.stream.push_back(random_.value());
  }

  std::vector<PixelTile> tile_shapes() {
    const uint32_t width = vectors_ * isa_.lanes;
    std::vector<PixelTile> shapes{{width, false, {}}};
    if (p_.pixel_multiple != 1) return shapes;
    if (vectors_ > 1) shapes.push_back({isa_.lanes, false, {}});
    if (isa_.has_masks) {
      shapes.push_back({0, true, {}});
      return shapes;
    }
    for (uint32_t lanes = isa_.lanes / 2; lanes > 0; lanes /= 2) shapes.push_back({lanes, false, {}});
    return shapes;
  }
  void split_into_pieces(const PixelTile& tile) {
    pieces_.clear();
    if (tile.remainder) return pieces_.push_back({0, kRemainingLanes});
    if (tile.width < isa_.lanes) return pieces_.push_back({0, static_cast<uint8_t>(tile.width)});
    for (uint32_t c = 0; c < tile.width; c += isa_.lanes) pieces_.push_back({c, static_cast<uint8_t>(isa_.lanes)});
  }

  // Registers: sums from 0 on, then inputs, then a splat, then a group of weights.
  uint8_t sum(size_t v) const { return static_cast<uint8_t>(v); }
  uint8_t input(size_t v) const { return static_cast<uint8_t>(pieces_.size() + v); }
  uint8_t splat() const { return static_cast<uint8_t>(2 * pieces_.size()); }
  uint8_t weights() const { return static_cast<uint8_t>(splat() + 1); }

  void push(MicroOp op) { ops_->push_back(op); }
  void access(Op op, uint8_t d, Buffer buffer, uint32_t row, size_t piece, uint8_t b = 0) {
    push({op, d, 0, b, buffer, 0, pieces_[piece].lanes, row, pieces_[piece].column});
  }
  void advance(Buffer buffer, uint32_t row, uint32_t column) {
    push({Op::kAdvance, 0, 0, 0, buffer, 0, 0, row, column});
  }
  void splat_load(uint8_t d, uint32_t column) { push({Op::kSplatLoad, d, 0, 0, Buffer::kW, 0, 0, 0, column}); }

  /// Some rows one after the other, and leaves the cursor of X behind them.
  void touch_rows() {
    if (!random_.one_in(3)) return;
    const uint32_t turns = random_.between(1, p_.input_channels);
    push({Op::kLoop, 0, 0, 0, Buffer::kX, 0, 0, 0, turns});
    for (const Piece& piece : pieces_) push({Op::kTouch, 0, 0, 0, Buffer::kX, 0, 0, 0, piece.column});
    advance(Buffer::kX, 1, 0);
    push({Op::kEndLoop});
  }
  void start_row() {
    push({Op::kPoint, 0, 0, 0, Buffer::kYAt, 0, 0, 0, 0});
    for (size_t v = 0; v < pieces_.size(); ++v) {
      if (first_)
        splat_load(sum(v), 0);
      else
        access(Op::kLoad, sum(v), Buffer::kYAt, 0, v);
    }
  }
  void finish_row() {
    for (size_t v = 0; v < pieces_.size(); ++v) access(Op::kStore, sum(v), Buffer::kYAt, 0, v);
  }

  void lower_rows() {
    touch_rows();
    push({Op::kLoop, 0, 0, 0, Buffer::kX, 0, 0, 0, group_.rows});
    start_row();
    push({Op::kLoopIndexed, 0, 0, 0, Buffer::kI, 0, 0, 0, 1});
    four_nonzeros();
    push({Op::kEndLoop});
    push({Op::kLoopIndexed, 0, 0, 0, Buffer::kI, 0, 0, 0, 2});
    one_nonzero();
    push({Op::kEndLoop});
    finish_row();
    advance(Buffer::kW, 0, 1);
    advance(Buffer::kI, 0, 3);
    push({Op::kEndLoop});
  }
  // Loops move the cursors by what they use; the start value, the offset and the two counts stay in front of them until
  // the row ends.
  void four_nonzeros() {
    if (isa_.has_splat_lane) push({Op::kLoad, weights(), 0, 0, Buffer::kW, 0, 4, 0, 1});
    for (uint32_t n = 0; n < 4; ++n) push({Op::kPoint, 0, 0, 0, Buffer::kXAt, 0, 0, n, 2 + n});
    for (uint8_t n = 0; n < 4; ++n) {
      if (isa_.has_fma_lane) {
        multiply_lane(n);
        continue;
      }
      if (isa_.has_splat_lane)
        push({Op::kSplatLane, splat(), weights(), 0, Buffer::kX, n, 0, 0, 0});
      else
        splat_load(splat(), 1u + n);
      multiply(Buffer::kXAt, n);
    }
    advance(Buffer::kW, 0, 4);
    advance(Buffer::kI, 0, 4);
  }
  void one_nonzero() {
    splat_load(splat(), 1);
    push({Op::kPoint, 0, 0, 0, Buffer::kXAt, 0, 0, 3, 3});
    multiply(Buffer::kXAt, 3);
    advance(Buffer::kW, 0, 1);
    advance(Buffer::kI, 0, 1);
  }
  void multiply_lane(uint8_t n) {
    for (size_t v = 0; v < pieces_.size(); ++v) {
      access(Op::kLoad, input(v), Buffer::kXAt, n, v);
      push({Op::kFmaLane, sum(v), input(v), weights(), Buffer::kX, n, 0, 0, 0});
    }
  }
  void multiply(Buffer buffer, uint32_t row) {
    for (size_t v = 0; v < pieces_.size(); ++v) {
      if (isa_.has_fma_load && (isa_.has_masks || pieces_[v].lanes == isa_.lanes)) {
        access(Op::kFmaLoad, sum(v), buffer, row, v, splat());
        continue;
      }
      access(Op::kLoad, input(v), buffer, row, v);
      push({Op::kFma, sum(v), input(v), splat(), Buffer::kX, 0, 0, 0, 0});
    }
  }

  /// The first row is a loop over all input rows; the input's cursor cannot go back, so the others are start values.
  void lower_dense() {
    start_row();
    advance(Buffer::kW, 0, 1);
    push({Op::kLoop, 0, 0, 0, Buffer::kX, 0, 0, 0, p_.input_channels});
    splat_load(splat(), 0);
    multiply(Buffer::kX, 0);
    advance(Buffer::kW, 0, 1);
    advance(Buffer::kX, 1, 0);
    push({Op::kEndLoop});
    finish_row();
    for (uint32_t r = 1; r < group_.rows; ++r) {
      advance(Buffer::kI, 0, 1);
      start_row();
      finish_row();
    }
  }

  KernelProgram p_;
  const VectorIsa& isa_;
  Random random_;
  RowGroup group_;
  bool first_ = true;
  uint32_t vectors_ = 1;
  std::vector<MicroOp>* ops_ = nullptr;
  std::vector<Piece> pieces_;
};

/// Calls use(row, pixel, element) for everything a buffer holds, padding included.
template <typename Use>
void for_elements(uint32_t rows, uint32_t pixels, uint32_t stride, uint32_t panel, Use use) {
  const uint32_t padded = panel ? (pixels + panel - 1) / panel * panel : pixels;
  for (uint32_t row = 0; row < rows; ++row)
    for (uint32_t pixel = 0; pixel < padded; ++pixel) {
      const size_t base = panel ? size_t{pixel / panel} * panel * rows + pixel % panel : pixel;
      use(row, pixel, base + size_t{row} * stride);
    }
}

size_t elements(uint32_t rows, uint32_t pixels, uint32_t stride, uint32_t panel) {
  if (panel) return size_t{(pixels + panel - 1) / panel} * panel * rows;
  return size_t{rows - 1} * stride + pixels;
}

}  // namespace

KernelProgram random_rolled_program(const Target& target, uint64_t seed) { return Generator(target, seed).run(); }

uint32_t random_pixels(const KernelProgram& p, uint64_t seed) {
  return p.pixels ? p.pixels : 1 + static_cast<uint32_t>(seed * 2654435761u % std::min(p.max_pixels(), 150u));
}

std::vector<float> random_rolled_input(const KernelProgram& p, uint32_t pixels) {
  std::vector<float> x(elements(p.input_channels, pixels, p.input_stride, p.input_panel),
                       std::numeric_limits<float>::quiet_NaN());
  for_elements(p.input_channels, pixels, p.input_stride, p.input_panel, [&](uint32_t row, uint32_t pixel, size_t i) {
    x[i] = pixel < pixels ? random_input(row, pixel) : 0.5f;
  });
  return x;
}

size_t output_elements(const KernelProgram& p, uint32_t pixels) {
  return elements(p.output_channels, pixels, p.output_stride, p.output_panel);
}

std::vector<float> expected_rolled_output(const KernelProgram& p, uint32_t pixels) {
  std::vector<float> y(output_elements(p, pixels), -7.0f);
  interpret(p, random_rolled_input(p, pixels), y, pixels);
  return y;
}

}  // namespace espalier::test
