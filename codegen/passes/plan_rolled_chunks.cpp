#include <algorithm>
#include <numeric>
#include <span>

#include "codegen/kernel_plan.h"

namespace espalier {
namespace {

/// Fills in one chunk.
class RolledChunk {
 public:
  RolledChunk(const KernelPlan& plan, const ChunkArea& area) : plan_(plan), area_(area) {
    chunk_.first_column = area.first_column;
    chunk_.end_column = area.end_column;
  }

  ChunkPlan run() {
    if (takes_turns(plan_.schedule)) chunk_.order = by_fullness();
    for (uint32_t row = area_.first_row; row < area_.end_row; row += plan_.schedule.tile_rows) {
      const uint32_t rows = std::min(plan_.schedule.tile_rows, area_.end_row - row);
      chunk_.tiles.push_back({row, rows, static_cast<uint32_t>(chunk_.uses.size()), 0, area_.starts, area_.finishes});
      if (plan_.schedule.form != CodeForm::kDense) add_uses();
    }
    return std::move(chunk_);
  }

 private:
  /// The columns of the chunk that the row at a place has.
  std::span<const uint32_t> columns_of(uint32_t place) const {
    const auto columns = plan_.spec.matrix.row_columns(plan_.row(place));
    const auto first = std::lower_bound(columns.begin(), columns.end(), area_.first_column);
    return {first, std::lower_bound(first, columns.end(), area_.end_column)};
  }

  /// Fullest first, so that rows of a tile end together and the next tile's loop turns as often as this one's, which
  /// branch predictors foresee.
  std::vector<uint32_t> by_fullness() const {
    std::vector<uint32_t> order(area_.end_row - area_.first_row);
    std::iota(order.begin(), order.end(), area_.first_row);
    std::vector<size_t> counts(order.size());
    for (const uint32_t place : order) counts[place - area_.first_row] = columns_of(place).size();
    std::stable_sort(order.begin(), order.end(),
                     [&](uint32_t a, uint32_t b) { return counts[a - area_.first_row] > counts[b - area_.first_row]; });
    return order;
  }

  /// Merges the columns of the last tile's rows in ascending order.
  void add_uses() {
    RowTile& tile = chunk_.tiles.back();
    std::vector<ColumnUse> uses;
    for (uint32_t r = 0; r < tile.rows; ++r)
      for (const uint32_t column : columns_of(chunk_.place(tile, r))) uses.push_back({column, 1u << r});
    std::stable_sort(uses.begin(), uses.end(), [](auto& a, auto& b) { return a.column < b.column; });
    for (const ColumnUse& use : uses) {
      const bool same = chunk_.uses.size() > tile.first_use && chunk_.uses.back().column == use.column;
      if (same)
        chunk_.uses.back().rows |= use.rows;
      else
        chunk_.uses.push_back(use);
    }
    tile.uses = static_cast<uint32_t>(chunk_.uses.size()) - tile.first_use;
  }

  const KernelPlan& plan_;
  ChunkArea area_;
  ChunkPlan chunk_;
};

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
    for (uint32_t block = 0; block < blocks_; ++block)
      plan_.chunks.push_back(rolled_chunk(
          plan_, {first_row, end_row, block * k_block_, plan_.end_of_block(block), block == 0, block + 1 == blocks_}));
  }

  KernelPlan& plan_;
  const SparseMatrix& m_;
  uint32_t tile_rows_, k_block_, blocks_;
};

}  // namespace

ChunkPlan rolled_chunk(const KernelPlan& plan, const ChunkArea& area) { return RolledChunk(plan, area).run(); }

Status plan_rolled_chunks(KernelPlan& plan) {
  RolledPlanner(plan).run();
  return {};
}

}  // namespace espalier
