// What the loops of rolled code read. Per chunk: the number of its row tiles, then for each tile
//     indices  places of its rows in Y (of one row always, of several where sums go on); per pattern: turns, columns,
//              and if a turn takes several columns of one row: rest, columns; of several rows their places once more
//     weights  biases (where the sums start); per column its weights by row; clamp bounds (where the sums end)
// and for dense code without the patterns, its weights by column, then row.
#include <algorithm>
#include <bit>

#include "codegen/kernel_plan.h"

namespace espalier {
namespace {

/// Groups of four weights may be loaded from any weight on.
constexpr size_t kOverRead = 4;

class RolledStreams {
 public:
  explicit RolledStreams(KernelPlan& plan) : plan_(plan), spec_(plan.spec), program_(plan.program) {}

  void run() {
    choose_entries();
    for (const ChunkPlan& chunk : plan_.chunks) append(chunk);
  }

 private:
  /// Two-byte entries where every offset and count fits, in units of two elements where strides allow, or of four if
  /// that makes them fit.
  void choose_entries() {
    const SparseMatrix& m = spec_.matrix;
    program_.index_shift = spec_.input_stride % 2 == 0 && spec_.output_stride % 2 == 0 ? 1 : 0;
    const uint64_t elements =
        std::max(uint64_t{m.columns()} * spec_.input_stride, uint64_t{m.rows()} * spec_.output_stride);
    const uint64_t counts = std::max(m.columns(), m.rows());
    auto fits = [&](uint32_t shift) { return elements >> shift <= UINT16_MAX && counts <= UINT16_MAX; };
    const bool by_fours = spec_.input_stride % 4 == 0 && spec_.output_stride % 4 == 0;
    if (!fits(program_.index_shift) && by_fours && fits(2) && most_index_shift(plan_.target.isa) >= 2)
      program_.index_shift = 2;
    program_.index_bytes = fits(program_.index_shift) ? 2 : 4;
  }

  void append(const ChunkPlan& plan_chunk) {
    Chunk chunk;
    chunk.stream_offset = program_.stream.size();
    chunk.index_offset = program_.indices.size();
    push_index(plan_chunk.tiles.size());
    for (const RowTile& tile : plan_chunk.tiles) append(plan_chunk, tile);
    program_.stream.resize(program_.stream.size() + kOverRead);
    program_.stream.resize((program_.stream.size() + 3) / 4 * 4);
    chunk.stream_count = static_cast<uint32_t>(program_.stream.size() - chunk.stream_offset);
    program_.indices.resize((program_.indices.size() + 3) / 4 * 4);  // slices start at whole words
    chunk.index_count = static_cast<uint32_t>(program_.indices.size() - chunk.index_offset);
    chunk.nonzeros = nonzeros(plan_chunk);
    program_.chunks.push_back(std::move(chunk));
  }
  uint32_t nonzeros(const ChunkPlan& chunk) const {
    uint32_t count = 0;
    for (const ColumnUse& use : chunk.uses) count += static_cast<uint32_t>(std::popcount(use.rows));
    if (plan_.schedule.form == CodeForm::kDense)
      for (const RowTile& tile : chunk.tiles) count += tile.rows * (chunk.end_column - chunk.first_column);
    return count;
  }

  void push_places(const ChunkPlan& chunk, const RowTile& tile) {
    for (uint32_t r = 0; r < tile.rows; ++r)
      push_index(uint64_t{plan_.output_row(chunk.place(tile, r))} * spec_.output_stride >> program_.index_shift);
  }

  void append(const ChunkPlan& chunk, const RowTile& tile) {
    if (tile.rows == 1 || !tile.starts) push_places(chunk, tile);
    if (tile.starts && !spec_.bias.empty())
      for (uint32_t r = 0; r < tile.rows; ++r) program_.stream.push_back(spec_.bias[plan_.row(chunk.place(tile, r))]);
    if (plan_.schedule.form == CodeForm::kDense)
      append_dense(chunk, tile);
    else
      append_patterns(chunk, tile);
    if (tile.rows > 1) push_places(chunk, tile);
    if (!tile.finishes) return;
    if (spec_.clamp.has_low()) program_.stream.push_back(spec_.clamp.low);
    if (spec_.clamp.has_high()) program_.stream.push_back(spec_.clamp.high);
  }

  void append_patterns(const ChunkPlan& chunk, const RowTile& tile) {
    std::span<const ColumnUse> uses = std::span(chunk.uses).subspan(tile.first_use, tile.uses);
    for (const RowPattern& pattern : plan_.patterns) {
      if (!pattern.occurs_in(tile.rows)) continue;
      const uint32_t per_turn = pattern.columns_per_turn * (pattern.apart ? tile.rows : 1);
      const auto mine = uses.first(pattern.apart ? in_step(uses, tile.rows, per_turn) : alike(uses, pattern.rows));
      const size_t turns = mine.size() / per_turn, in_turns = turns * per_turn;
      push_index(turns);
      append_columns(mine.first(in_turns), chunk, tile);
      if (pattern.columns_per_turn > 1 && !pattern.apart) {
        push_index(mine.size() - in_turns);
        append_columns(mine.subspan(in_turns), chunk, tile);
      }
      uses = uses.subspan(mine.size());
    }
  }
  /// How many of the first belong to a pattern.
  static size_t alike(std::span<const ColumnUse> uses, uint32_t rows) {
    return static_cast<size_t>(std::find_if(uses.begin(), uses.end(), [&](auto& use) { return use.rows != rows; }) -
                               uses.begin());
  }
  /// How many of the first are columns of row 0, 1, ..., rows - 1, 0, 1 and so on, by whole turns.
  static size_t in_step(std::span<const ColumnUse> uses, uint32_t rows, uint32_t per_turn) {
    size_t count = 0;
    while (count < uses.size() && uses[count].rows == 1u << count % rows) ++count;
    return count - count % per_turn;
  }
  void append_columns(std::span<const ColumnUse> uses, const ChunkPlan& chunk, const RowTile& tile) {
    for (const ColumnUse& use : uses) {
      push_index(uint64_t{use.column} * spec_.input_stride >> program_.index_shift);
      for (uint32_t rows = use.rows; rows != 0; rows &= rows - 1)
        program_.stream.push_back(weight(chunk.place(tile, static_cast<uint32_t>(std::countr_zero(rows))), use.column));
    }
  }

  void append_dense(const ChunkPlan& chunk, const RowTile& tile) {
    const uint32_t columns = chunk.end_column - chunk.first_column;
    const size_t first = program_.stream.size();
    program_.stream.resize(first + size_t{columns} * tile.rows);
    for (uint32_t r = 0; r < tile.rows; ++r) {
      const uint32_t row = plan_.row(tile.first_row + r);
      const auto all = spec_.matrix.row_columns(row);
      for (size_t i = 0; i < all.size(); ++i)
        if (all[i] >= chunk.first_column && all[i] < chunk.end_column)
          program_.stream[first + size_t{all[i] - chunk.first_column} * tile.rows + r] =
              spec_.matrix.row_values(row)[i];
    }
  }

  float weight(uint32_t place, uint32_t column) const {
    const uint32_t row = plan_.row(place);
    const auto columns = spec_.matrix.row_columns(row);
    const auto at = std::lower_bound(columns.begin(), columns.end(), column) - columns.begin();
    return spec_.matrix.row_values(row)[static_cast<size_t>(at)];
  }
  void push_index(uint64_t value) { program_.indices.push_back(static_cast<uint32_t>(value)); }

  KernelPlan& plan_;
  const KernelSpec& spec_;
  KernelProgram& program_;
};

}  // namespace

Status build_rolled_streams(KernelPlan& plan) {
  RolledStreams(plan).run();
  return {};
}

}  // namespace espalier
