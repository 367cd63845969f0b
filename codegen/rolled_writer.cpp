#include "codegen/rolled_writer.h"

#include <algorithm>
#include <numeric>

namespace espalier {
namespace {

/// Weights that are on their way at least.
constexpr uint32_t kLeastAhead = 64;

}  // namespace

RolledRegisters::RolledRegisters(const VectorIsa& isa, CodeForm form, uint32_t rows, uint32_t vectors_)
    : vectors(vectors_) {
  const uint32_t splats = isa.has_fma_lane ? 0 : 1;
  first_input = rows * vectors;
  const uint32_t inputs = rows > 1 && form != CodeForm::kLoop ? vectors : 0;  // rows that share none can do without
  const bool has_room = isa.has_fma_lane || first_input + inputs + splats < isa.registers;
  const uint32_t grouped = isa.has_splat_lane && has_room ? 1 : 0;
  const uint32_t spare = isa.registers - first_input - grouped - splats;
  // Single rows multiply straight from memory where they can; two sets let loads run ahead on in-order cores.
  const uint32_t wanted = isa.has_fma_lane ? 2 : 1;
  input_sets = std::min(wanted, spare / vectors);
  splat = first_input + std::max(input_sets * vectors, isa.has_fma_load && input_sets == 0 && spare > 0 ? 1u : 0u);
  first_weights = splat + splats;
  weights = grouped == 0 ? 0 : std::clamp(isa.registers - first_weights, 1u, 2u);
}

RolledWriter::RolledWriter(const KernelPlan& plan, size_t chunk, const PixelTileShape& shape, std::vector<MicroOp>& ops)
    : plan_(plan),
      chunk_(chunk),
      shape_(shape),
      ops_(ops),
      isa_(*plan.target.vector),
      rows_(plan.chunks[chunk].tiles[0].rows),
      starts_(plan.chunks[chunk].tiles[0].starts),
      finishes_(plan.chunks[chunk].tiles[0].finishes),
      fetches_ahead_(plan.schedule.fetches(Prefetch::kNext) && plan.schedule.form != CodeForm::kDense),
      registers_(isa_, plan.schedule.form, rows_, static_cast<uint32_t>(shape.pieces.size())) {}

MicroOp RolledWriter::piece(Op op, uint8_t d, Buffer buffer, uint32_t row, uint32_t v) const {
  return {op, d, 0, 0, buffer, 0, shape_.pieces[v].lanes, row, shape_.pieces[v].column};
}

void RolledWriter::load_input(uint8_t d, Buffer buffer, uint32_t row, uint32_t v) {
  push(piece(Op::kLoad, d, buffer, row, v));
}

void RolledWriter::multiply(uint32_t row, uint32_t v, uint8_t input, uint8_t weight, uint8_t lane) {
  const Op op = isa_.has_fma_lane ? Op::kFmaLane : Op::kFma;
  push({op, registers_.sum(row, v), input, weight, Buffer::kX, op == Op::kFmaLane ? lane : uint8_t{0}, 0, 0, 0});
}

void RolledWriter::multiply_memory(uint32_t row, uint32_t v, Buffer buffer, uint32_t input_row, uint8_t weight) {
  if (isa_.has_fma_load && fuses_load(v)) {
    MicroOp op = piece(Op::kFmaLoad, registers_.sum(row, v), buffer, input_row, v);
    op.b = weight;
    return push(op);
  }
  const uint8_t input = registers_.input(0, registers_.input_sets ? v : 0);
  load_input(input, buffer, input_row, v);
  multiply(row, v, input, weight, 0);
}

void RolledWriter::load_group(uint32_t number, uint32_t ahead) {
  if (registers_.weights != 0) push({Op::kLoad, registers_.group(number), 0, 0, Buffer::kW, 0, 4, 0, ahead});
}

void RolledWriter::splat(uint32_t group, uint32_t ahead, uint32_t lane) {
  if (registers_.weights == 0) return splat_from_memory(ahead + lane);
  push({Op::kSplatLane, static_cast<uint8_t>(registers_.splat), registers_.group(group), 0, Buffer::kX,
        static_cast<uint8_t>(lane), 0, 0, 0});
}
void RolledWriter::splat_from_memory(uint32_t ahead) {
  push({Op::kSplatLoad, static_cast<uint8_t>(registers_.splat), 0, 0, Buffer::kW, 0, 0, 0, ahead});
}

void RolledWriter::begin_loop_indexed() {
  push({Op::kLoopIndexed, 0, 0, 0, Buffer::kI, 0, 0, 0, entries_ahead_});
  ++entries_ahead_;
}
void RolledWriter::point(uint32_t pointer, uint32_t entry) {
  push({Op::kPoint, 0, 0, 0, Buffer::kXAt, 0, 0, pointer, entry});
}
void RolledWriter::advance(Buffer buffer, uint32_t row, uint32_t column) {
  if (row + column != 0) push({Op::kAdvance, 0, 0, 0, buffer, 0, 0, row, column});
}

void RolledWriter::prefetch(Buffer buffer, uint32_t row, uint32_t column) {
  for (uint32_t pixel = 0; pixel < shape_.width; pixel += kLineElements)
    push({Op::kPrefetchFar, 0, 0, 0, buffer, 0, 0, row, column + pixel});
}

/// As many lines as a row tile's weights take, two tiles ahead: where they do not stay in L2, they come from farther
/// for every panel (simulated Cortex-A76 with 256 KiB, 512x512 at 196 pixels: half of the time).
void RolledWriter::prefetch_weights() {
  const SparseMatrix& m = plan_.spec.matrix;
  const uint64_t blocks = (m.columns() + plan_.schedule.k_block - 1) / plan_.schedule.k_block;
  const uint64_t tiles = std::max<uint64_t>(1, m.rows() * blocks / rows_);
  const auto weights = static_cast<uint32_t>(m.nonzeros() / tiles), ahead = std::max(2 * weights, kLeastAhead);
  for (uint32_t done = 0; done < weights; done += kLineElements)
    push({Op::kPrefetch, 0, 0, 0, Buffer::kW, 0, 0, 0, ahead + done});
}

void RolledWriter::prefetch_next_tile() {
  if (!fetches_ahead_) return;
  prefetch_weights();
  plan_.spec.input_panel ? prefetch_panel() : prefetch_image();
  if (starts_ && rows_ == 1) prefetch_output();  // those of tiles of several rows when they are stored
}
void RolledWriter::prefetch_output() {
  const bool in_panels = plan_.spec.output_panel != 0;
  prefetch(Buffer::kYAt, 0, in_panels ? plan_.spec.matrix.rows() * plan_.spec.output_panel : shape_.width);
}

/// The rows of the next panel stand behind those of this one. More tiles than rows of X go on into the panel after it.
void RolledWriter::prefetch_panel() {
  const uint32_t inputs = plan_.spec.matrix.columns();
  const auto tiles = static_cast<uint32_t>(plan_.chunks[chunk_].tiles.size());
  const auto chunks = static_cast<uint32_t>(plan_.chunks.size()), number = static_cast<uint32_t>(chunk_);
  if (tiles > inputs && chunks > 1) return;
  const auto first = static_cast<uint32_t>(uint64_t{number} * inputs / chunks);
  prefetch_rows(first, (inputs + chunks - 1) / chunks, {inputs, 0});
}

/// The next tile's part of the K block, once for all groups of rows.
void RolledWriter::prefetch_image() {
  const ChunkPlan& chunk = plan_.chunks[chunk_];
  if (chunk.tiles[0].first_row != plan_.first_row) return;
  prefetch_rows(chunk.first_column, chunk.end_column - chunk.first_column, {0, shape_.width});
}

void RolledWriter::prefetch_rows(uint32_t first, uint32_t share, FarPlace from) {
  const uint32_t inputs = plan_.spec.matrix.columns();
  const auto tiles = static_cast<uint32_t>(plan_.chunks[chunk_].tiles.size());
  const uint32_t per_tile = std::max(1u, std::min((share + tiles - 1) / tiles, inputs / tiles));
  const uint32_t begin = from.row + std::min(first, inputs - std::min(inputs, tiles * per_tile));
  for (uint32_t i = 0; i < per_tile; ++i) prefetch(Buffer::kX, begin + i, from.column);
  advance(Buffer::kX, per_tile, 0);
}

/// Tiles of images may begin inside lines: rows at multiples of the stride, tiles at multiples of full ones and of
/// their own width, because what full tiles leave over is taken by ever narrower ones.
std::vector<uint32_t> RolledWriter::pixels_of_lines() const {
  std::vector<uint32_t> pixels;
  for (uint32_t pixel = 0; pixel < shape_.width; pixel += kLineElements) pixels.push_back(pixel);
  const uint32_t last = shape_.width - 1;
  const uint32_t tiles = std::gcd(plan_.shapes.front().width, shape_.width);
  const uint32_t step = std::gcd(std::gcd(plan_.spec.input_stride, tiles), kLineElements);
  if (last - pixels.back() >= step) pixels.push_back(last);  // the latest begin is a step before a line's end
  return pixels;
}
/// A loop over the rows of the K block. The cursor of X is nobody else's: loops over non-zeros point from the tile's.
void RolledWriter::fetch_own_rows() {
  constexpr uint32_t kRowsPerTurn = 4;
  const ChunkPlan& chunk = plan_.chunks[chunk_];
  const uint32_t rows = chunk.end_column - chunk.first_column;
  const std::vector<uint32_t> pixels = pixels_of_lines();
  auto touch = [&](uint32_t count) {
    for (uint32_t row = 0; row < count; ++row)
      for (const uint32_t pixel : pixels) push({Op::kTouch, 0, 0, 0, Buffer::kX, 0, 0, row, pixel});
  };
  advance(Buffer::kX, chunk.first_column, 0);
  if (rows >= kRowsPerTurn) {
    push({Op::kLoop, 0, 0, 0, Buffer::kI, 0, 0, 0, rows / kRowsPerTurn});
    touch(kRowsPerTurn);
    advance(Buffer::kX, kRowsPerTurn, 0);
    end_loop();
  }
  touch(rows % kRowsPerTurn);
}

void RolledWriter::begin_tiles() {
  if (plan_.schedule.fetches(Prefetch::kOwn) && has_pointers(plan_.schedule.form) && !shape_.remainder)
    fetch_own_rows();
  begin_loop_indexed();  // its count stays one entry in front of every tile
}
void RolledWriter::end_tiles() {
  advance(Buffer::kW, 0, weights_ahead_);
  advance(Buffer::kI, 0, entries_ahead_ - 1);
  end_loop();
}

void RolledWriter::start_sums() {
  const bool biased = starts_ && !plan_.spec.bias.empty(), pointed = rows_ == 1 || !starts_;
  for (uint32_t r = 0; r < rows_; ++r) {
    if (pointed) point_output(entries_ahead_++);
    if (!starts_)
      load_sums(r);
    else if (biased)
      start_with_bias(r);
    else
      for (uint32_t v = 0; v < vectors(); ++v) push({Op::kZero, registers_.sum(r, v)});
  }
}
void RolledWriter::start_with_bias(uint32_t row) {
  push({Op::kSplatLoad, registers_.sum(row, 0), 0, 0, Buffer::kW, 0, 0, 0, weights_ahead_++});
  for (uint32_t v = 1; v < vectors(); ++v) push({Op::kCopy, registers_.sum(row, v), registers_.sum(row, 0)});
}
void RolledWriter::load_sums(uint32_t row) {
  for (uint32_t v = 0; v < vectors(); ++v) push(piece(Op::kLoad, registers_.sum(row, v), Buffer::kYAt, 0, v));
}

void RolledWriter::bound(Op op) {
  const auto d = static_cast<uint8_t>(registers_.first_input);
  push({Op::kSplatLoad, d, 0, 0, Buffer::kW, 0, 0, 0, weights_ahead_++});
  for (uint32_t s = 0; s < rows_ * vectors(); ++s) push({op, static_cast<uint8_t>(s), d});
}

void RolledWriter::finish_sums() {
  if (finishes_ && plan_.spec.clamp.has_low()) bound(Op::kMax);
  if (finishes_ && plan_.spec.clamp.has_high()) bound(Op::kMin);
  for (uint32_t r = 0; r < rows_; ++r) {
    if (rows_ > 1) point_output(entries_ahead_++);
    if (rows_ > 1 && starts_ && fetches_ahead_) prefetch_output();
    for (uint32_t v = 0; v < vectors(); ++v) push(piece(Op::kStore, registers_.sum(r, v), Buffer::kYAt, 0, v));
  }
}

void RolledWriter::point_output(uint32_t entry) { push({Op::kPoint, 0, 0, 0, Buffer::kYAt, 0, 0, 0, entry}); }

}  // namespace espalier
