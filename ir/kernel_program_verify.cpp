#include <algorithm>
#include <bitset>

#include "ir/kernel_program.h"

namespace espalier {
namespace {

constexpr uint8_t kWeightGroup = 4;                    // weights load into every group of four lanes (Op::kLoad)
constexpr uint64_t kMaxElements = uint64_t{1} << 29;   // of a buffer: kernels address with 31 bits (ir/kernel_spec.h)
constexpr uint64_t kFreeStoreMap = uint64_t{1} << 16;  // elements of a StoreMap that need no proof of being stored to

/// Where every output element of a row group stands: which chunk stored it last. One per tile, over all chunks.
class StoreMap {
 public:
  StoreMap(const RowGroup& group, uint32_t width)
      : first_row_(group.first_row), width_(width), last_(size_t{group.rows} * width) {}

  void store(uint32_t row, uint32_t column, uint32_t lanes, uint32_t chunk) {
    std::fill_n(at(row, column), lanes, chunk + 1);
  }
  /// Whether an earlier chunk, and no store of this one, wrote all of these elements.
  bool stored_before(uint32_t row, uint32_t column, uint32_t lanes, uint32_t chunk) {
    const auto begin = at(row, column);
    return std::all_of(begin, begin + lanes, [&](uint32_t c) { return c != 0 && c != chunk + 1; });
  }
  Status complete() const {
    const auto it = std::find(last_.begin(), last_.end(), 0u);
    if (it == last_.end()) return {};
    const auto index = static_cast<size_t>(it - last_.begin());
    return internal_error("nothing stores output row {}, pixel {}", first_row_ + index / width_, index % width_);
  }

 private:
  std::vector<uint32_t>::iterator at(uint32_t row, uint32_t column) {
    return last_.begin() + static_cast<ptrdiff_t>(size_t{row - first_row_} * width_ + column);
  }
  uint32_t first_row_, width_;
  std::vector<uint32_t> last_;
};

class TileVerifier {
 public:
  TileVerifier(const KernelProgram& program, const RowGroup& group, const Chunk& chunk, uint32_t chunk_index,
               const PixelTile& tile, StoreMap& stores)
      : p_(program),
        isa_(*program.target.vector),
        group_(group),
        chunk_(chunk),
        chunk_index_(chunk_index),
        tile_(tile),
        width_(tile.remainder ? 1 : tile.width),
        stores_(stores) {}

  Status run() {
    for (size_t i = 0; i < tile_.ops.size(); ++i) {
      const MicroOp& op = tile_.ops[i];
      if (is_plain_multiply(op)) continue;
      if (Status s = check(op); !s)
        return std::move(s).error().in(fmt::format("operation {} ({})", i, op_info(op.op).name));
    }
    return {};
  }

 private:
  bool defined(uint8_t reg) const { return reg < isa_.registers && defined_[reg]; }

  /// Valid multiply-adds in the forms that make up most of every program: what check() would prove for them, and what
  /// it would change (nothing: d is read, so it has been written), at a fraction of the time.
  bool is_plain_multiply(const MicroOp& op) const {
    if (!defined(op.d) || !defined(op.b)) return false;
    if (op.op == Op::kFmaLane) return isa_.has_fma_lane && op.lane <= 3 && defined(op.a);
    if (op.op == Op::kFma) return defined(op.a);
    return op.op == Op::kFmaLoad && isa_.has_fma_load && op.buffer == Buffer::kX && op.lanes == isa_.lanes &&
           !tile_.remainder && op.row < p_.input_channels && uint64_t{op.column} + op.lanes <= width_ &&
           uint64_t{op.row} * p_.input_stride + op.column < kMaxElements;
  }

  Status check(const MicroOp& op) {
    const OpInfo& info = op_info(op.op);
    if (Status s = check_supported(op, info); !s) return s;
    if (info.reads_d)
      if (Status s = check_read(op.d); !s) return s;
    if (info.reads_a)
      if (Status s = check_read(op.a); !s) return s;
    if (info.reads_b)
      if (Status s = check_read(op.b); !s) return s;
    if (info.has_access)
      if (Status s = check_access(op, info); !s) return s;
    if (!info.writes_d) return {};
    if (op.d >= isa_.registers)
      return internal_error("writes v{}, but {} has {} vector registers", op.d, isa_.name, isa_.registers);
    defined_.set(op.d);
    return {};
  }

  Status check_supported(const MicroOp& op, const OpInfo& info) const {
    const bool supported = op.op == Op::kFmaLoad     ? isa_.has_fma_load
                           : op.op == Op::kFmaLane   ? isa_.has_fma_lane
                           : op.op == Op::kSplatLane ? isa_.has_splat_lane
                                                     : true;
    if (!supported) return internal_error("{} does not have this operation", isa_.name);
    if (info.has_lane && op.lane > 3) return internal_error("names lane {}, but lanes are 0..3", op.lane);
    return {};
  }

  Status check_read(uint8_t reg) const {
    if (reg >= isa_.registers)
      return internal_error("reads v{}, but {} has {} vector registers", reg, isa_.name, isa_.registers);
    if (!defined_.test(reg)) return internal_error("reads v{} before anything was written to it", reg);
    return {};
  }

  Status check_lanes(const MicroOp& op) {
    if (op.lanes == kRemainingLanes) {
      if (!tile_.remainder) return internal_error("has remaining lanes, but the tile is {} pixels wide", tile_.width);
      return {};
    }
    if (op.buffer == Buffer::kW && isa_.lanes > kWeightGroup && op.lanes != kWeightGroup)
      return internal_error("loads {} weights, but weights load by {}", op.lanes, kWeightGroup);
    if (op.lanes > isa_.lanes)
      return internal_error("touches {} lanes, but {} has {}", op.lanes, isa_.name, isa_.lanes);
    if (op.lanes == isa_.lanes) return {};
    if (!isa_.has_masks && op.buffer != Buffer::kW && (op.lanes & (op.lanes - 1)) != 0)
      return internal_error("touches {} lanes, but {} moves 1, 2, 4, ... lanes", op.lanes, isa_.name);
    if (op.op == Op::kFmaLoad && !isa_.has_masks)
      return internal_error("touches {} lanes, but {} fuses loads of {} lanes only", op.lanes, isa_.name, isa_.lanes);
    if (isa_.has_masks && op.buffer != Buffer::kW) {
      if (partial_lanes_ != 0 && partial_lanes_ != op.lanes)
        return internal_error("touches {} lanes, but the tile's mask is for {}", op.lanes, partial_lanes_);
      partial_lanes_ = op.lanes;
    }
    return {};
  }

  /// Also for hints that may lie outside a buffer: backends encode the byte offset in 31 bits.
  Status check_reach(const MicroOp& op) const {
    const uint64_t stride = op.buffer == Buffer::kX ? p_.input_stride : op.buffer == Buffer::kY ? p_.output_stride : 0;
    const uint64_t offset = op.row * stride + op.column;
    if (offset < kMaxElements) return {};
    return internal_error("reaches element {}, but the limit is {}", offset, kMaxElements - 1);
  }

  Status check_access(const MicroOp& op, const OpInfo& info) {
    if (info.has_lanes)
      if (Status s = check_lanes(op); !s) return s;
    if (Status s = check_reach(op); !s) return s;
    if (op.op == Op::kPrefetch || op.op == Op::kPrefetchFar) return {};
    if (op.op == Op::kStore && op.buffer != Buffer::kY) return internal_error("stores outside the output buffer");
    if (op.op == Op::kSplatLoad && op.buffer != Buffer::kW)
      return internal_error("splats from outside the weight stream");
    if (op.op == Op::kFmaLoad && op.buffer != Buffer::kX)
      return internal_error("multiplies memory outside the input buffer");
    const uint32_t lanes = info.has_lanes ? op.lanes : 1;
    if (op.buffer == Buffer::kW) {
      if (op.row != 0 || lanes == kRemainingLanes)
        return internal_error("addresses the weight stream by row or remainder");
      if (uint64_t{op.column} + lanes > chunk_.stream_count)
        return internal_error("reads weights {}..{}, but the chunk has {}", op.column, op.column + lanes - 1,
                              chunk_.stream_count);
      return {};
    }
    // In a remainder tile the map and the bounds stand for "all remaining pixels" as one column.
    if (tile_.remainder && op.lanes != kRemainingLanes)
      return internal_error("touches {} lanes in a remainder tile", op.lanes);
    const uint32_t columns = tile_.remainder ? 1 : lanes;
    if (uint64_t{op.column} + columns > width_)
      return internal_error("touches pixels {}..{}, but the tile is {} wide", op.column, op.column + columns - 1,
                            width_);
    if (op.buffer == Buffer::kX) {
      if (op.row >= p_.input_channels)
        return internal_error("reads input row {}, but there are {}", op.row, p_.input_channels);
      return {};
    }
    if (op.row < group_.first_row || op.row - group_.first_row >= group_.rows)
      return internal_error("touches output row {}, but the row group is {}..{}", op.row, group_.first_row,
                            group_.first_row + group_.rows - 1);
    if (op.op == Op::kStore) {
      stores_.store(op.row, op.column, columns, chunk_index_);
    } else if (!stores_.stored_before(op.row, op.column, columns, chunk_index_)) {
      return internal_error("reads output row {}, pixel {}, which no earlier chunk has left there", op.row, op.column);
    }
    return {};
  }

  const KernelProgram& p_;
  const VectorIsa& isa_;
  const RowGroup& group_;
  const Chunk& chunk_;
  uint32_t chunk_index_;
  const PixelTile& tile_;
  uint32_t width_;
  StoreMap& stores_;
  std::bitset<256> defined_;
  uint32_t partial_lanes_ = 0;
};

Status check_shape(const KernelProgram& p) {
  if (!p.target.vector || !p.target.cpu) return internal_error("no target");
  if (p.pixel_block == 0) return internal_error("pixel block is 0");
  if (p.max_pixels() == 0)
    return internal_error("strides are {} and {}, but must be at least 1", p.input_stride, p.output_stride);
  if (p.input_stride < p.max_pixels() || p.output_stride < p.max_pixels())
    return internal_error("strides are {} and {}, but there are up to {} pixels", p.input_stride, p.output_stride,
                          p.max_pixels());
  const uint64_t elements =
      std::max(uint64_t{p.input_channels} * p.input_stride, uint64_t{p.output_channels} * p.output_stride);
  if (elements >= kMaxElements)
    return internal_error("a buffer has {} elements, but the limit is {}", elements, kMaxElements - 1);
  return {};
}

/// Row groups partition the rows, chunks the groups; slices lie inside the stream; every chunk has the same tiles.
Status check_partition(const KernelProgram& p) {
  uint64_t row = 0, chunk = 0;
  for (size_t g = 0; g < p.groups.size(); ++g) {
    const RowGroup& group = p.groups[g];
    if (group.first_row != row || group.rows == 0)
      return internal_error("row group {} starts at row {}, but row {} is next", g, group.first_row, row);
    if (group.first_chunk != chunk || group.chunks == 0)
      return internal_error("row group {} starts at chunk {}, but chunk {} is next", g, group.first_chunk, chunk);
    row += group.rows;
    chunk += group.chunks;
  }
  if (row != p.output_channels) return internal_error("row groups cover {} rows of {}", row, p.output_channels);
  if (chunk != p.chunks.size()) return internal_error("row groups have {} chunks of {}", chunk, p.chunks.size());
  for (size_t c = 0; c < p.chunks.size(); ++c) {
    const Chunk& k = p.chunks[c];
    if (k.stream_offset > p.stream.size() || k.stream_count > p.stream.size() - k.stream_offset)
      return internal_error("chunk {} has weights {} + {}, but the stream has {}", c, k.stream_offset, k.stream_count,
                            p.stream.size());
    if (k.tiles.size() != p.chunks[0].tiles.size()) return internal_error("chunk {} has other tiles than chunk 0", c);
    for (size_t t = 0; t < k.tiles.size(); ++t)
      if (k.tiles[t].width != p.chunks[0].tiles[t].width || k.tiles[t].remainder != p.chunks[0].tiles[t].remainder)
        return internal_error("chunk {} has another tile {} than chunk 0", c, t);
  }
  return {};
}

/// Pixels that the tiles leave over of `pixels`.
uint32_t left_over(const KernelProgram& p, uint32_t pixels) {
  for (const PixelTile& tile : p.chunks[0].tiles)
    pixels = tile.remainder ? (pixels < p.target.vector->lanes ? 0 : pixels) : pixels % tile.width;
  return pixels;
}

/// All counts 1..block at once: a tile of width w leaves [0, min(r, w - 1)] of the counts [0, r], so what reaches the
/// end is an interval again, and a count that it holds passed every tile untouched.
Status check_run_time_pixels(const KernelProgram& p, uint32_t block) {
  const uint32_t lanes = p.target.vector->lanes;
  uint32_t most = block, least = 1;
  for (const PixelTile& tile : p.chunks[0].tiles) {
    if (tile.remainder)
      least = lanes;
    else
      most = std::min(most, tile.width - 1);
  }
  if (most < least) return {};
  return internal_error("the tiles leave {} of {} pixels", least, least);
}

Status check_tiles(const KernelProgram& p) {
  if (p.chunks.empty()) return {};
  const std::vector<PixelTile>& tiles = p.chunks[0].tiles;
  for (size_t t = 0; t < tiles.size(); ++t) {
    if (tiles[t].remainder && (t + 1 != tiles.size() || !p.target.vector->has_masks))
      return internal_error("tile {} takes the remainder, but is not last or {} has no masks", t,
                            p.target.vector->name);
    if (tiles[t].remainder != (tiles[t].width == 0)) return internal_error("tile {} has width {}", t, tiles[t].width);
  }
  auto check = [&](uint32_t pixels) -> Status {
    if (const uint32_t left = left_over(p, pixels))
      return internal_error("the tiles leave {} of {} pixels", left, pixels);
    return {};
  };
  const uint32_t block = std::min(p.pixel_block, p.max_pixels());
  if (p.pixels) {
    if (p.pixels > p.pixel_block)
      if (Status s = check(p.pixel_block); !s) return s;
    return check(p.pixels % p.pixel_block ? p.pixels % p.pixel_block : block);
  }
  return check_run_time_pixels(p, block);
}

/// A StoreMap takes memory for rows x width elements; a program that cannot have stored to that many gets none.
Status check_store_count(const KernelProgram& p, const RowGroup& group, size_t tile, uint32_t width) {
  const uint64_t elements = uint64_t{group.rows} * width;
  if (elements <= kFreeStoreMap) return {};
  uint64_t stored = 0;
  for (uint32_t c = group.first_chunk; c < group.first_chunk + group.chunks; ++c)
    for (const MicroOp& op : p.chunks[c].tiles[tile].ops)
      if (op.op == Op::kStore) stored += std::max<uint64_t>(op.lanes, 1);
  if (stored >= elements) return {};
  return internal_error("stores reach at most {} of {} output elements", stored, elements);
}

Status check_group(const KernelProgram& p, const RowGroup& group) {
  for (size_t t = 0; t < p.chunks[group.first_chunk].tiles.size(); ++t) {
    const PixelTile& shape = p.chunks[group.first_chunk].tiles[t];
    if (Status s = check_store_count(p, group, t, shape.remainder ? 1 : shape.width); !s)
      return std::move(s).error().in(fmt::format("tile {}", t));
    StoreMap stores(group, shape.remainder ? 1 : shape.width);
    for (uint32_t c = group.first_chunk; c < group.first_chunk + group.chunks; ++c) {
      Status s = TileVerifier(p, group, p.chunks[c], c, p.chunks[c].tiles[t], stores).run();
      if (!s) return std::move(s).error().in(fmt::format("chunk {}, tile {}", c, t));
    }
    if (Status s = stores.complete(); !s) return std::move(s).error().in(fmt::format("tile {}", t));
  }
  return {};
}

}  // namespace

Status verify(const KernelProgram& program) {
  auto at = [&](Status s) { return Status(std::move(s).error().in("kernel program " + program.name)); };
  if (Status s = check_shape(program); !s) return at(std::move(s));
  if (Status s = check_partition(program); !s) return at(std::move(s));
  if (Status s = check_tiles(program); !s) return at(std::move(s));
  for (const RowGroup& group : program.groups)
    if (Status s = check_group(program, group); !s) return at(std::move(s));
  return {};
}

}  // namespace espalier
