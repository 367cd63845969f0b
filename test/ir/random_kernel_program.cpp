#include "random_kernel_program.h"

#include <cmath>

namespace espalier::test {
namespace {

constexpr uint32_t kSlice = 8;  // weights of a chunk, so that four of them can be loaded at once

class Generator {
 public:
  Generator(const Target& target, uint64_t seed) : isa_(*target.vector), random_(seed) { p_.target = target; }

  KernelProgram run() {
    draw_shape();
    draw_tiles();
    while (p_.groups.empty() || row_ < p_.output_channels) add_group();
    return std::move(p_);
  }

 private:
  uint32_t below(uint32_t bound) { return static_cast<uint32_t>(random_.next() % bound); }
  bool coin() { return below(2) != 0; }
  uint8_t reg(uint32_t base) { return static_cast<uint8_t>(base + below(3)); }

  void draw_shape() {
    p_.name = "random";
    p_.output_channels = 1 + below(6);
    p_.input_channels = 1 + below(9);
    p_.nonzeros = below(99);
    p_.pixels = coin() ? 1 + below(70) : 0;
    p_.input_stride = (p_.pixels ? p_.pixels : 70) + below(5);
    p_.output_stride = (p_.pixels ? p_.pixels : 70) + below(5);
    p_.pixel_block = 1 + below(80);
    p_.schedule.tile_rows = below(3);
    for (uint32_t row = coin() ? p_.output_channels : 0; row > 0; --row) p_.output_order.push_back(row - 1);
    p_.schedule.prefetch = static_cast<int32_t>(below(3)) - 1;
  }

  /// Widths that consume any pixel count.
  void draw_tiles() {
    if (coin()) tiles_.push_back({.width = 2 * isa_.lanes + below(3), .ops = {}});
    if (isa_.has_masks && coin()) {
      tiles_.push_back({.width = isa_.lanes, .ops = {}});
      tiles_.push_back({.remainder = true, .ops = {}});
      return;
    }
    for (uint32_t width = isa_.lanes; width > 0; width /= 2) tiles_.push_back({.width = width, .ops = {}});
  }

  void add_group() {
    RowGroup group{.first_row = row_,
                   .rows = 1 + below(std::min(3u, p_.output_channels - row_)),
                   .first_chunk = static_cast<uint32_t>(p_.chunks.size()),
                   .chunks = 1 + below(3)};
    for (uint32_t c = 0; c < group.chunks; ++c) add_chunk(group, c == 0);
    row_ += group.rows;
    p_.groups.push_back(group);
  }

  void add_chunk(const RowGroup& group, bool first) {
    Chunk chunk{.stream_offset = p_.stream.size(), .stream_count = kSlice, .nonzeros = below(9), .tiles = tiles_};
    for (uint32_t i = 0; i < kSlice; ++i) p_.stream.push_back(below(9) ? random_.weight() : HUGE_VALF);
    for (PixelTile& tile : chunk.tiles) fill_tile(tile, group, first);
    p_.chunks.push_back(std::move(chunk));
  }

  void fill_tile(PixelTile& tile, const RowGroup& group, bool first) {
    ops_ = &tile.ops;
    const uint32_t width = tile.remainder ? 1 : tile.width;
    for (uint32_t row = group.first_row; row < group.first_row + group.rows; ++row) {
      for (column_ = 0; column_ < width; column_ += std::max(lanes_, 1u)) {
        lanes_ = tile.remainder ? kRemainingLanes : next_lanes(width - column_);
        fill_vector(row, first);
      }
    }
  }

  /// A whole vector while that fits; then the rest under the tile's mask, or the largest power of two in it.
  uint32_t next_lanes(uint32_t left) const {
    if (left >= isa_.lanes) return isa_.lanes;
    if (isa_.has_masks) return left;
    uint32_t lanes = isa_.lanes;
    while (lanes > left) lanes /= 2;
    return lanes;
  }

  void emit(MicroOp op) { ops_->push_back(op); }
  MicroOp memory(Op op, uint8_t d, Buffer buffer, uint32_t row) const {
    return {.op = op, .d = d, .buffer = buffer, .lanes = static_cast<uint8_t>(lanes_), .row = row, .column = column_};
  }

  void fill_vector(uint32_t row, bool first) {
    const uint8_t sum = reg(0);
    if (!first)
      emit(memory(Op::kLoad, sum, Buffer::kY, row));
    else if (coin())
      emit({.op = Op::kZero, .d = sum});
    else
      emit({.op = Op::kSplatLoad, .d = sum, .buffer = Buffer::kW, .column = below(kSlice)});
    for (uint32_t terms = below(4); terms > 0; --terms) add_term(sum);
    if (coin()) {
      emit({.op = Op::kSplatLoad, .d = 9, .buffer = Buffer::kW, .column = below(kSlice)});
      emit({.op = coin() ? Op::kMax : Op::kMin, .d = sum, .a = 9});
    }
    emit(memory(Op::kStore, sum, Buffer::kY, row));
  }

  void add_term(uint8_t sum) {
    const uint32_t k = below(p_.input_channels);
    const uint8_t weights = reg(3), x = reg(6), lane = static_cast<uint8_t>(below(4));
    if (below(4) == 0) emit({.op = Op::kPrefetch, .buffer = Buffer::kX, .row = k, .column = below(200)});
    if (isa_.has_fma_load && coin() && (isa_.has_masks || lanes_ == isa_.lanes)) {
      emit({.op = Op::kSplatLoad, .d = weights, .buffer = Buffer::kW, .column = below(kSlice)});
      MicroOp fma = memory(Op::kFmaLoad, sum, Buffer::kX, k);
      fma.b = weights;
      return emit(fma);
    }
    emit(memory(Op::kLoad, x, Buffer::kX, k));
    const bool four = isa_.lanes == 4 && coin();
    if (four) emit({.op = Op::kLoad, .d = weights, .buffer = Buffer::kW, .lanes = 4, .column = below(kSlice - 3)});
    if (four && isa_.has_fma_lane && coin())
      return emit({.op = Op::kFmaLane, .d = sum, .a = x, .b = weights, .lane = lane});
    if (four && isa_.has_splat_lane) emit({.op = Op::kSplatLane, .d = weights, .a = weights, .lane = lane});
    if (!four) emit({.op = Op::kSplatLoad, .d = weights, .buffer = Buffer::kW, .column = below(kSlice)});
    emit({.op = Op::kFma, .d = sum, .a = weights, .b = x});
  }

  const VectorIsa& isa_;
  SeededRandom random_;
  KernelProgram p_;
  std::vector<PixelTile> tiles_;
  std::vector<MicroOp>* ops_ = nullptr;
  uint32_t row_ = 0, column_ = 0, lanes_ = 0;
};

}  // namespace

KernelProgram random_kernel_program(const Target& target, uint64_t seed) { return Generator(target, seed).run(); }

}  // namespace espalier::test
