#include <algorithm>
#include <bitset>

#include "ir/program_walk.h"

namespace espalier {
namespace {

constexpr uint8_t kWeightGroup = 4;                    // weights load into every group of four lanes (Op::kLoad)
constexpr uint64_t kFreeStoreMap = uint64_t{1} << 16;  // elements of a StoreMap that need no proof of being stored to

/// The places of the rows in the row groups: the inverse of KernelProgram::row_order.
class RowPlaces {
 public:
  explicit RowPlaces(const KernelProgram& p) : places_(p.row_order.size()) {
    for (uint32_t place = 0; place < places_.size(); ++place) places_[p.row_order[place]] = place;
  }
  uint64_t of(uint64_t row) const { return places_.empty() || row >= places_.size() ? row : places_[row]; }

 private:
  std::vector<uint32_t> places_;
};

/// Where every output element of a row group stands: which chunk stored it last. One per tile, over all chunks. Rows
/// are counted by their places.
class StoreMap {
 public:
  StoreMap(const RowGroup& group, uint32_t width)
      : first_row_(group.first_row), width_(width), last_(size_t{group.rows} * width) {}

  void store(uint64_t row, uint64_t column, uint32_t lanes, uint32_t chunk) {
    std::fill_n(at(row, column), lanes, chunk + 1);
  }
  /// Whether an earlier chunk, and no store of this one, wrote all of these elements.
  bool stored_before(uint64_t row, uint64_t column, uint32_t lanes, uint32_t chunk) {
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
  std::vector<uint32_t>::iterator at(uint64_t row, uint64_t column) {
    return last_.begin() + static_cast<ptrdiff_t>((row - first_row_) * width_ + column);
  }
  uint32_t first_row_, width_;
  std::vector<uint32_t> last_;
};

class TileVerifier {
 public:
  TileVerifier(const KernelProgram& program, const RowPlaces& places, const RowGroup& group, const Chunk& chunk,
               uint32_t chunk_index, const PixelTile& tile, StoreMap& stores)
      : p_(program),
        isa_(*program.target.vector),
        places_(places),
        walk_(program, chunk, tile.ops),
        group_(group),
        chunk_(chunk),
        chunk_index_(chunk_index),
        tile_(tile),
        width_(tile.remainder ? 1 : tile.width),
        stores_(stores) {}

  Status run() { return is_rolled(tile_) ? run_rolled() : run_straight(); }

 private:
  Status at(size_t i, Status s) const {
    return std::move(s).error().in(fmt::format("operation {} ({})", i, op_info(tile_.ops[i].op).name));
  }
  Status run_straight() {
    for (size_t i = 0; i < tile_.ops.size(); ++i) {
      const MicroOp& op = tile_.ops[i];
      if (is_plain_multiply(op)) continue;
      if (Status s = check(op); !s) return at(i, std::move(s));
    }
    return {};
  }
  Status run_rolled() {
    if (Status s = check_loops(); !s) return s;
    for (; const MicroOp* op = walk_.next(); walk_.step()) {
      if ((op->op == Op::kFma || op->op == Op::kFmaLane) && is_plain_multiply(*op)) continue;
      Status s = op->op >= Op::kLoop ? check_control(*op) : check(*op);
      if (!s) return at(walk_.position(), std::move(s));
    }
    return {};
  }

  /// Whether loops are balanced, not too deep, and their operands legal; after this the walk is safe.
  Status check_loops() const {
    uint32_t depth = 0;
    for (size_t i = 0; i < tile_.ops.size(); ++i) {
      const MicroOp& op = tile_.ops[i];
      if (op.op == Op::kEndLoop && depth-- == 0) return at(i, internal_error("ends a loop, but none is open"));
      if ((op.op == Op::kLoop || op.op == Op::kLoopIndexed) && ++depth > kMaxLoopDepth)
        return at(i, internal_error("is loop {} deep, but the limit is {}", depth, kMaxLoopDepth));
      if (op.op == Op::kLoop && op.column == 0) return at(i, internal_error("loops 0 times"));
      if (op.op != Op::kPoint) continue;
      if (Status s = check_pointer_number(op); !s) return at(i, std::move(s));
    }
    if (depth != 0) return internal_error("{} loops have no end", depth);
    return {};
  }
  static Status check_pointer_number(const MicroOp& op) {
    if (op.buffer != Buffer::kXAt && op.buffer != Buffer::kYAt) return internal_error("points to no buffer");
    const uint32_t limit = op.buffer == Buffer::kXAt ? kInputPointers : kOutputPointers;
    if (op.row >= limit) return internal_error("names pointer {}, but the limit is {}", op.row, limit - 1);
    return {};
  }

  Status check_control(const MicroOp& op) {
    const bool reads_index = op.op == Op::kLoopIndexed || op.op == Op::kPoint;
    if (reads_index && !walk_.reads_inside(op))
      return internal_error("reads index {}, but the chunk has {}", walk_.entries() + op.column, chunk_.index_count);
    if (op.op == Op::kPoint) pointers_.set(pointer_bit(op));
    // Slices and rows are finite, so this also bounds every loop.
    if (op.op == Op::kEndLoop && !walk_.has_moved_on()) return internal_error("a turn of the loop moves no cursor");
    if (op.op != Op::kAdvance) return {};
    if (op.buffer != Buffer::kX && op.buffer != Buffer::kW && op.buffer != Buffer::kI)
      return internal_error("advances a buffer without a cursor");
    return check_cursors(op);
  }
  Status check_cursors(const MicroOp& op) const {
    if (op.buffer == Buffer::kW && walk_.weights() + op.column > chunk_.stream_count)
      return internal_error("advances to weight {}, but the chunk has {}", walk_.weights() + op.column,
                            chunk_.stream_count);
    if (op.buffer == Buffer::kI && walk_.entries() + op.column > chunk_.index_count)
      return internal_error("advances to index {}, but the chunk has {}", walk_.entries() + op.column,
                            chunk_.index_count);
    // Beyond the rows there are hints only, which count on while rows of Y are left.
    const uint64_t most = std::max(p_.input_channels, p_.output_channels);
    if (op.buffer == Buffer::kX && walk_.rows() + op.row > most)
      return internal_error("advances to input row {}, but there are {}", walk_.rows() + op.row, most);
    return {};
  }
  static size_t pointer_bit(const MicroOp& op) { return op.row + (op.buffer == Buffer::kYAt ? kInputPointers : 0); }

  bool defined(uint8_t reg) const { return reg < isa_.registers && defined_[reg]; }

  /// Valid multiply-adds in the forms that make up most of every program: what check() would prove for them, and what
  /// it would change (nothing: d is read, so it has been written), at a fraction of the time.
  bool is_plain_multiply(const MicroOp& op) const {
    if (!defined(op.d) || !defined(op.b)) return false;
    if (op.op == Op::kFmaLane) return isa_.has_fma_lane && op.lane <= 3 && defined(op.a);
    if (op.op == Op::kFma) return defined(op.a);
    return op.op == Op::kFmaLoad && isa_.has_fma_load && op.buffer == Buffer::kX && op.lanes == isa_.lanes &&
           !tile_.remainder && op.row < p_.input_channels && uint64_t{op.column} + op.lanes <= width_ &&
           uint64_t{op.row} * p_.input_stride + op.column < kMaxBufferElements;
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
                           : op.op == Op::kFmaSplat  ? isa_.has_fma_splat
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

  /// The row and the pixel that an access begins at.
  struct Place {
    uint64_t row, pixel;
  };
  Place place_of(const MicroOp& op) const {
    if (op.buffer == Buffer::kX) return {op.row + walk_.rows(), op.column};
    if (op.buffer == Buffer::kY) return {op.row, op.column};
    const uint32_t stride = op.buffer == Buffer::kXAt ? p_.input_stride : p_.output_stride;
    const uint64_t offset = walk_.pointer(op);
    return {offset / stride, offset % stride + op.column};
  }

  /// Also for hints that may lie outside a buffer: backends encode the byte offset in 31 bits.
  Status check_reach(const MicroOp& op) const {
    const uint64_t stride = op.buffer == Buffer::kX ? p_.input_stride : op.buffer == Buffer::kY ? p_.output_stride : 0;
    const uint64_t offset = op.row * stride + op.column;
    if (offset < kMaxBufferElements) return {};
    return internal_error("reaches element {}, but the limit is {}", offset, kMaxBufferElements - 1);
  }

  Status check_access(const MicroOp& op, const OpInfo& info) {
    if (info.has_lanes)
      if (Status s = check_lanes(op); !s) return s;
    if (Status s = check_reach(op); !s) return s;
    const bool points = op.buffer == Buffer::kXAt || op.buffer == Buffer::kYAt;
    if (points)
      if (Status s = check_pointer_number(op); !s) return s;
    if (op.op == Op::kPrefetch || op.op == Op::kPrefetchFar) return {};
    const bool is_input = op.buffer == Buffer::kX || op.buffer == Buffer::kXAt;
    const bool is_output = op.buffer == Buffer::kY || op.buffer == Buffer::kYAt;
    if (op.buffer == Buffer::kI) return internal_error("reads the index stream into a vector");
    if (op.op == Op::kStore && !is_output) return internal_error("stores outside the output buffer");
    if ((op.op == Op::kSplatLoad || op.op == Op::kFmaSplat) && op.buffer != Buffer::kW)
      return internal_error("splats from outside the weight stream");
    if (op.op == Op::kTouch && op.buffer != Buffer::kX) return internal_error("touches more than the input buffer");
    if (op.op == Op::kFmaLoad && !is_input) return internal_error("multiplies memory outside the input buffer");
    const uint32_t lanes = info.has_lanes ? op.lanes : 1;
    if (op.buffer == Buffer::kW) return check_weights(op, lanes);
    if (points && !pointers_[pointer_bit(op)]) return internal_error("uses a pointer before it was set");
    // In a remainder tile the map and the bounds stand for "all remaining pixels" as one column.
    if (tile_.remainder && op.lanes != kRemainingLanes)
      return internal_error("touches {} lanes in a remainder tile", op.lanes);
    return check_pixels(op, place_of(op), tile_.remainder ? 1 : lanes);
  }

  Status check_weights(const MicroOp& op, uint32_t lanes) const {
    if (op.row != 0 || lanes == kRemainingLanes)
      return internal_error("addresses the weight stream by row or remainder");
    const uint64_t first = walk_.weights() + op.column;
    if (first + lanes > chunk_.stream_count)
      return internal_error("reads weights {}..{}, but the chunk has {}", first, first + lanes - 1,
                            chunk_.stream_count);
    return {};
  }

  Status check_pixels(const MicroOp& op, Place at, uint32_t columns) {
    if (at.pixel + columns > width_)
      return internal_error("touches pixels {}..{}, but the tile is {} wide", at.pixel, at.pixel + columns - 1, width_);
    if (op.buffer == Buffer::kX || op.buffer == Buffer::kXAt) {
      if (at.row >= p_.input_channels)
        return internal_error("reads input row {}, but there are {}", at.row, p_.input_channels);
      return {};
    }
    const uint64_t place = places_.of(at.row);
    if (at.row >= p_.output_channels || place < group_.first_row || place - group_.first_row >= group_.rows)
      return internal_error("touches output row {}, but the row group is {}..{}", at.row, group_.first_row,
                            group_.first_row + group_.rows - 1);
    if (op.op == Op::kStore) {
      stores_.store(place, at.pixel, columns, chunk_index_);
    } else if (!stores_.stored_before(place, at.pixel, columns, chunk_index_)) {
      return internal_error("reads output row {}, pixel {}, which no earlier chunk has left there", at.row, at.pixel);
    }
    return {};
  }

  const KernelProgram& p_;
  const VectorIsa& isa_;
  const RowPlaces& places_;
  ProgramWalk walk_;
  const RowGroup& group_;
  const Chunk& chunk_;
  uint32_t chunk_index_;
  const PixelTile& tile_;
  uint32_t width_;
  StoreMap& stores_;
  std::bitset<256> defined_;
  std::bitset<kInputPointers + kOutputPointers> pointers_;
  uint32_t partial_lanes_ = 0;
};

Status check_image(const char* which, const KernelProgram& p, uint32_t stride, uint32_t rows) {
  if (stride == 0) return internal_error("{} stride is 0, but must be at least 1", which);
  if (stride < p.pixels)
    return internal_error("{} stride is {}, but there are up to {} pixels", which, stride, p.pixels);
  if (uint64_t{rows} * stride >= kMaxBufferElements)
    return internal_error("a buffer has {} elements, but the limit is {}", uint64_t{rows} * stride,
                          kMaxBufferElements - 1);
  if (p.pixel_multiple != 1) return internal_error("{} is no panels, but pixels are rounded up", which);
  return {};
}

/// Work items and the rounding of counts have to respect panels. Blocks inside one panel are a part of it.
Status check_panels(const char* which, const KernelProgram& p, uint32_t panel, uint32_t stride, uint32_t rows) {
  if (stride != panel) return internal_error("{} stride is {}, but panels are {} wide", which, stride, panel);
  const uint64_t panels = std::max<uint64_t>(1, (uint64_t{p.pixels} + panel - 1) / panel);
  const uint64_t elements = panels * panel * std::max(1u, rows);
  if (uint64_t{panel} * std::max(1u, rows) >= kMaxBufferElements || elements >= kMaxBufferElements)
    return internal_error("a buffer has {} elements, but the limit is {}", elements, kMaxBufferElements - 1);
  if (p.pixel_block % panel != 0 && panel % p.pixel_block != 0)
    return internal_error("blocks of {} pixels cut {} panels of {}", p.pixel_block, which, panel);
  if (p.pixel_multiple == 0 || panel % p.pixel_multiple != 0)
    return internal_error("pixels are rounded up to {}, but {} panels have {}", p.pixel_multiple, which, panel);
  return {};
}

Status check_buffer(const char* which, const KernelProgram& p, uint32_t panel, uint32_t stride, uint32_t rows) {
  return panel ? check_panels(which, p, panel, stride, rows) : check_image(which, p, stride, rows);
}

Status check_streams(const KernelProgram& p) {
  if (p.index_bytes != 2 && p.index_bytes != 4) return internal_error("indices have {} bytes", p.index_bytes);
  if (p.index_shift > most_index_shift(p.target.isa))
    return internal_error("indices are shifted by {}, but the limit is {}", p.index_shift,
                          most_index_shift(p.target.isa));
  const uint32_t limit = p.index_bytes == 2 ? UINT16_MAX : UINT32_MAX >> std::max(1u, p.index_shift);
  for (size_t i = 0; i < p.indices.size(); ++i)
    if (p.indices[i] > limit) return internal_error("index {} is {}, but the limit is {}", i, p.indices[i], limit);
  return {};
}

/// Every row (or output channel) once.
Status check_order(const char* which, const std::vector<uint32_t>& order, uint32_t rows) {
  if (order.empty()) return {};
  if (order.size() != rows) return internal_error("{} has {} rows of {}", which, order.size(), rows);
  std::vector<bool> seen(rows);
  for (const uint32_t row : order) {
    if (row >= rows || seen[row]) return internal_error("{} has row {} twice or too many", which, row);
    seen[row] = true;
  }
  return {};
}

Status check_shape(const KernelProgram& p) {
  if (!p.target.vector || !p.target.cpu) return internal_error("no target");
  if (p.pixel_block == 0) return internal_error("pixel block is 0");
  if (Status s = check_buffer("input", p, p.input_panel, p.input_stride, p.input_channels); !s) return s;
  if (Status s = check_buffer("output", p, p.output_panel, p.output_stride, p.output_channels); !s) return s;
  if (p.max_pixels() == 0) return internal_error("the buffers have room for no pixels");
  return check_streams(p);
}

Status check_same_tiles(const KernelProgram& p, uint32_t first, uint32_t c) {
  const auto &a = p.chunks[first].tiles, &b = p.chunks[c].tiles;
  if (a.size() != b.size()) return internal_error("chunk {} has other tiles than chunk {}", c, first);
  for (size_t t = 0; t < a.size(); ++t)
    if (a[t].width != b[t].width || a[t].remainder != b[t].remainder)
      return internal_error("chunk {} has another tile {} than chunk {}", c, t, first);
  return {};
}

/// Row groups partition the rows, chunks the groups; slices lie inside the streams; chunks of a group have the same
/// tiles.
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
    if (k.index_offset > p.indices.size() || k.index_count > p.indices.size() - k.index_offset)
      return internal_error("chunk {} has indices {} + {}, but there are {}", c, k.index_offset, k.index_count,
                            p.indices.size());
  }
  for (const RowGroup& group : p.groups)
    for (uint32_t c = group.first_chunk + 1; c < group.first_chunk + group.chunks; ++c)
      if (Status s = check_same_tiles(p, group.first_chunk, c); !s) return s;
  return {};
}

/// Pixels that the tiles leave over of `pixels`.
uint32_t left_over(const KernelProgram& p, const std::vector<PixelTile>& tiles, uint32_t pixels) {
  for (const PixelTile& tile : tiles)
    pixels = tile.remainder ? (pixels < p.target.vector->lanes ? 0 : pixels) : pixels % tile.width;
  return pixels;
}

/// All counts 1..block at once: a tile of width w leaves [0, min(r, w - 1)] of the counts [0, r], so what reaches the
/// end is an interval again, and a count that it holds passed every tile untouched.
Status check_run_time_pixels(const KernelProgram& p, const std::vector<PixelTile>& tiles, uint32_t block) {
  const uint32_t lanes = p.target.vector->lanes, unit = p.pixel_multiple;
  uint32_t most = block / unit, least = 1;  // in units: counts are rounded up to whole ones
  for (const PixelTile& tile : tiles) {
    if (!tile.remainder && unit % tile.width == 0) return {};
    if (tile.width % unit != 0) return internal_error("a tile is {} wide, but pixels come by {}", tile.width, unit);
    if (tile.remainder)
      least = lanes;
    else
      most = std::min(most, tile.width / unit - 1);
  }
  if (most < least) return {};
  return internal_error("the tiles leave {} of {} pixels", least * unit, least * unit);
}

/// A tile that goes round inside a panel must not leave it; one as wide as the panel steps from panel to panel.
Status check_panel_walk(const KernelProgram& p, const std::vector<PixelTile>& tiles, const char* which,
                        uint32_t panel) {
  if (panel == 0) return {};
  uint32_t most = std::min(p.pixel_block, p.padded(p.max_pixels()));
  for (const PixelTile& tile : tiles) {
    if (tile.remainder || most <= panel) return {};
    if (tile.width != panel)
      return internal_error("tiles of {} pixels go through {} pixels, but {} panels have {}", tile.width, most, which,
                            panel);
    most = std::min(most, panel - 1);
  }
  return {};
}

Status check_tiles(const KernelProgram& p, const std::vector<PixelTile>& tiles) {
  for (size_t t = 0; t < tiles.size(); ++t) {
    if (tiles[t].remainder && (t + 1 != tiles.size() || !p.target.vector->has_masks))
      return internal_error("tile {} takes the remainder, but is not last or {} has no masks", t,
                            p.target.vector->name);
    if (tiles[t].remainder != (tiles[t].width == 0)) return internal_error("tile {} has width {}", t, tiles[t].width);
  }
  if (Status s = check_panel_walk(p, tiles, "input", p.input_panel); !s) return s;
  if (Status s = check_panel_walk(p, tiles, "output", p.output_panel); !s) return s;
  auto check = [&](uint32_t pixels) -> Status {
    if (const uint32_t left = left_over(p, tiles, pixels))
      return internal_error("the tiles leave {} of {} pixels", left, pixels);
    return {};
  };
  const uint32_t pixels = p.padded(p.max_pixels()), block = std::min(p.pixel_block, pixels);
  if (p.pixels == 0) return check_run_time_pixels(p, tiles, block);
  if (pixels > p.pixel_block)
    if (Status s = check(p.pixel_block); !s) return s;
  return check(pixels % p.pixel_block ? pixels % p.pixel_block : block);
}

/// A StoreMap takes memory for rows x width elements; a program that cannot have stored to that many gets none.
Status check_store_count(const KernelProgram& p, const RowGroup& group, size_t tile, uint32_t width) {
  const uint64_t elements = uint64_t{group.rows} * width;
  if (elements <= kFreeStoreMap) return {};
  uint64_t stored = 0;
  for (uint32_t c = group.first_chunk; c < group.first_chunk + group.chunks; ++c) {
    const PixelTile& shape = p.chunks[c].tiles[tile];
    // A store in a loop happens once for one weight or index at most, in each of its lanes.
    const uint64_t turns =
        is_rolled(shape) ? std::max<uint64_t>(1, p.chunks[c].index_count + uint64_t{p.chunks[c].stream_count}) : 1;
    for (const MicroOp& op : shape.ops)
      if (op.op == Op::kStore) stored += std::max<uint64_t>(op.lanes, 1) * turns;
  }
  if (stored >= elements) return {};
  return internal_error("stores reach at most {} of {} output elements", stored, elements);
}

Status check_group(const KernelProgram& p, const RowPlaces& places, const RowGroup& group) {
  if (Status s = check_tiles(p, p.chunks[group.first_chunk].tiles); !s) return s;
  for (size_t t = 0; t < p.chunks[group.first_chunk].tiles.size(); ++t) {
    const PixelTile& shape = p.chunks[group.first_chunk].tiles[t];
    if (Status s = check_store_count(p, group, t, shape.remainder ? 1 : shape.width); !s)
      return std::move(s).error().in(fmt::format("tile {}", t));
    StoreMap stores(group, shape.remainder ? 1 : shape.width);
    for (uint32_t c = group.first_chunk; c < group.first_chunk + group.chunks; ++c) {
      Status s = TileVerifier(p, places, group, p.chunks[c], c, p.chunks[c].tiles[t], stores).run();
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
  if (Status s = check_order("the order", program.row_order, program.output_channels); !s) return at(std::move(s));
  if (Status s = check_order("the order of outputs", program.output_order, program.output_channels); !s)
    return at(std::move(s));
  const RowPlaces places(program);
  for (const RowGroup& group : program.groups)
    if (Status s = check_group(program, places, group); !s) return at(std::move(s));
  return {};
}

}  // namespace espalier
