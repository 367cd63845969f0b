#include <algorithm>
#include <numeric>
#include <span>

#include "codegen/kernel_plan.h"

namespace espalier {
namespace {

/// Cuts rows into groups of whole tiles and each group's matrix into K blocks. Every chunk holds all tiles of its
/// group, even those without a non-zero in its block, because the first chunk starts all sums and the last ends them. A
/// last tile of fewer rows is a group of its own: its code has other loops.
class RolledPlanner {
 public:
  explicit RolledPlanner(KernelPlan& plan)
      : plan_(plan),
        m_(plan.spec.matrix),
        tile_rows_(plan.schedule.tile_rows),
        k_block_(plan.schedule.k_block),
        blocks_(std::max(1u, (m_.columns() + k_block_ - 1) / k_block_)) {}

  void run() {
    const uint32_t whole = plan_.end_row - (plan_.end_row - plan_.first_row) % tile_rows_;
    for (uint32_t row = plan_.first_row; row < whole;) {
      const uint32_t end = group_end(row, whole);
      add_group(row, end);
      row = end;
    }
    if (whole < plan_.end_row) add_group(whole, plan_.end_row);
  }

 private:
  uint64_t work(uint32_t first_row) const {
    if (plan_.schedule.form == CodeForm::kDense) return uint64_t{tile_rows_} * std::min(k_block_, m_.columns());
    uint64_t nonzeros = 0;
    for (uint32_t r = 0; r < tile_rows_; ++r) nonzeros += m_.row_columns(plan_.row(first_row + r)).size();
    return nonzeros / blocks_;
  }
  /// Whole tiles until a K block of them has about as many non-zeros as a chunk may have; at least one tile.
  uint32_t group_end(uint32_t first_row, uint32_t whole) const {
    uint64_t sum = 0;
    uint32_t row = first_row;
    do {
      sum += work(row);
      row += tile_rows_;
    } while (row < whole && sum + work(row) <= plan_.schedule.chunk_nonzeros);
    return row;
  }

  void add_group(uint32_t first_row, uint32_t end_row) {
    const uint32_t first_chunk = plan_.first_chunk + static_cast<uint32_t>(plan_.chunks.size());
    plan_.program.groups.push_back({first_row, end_row - first_row, first_chunk, blocks_});
    for (uint32_t block = 0; block < blocks_; ++block) plan_.chunks.push_back(chunk(first_row, end_row, block));
  }
  ChunkPlan chunk(uint32_t first_row, uint32_t end_row, uint32_t block) const {
    ChunkPlan chunk;
    chunk.first_column = block * k_block_;
    chunk.end_column = static_cast<uint32_t>(std::min<uint64_t>(m_.columns(), uint64_t{chunk.first_column} + k_block_));
    if (takes_turns(plan_.schedule)) chunk.order = by_fullness(first_row, end_row, chunk);
    for (uint32_t row = first_row; row < end_row; row += tile_rows_) {
      const uint32_t rows = std::min(tile_rows_, end_row - row);
      chunk.tiles.push_back({row, rows, static_cast<uint32_t>(chunk.uses.size()), 0, block == 0, block + 1 == blocks_});
      if (plan_.schedule.form != CodeForm::kDense) add_uses(chunk);
    }
    return chunk;
  }

  /// The columns of a chunk that the row at a place has.
  std::span<const uint32_t> columns_of(uint32_t place, const ChunkPlan& chunk) const {
    const auto columns = m_.row_columns(plan_.row(place));
    const auto first = std::lower_bound(columns.begin(), columns.end(), chunk.first_column);
    return {first, std::lower_bound(first, columns.end(), chunk.end_column)};
  }

  /// Fullest first, so that rows of a tile end together and the next tile's loop turns as often as this one's, which
  /// branch predictors foresee.
  std::vector<uint32_t> by_fullness(uint32_t first_row, uint32_t end_row, const ChunkPlan& chunk) const {
    std::vector<uint32_t> order(end_row - first_row);
    std::iota(order.begin(), order.end(), first_row);
    std::vector<size_t> counts(order.size());
    for (const uint32_t place : order) counts[place - first_row] = columns_of(place, chunk).size();
    std::stable_sort(order.begin(), order.end(),
                     [&](uint32_t a, uint32_t b) { return counts[a - first_row] > counts[b - first_row]; });
    return order;
  }

  /// Merges the columns of the last tile's rows in ascending order.
  void add_uses(ChunkPlan& chunk) const {
    RowTile& tile = chunk.tiles.back();
    std::vector<ColumnUse> uses;
    for (uint32_t r = 0; r < tile.rows; ++r)
      for (const uint32_t column : columns_of(chunk.place(tile, r), chunk)) uses.push_back({column, 1u << r});
    std::stable_sort(uses.begin(), uses.end(), [](auto& a, auto& b) { return a.column < b.column; });
    for (const ColumnUse& use : uses) {
      const bool same = chunk.uses.size() > tile.first_use && chunk.uses.back().column == use.column;
      if (same)
        chunk.uses.back().rows |= use.rows;
      else
        chunk.uses.push_back(use);
    }
    tile.uses = static_cast<uint32_t>(chunk.uses.size()) - tile.first_use;
  }

  KernelPlan& plan_;
  const SparseMatrix& m_;
  uint32_t tile_rows_, k_block_, blocks_;
};

}  // namespace

Status plan_rolled_chunks(KernelPlan& plan) {
  RolledPlanner(plan).run();
  return {};
}

}  // namespace espalier
