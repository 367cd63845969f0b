#include "test/support/spmm_program.h"

#include <algorithm>

namespace espalier::test {
namespace {

MicroOp access(Op op, uint8_t d, Buffer buffer, uint32_t row, uint32_t column, uint32_t lanes) {
  return {.op = op, .d = d, .buffer = buffer, .lanes = static_cast<uint8_t>(lanes), .row = row, .column = column};
}

/// Tile widths that consume any pixel count up to a block: whole tiles, single vectors, then halves or a mask.
std::vector<PixelTile> empty_tiles(const VectorIsa& isa, uint32_t tile_vectors) {
  std::vector<PixelTile> tiles;
  if (tile_vectors > 1) tiles.push_back({tile_vectors * isa.lanes, false, {}});
  tiles.push_back({isa.lanes, false, {}});
  if (isa.has_masks)
    tiles.push_back({0, true, {}});
  else
    for (uint32_t width = isa.lanes / 2; width > 0; width /= 2) tiles.push_back({width, false, {}});
  return tiles;
}

/// Writes the tiles of one row group and K block. Registers: accumulators from 0, inputs and weights above them.
class SpmmTileWriter {
 public:
  SpmmTileWriter(const KernelProgram& p, const SpmmShape& shape, const SparseMatrix& matrix, const RowGroup& group,
                 uint32_t first_k, std::vector<float>& stream)
      : isa_(*p.target.vector), shape_(shape), matrix_(matrix), group_(group), first_k_(first_k), stream_(stream) {}

  /// All tiles read the same slice of the stream, so only the first writes it.
  void write(PixelTile& tile, bool first_tile) {
    tile_ = &tile;
    fill_stream_ = first_tile;
    next_ = 0;
    vectors_ = std::max(1u, tile.width / isa_.lanes);
    lanes_ = tile.remainder ? kRemainingLanes : std::min(tile.width, isa_.lanes);
    for (uint32_t row = group_.first_row; row < group_.first_row + group_.rows; row += shape_.tile_rows)
      write_rows(row, std::min(shape_.tile_rows, group_.first_row + group_.rows - row));
  }

 private:
  bool last_block() const { return first_k_ + shape_.k_block >= shape_.input_channels; }
  uint32_t end_k() const { return std::min(first_k_ + shape_.k_block, shape_.input_channels); }
  uint8_t sum(uint32_t row, uint32_t vector) const { return static_cast<uint8_t>(row * vectors_ + vector); }
  uint8_t input(uint32_t vector) const { return static_cast<uint8_t>(shape_.tile_rows * shape_.tile_vectors + vector); }
  uint8_t weight() const { return input(shape_.tile_vectors); }
  void emit(MicroOp op) { tile_->ops.push_back(op); }

  uint32_t constant(float value) {
    if (fill_stream_) stream_.push_back(value);
    return next_++;
  }
  void splat_constant(uint8_t d, float value) { emit(access(Op::kSplatLoad, d, Buffer::kW, 0, constant(value), 1)); }

  void write_rows(uint32_t row, uint32_t rows) {
    for (uint32_t r = 0; r < rows; ++r) start_sums(row + r, r);
    for (uint32_t k = first_k_; k < end_k(); ++k) write_column(row, rows, k);
    if (last_block() && shape_.clamp) write_clamp(rows);
    for (uint32_t r = 0; r < rows; ++r)
      for (uint32_t v = 0; v < vectors_; ++v)
        emit(access(Op::kStore, sum(r, v), Buffer::kY, row + r, v * isa_.lanes, lanes_));
  }
  void start_sums(uint32_t y_row, uint32_t r) {
    const bool from_y = first_k_ != 0, from_zero = y_row % 3 == 0;
    const uint32_t bias = from_y || from_zero ? 0 : constant(0.125f * static_cast<float>(y_row));
    for (uint32_t v = 0; v < vectors_; ++v) {
      if (from_y)
        emit(access(Op::kLoad, sum(r, v), Buffer::kY, y_row, v * isa_.lanes, lanes_));
      else if (from_zero)
        emit({.op = Op::kZero, .d = sum(r, v)});
      else
        emit(access(Op::kSplatLoad, sum(r, v), Buffer::kW, 0, bias, 1));
    }
  }
  void write_column(uint32_t row, uint32_t rows, uint32_t k) {
    if (shape_.prefetch && k + 1 < end_k()) emit(access(Op::kPrefetch, 0, Buffer::kX, k + 1, 0, 0));
    const bool fold = isa_.has_fma_load && k % 3 == 1;
    if (!fold)
      for (uint32_t v = 0; v < vectors_; ++v) emit(access(Op::kLoad, input(v), Buffer::kX, k, v * isa_.lanes, lanes_));
    for (uint32_t r = 0; r < rows; ++r) {
      const auto columns = matrix_.row_columns(row + r);
      const auto at = std::find(columns.begin(), columns.end(), k);
      if (at == columns.end()) continue;
      write_products(r, k, matrix_.row_values(row + r)[static_cast<size_t>(at - columns.begin())], fold);
    }
  }
  void write_products(uint32_t r, uint32_t k, float value, bool fold) {
    const uint8_t lane = load_weight(value, k);
    for (uint32_t v = 0; v < vectors_; ++v) {
      if (fold) {
        MicroOp op = access(Op::kFmaLoad, sum(r, v), Buffer::kX, k, v * isa_.lanes, lanes_);
        // Narrow loads cannot be folded without masks.
        if (isa_.has_masks || lanes_ == isa_.lanes) {
          op.b = weight();
          emit(op);
          continue;
        }
        emit(access(Op::kLoad, input(v), Buffer::kX, k, v * isa_.lanes, lanes_));
      }
      const Op op = lane != kNoLane && isa_.has_fma_lane ? Op::kFmaLane : Op::kFma;
      emit({.op = op, .d = sum(r, v), .a = input(v), .b = weight(), .lane = op == Op::kFmaLane ? lane : uint8_t{0}});
    }
  }
  /// The weight in every lane of weight(), or in the lane returned. Alternates between the ways the target has.
  static constexpr uint8_t kNoLane = 255;
  uint8_t load_weight(float value, uint32_t k) {
    if (!shape_.lanes || !isa_.has_splat_lane || k % 2 == 0) return splat_constant(weight(), value), kNoLane;
    const auto lane = static_cast<uint8_t>(k % 4);
    const uint32_t first = next_;
    for (uint32_t i = 0; i < 4; ++i) constant(i == lane ? value : 99.0f);
    emit(access(Op::kLoad, weight(), Buffer::kW, 0, first, 4));
    if (isa_.has_fma_lane && k % 3 != 0) return lane;
    emit({.op = Op::kSplatLane, .d = weight(), .a = weight(), .lane = lane});
    return kNoLane;
  }
  void write_clamp(uint32_t rows) {
    splat_constant(input(0), shape_.clamp->low);
    splat_constant(weight(), shape_.clamp->high);
    for (uint32_t r = 0; r < rows; ++r)
      for (uint32_t v = 0; v < vectors_; ++v) {
        emit({.op = Op::kMax, .d = sum(r, v), .a = input(0)});
        emit({.op = Op::kMin, .d = sum(r, v), .a = weight()});
      }
  }

  const VectorIsa& isa_;
  const SpmmShape& shape_;
  const SparseMatrix& matrix_;
  const RowGroup& group_;
  uint32_t first_k_;
  std::vector<float>& stream_;
  PixelTile* tile_ = nullptr;
  bool fill_stream_ = false;
  uint32_t next_ = 0, vectors_ = 1, lanes_ = 0;
};

}  // namespace

KernelProgram spmm_program(const SpmmShape& shape, uint64_t seed) {
  KernelProgram p;
  p.name = shape.name;
  p.target = *find_target(shape.target, shape.cpu);
  p.schedule = *parse_schedule("unrolled:rows=3,vectors=2,k=5,chunk=100,pixels=24,prefetch=1");
  const SparseMatrix matrix = random_sparse_matrix(shape.output_channels, shape.input_channels, shape.sparsity, seed);
  p.output_channels = shape.output_channels;
  p.input_channels = shape.input_channels;
  p.nonzeros = matrix.nonzeros();
  p.pixels = shape.pixels;
  p.input_stride = shape.input_stride;
  p.output_stride = shape.output_stride;
  p.pixel_block = shape.pixel_block;
  for (uint32_t row = 0; row < shape.output_channels; row += shape.rows_per_group) {
    RowGroup group{row, std::min(shape.rows_per_group, shape.output_channels - row),
                   static_cast<uint32_t>(p.chunks.size()), 0};
    for (uint32_t k = 0; k < shape.input_channels; k += shape.k_block, ++group.chunks) {
      Chunk chunk{.stream_offset = p.stream.size(), .tiles = empty_tiles(*p.target.vector, shape.tile_vectors)};
      SpmmTileWriter writer(p, shape, matrix, group, k, p.stream);
      for (PixelTile& tile : chunk.tiles) writer.write(tile, &tile == &chunk.tiles.front());
      chunk.stream_count = static_cast<uint32_t>(p.stream.size() - chunk.stream_offset);
      p.chunks.push_back(std::move(chunk));
    }
    p.groups.push_back(group);
  }
  return p;
}

}  // namespace espalier::test
