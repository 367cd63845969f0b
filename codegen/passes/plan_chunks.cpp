#include <algorithm>

#include "codegen/kernel_plan.h"

namespace espalier {
namespace {

/// Cuts rows into tiles and groups, and each group's matrix into K blocks. One row group becomes one chunk per K block.
class ChunkPlanner {
 public:
  explicit ChunkPlanner(KernelPlan& plan)
      : plan_(plan),
        m_(plan.spec.matrix),
        tile_rows_(plan.schedule.tile_rows),
        k_block_(plan.schedule.k_block),
        blocks_(std::max(1u, (m_.columns() + k_block_ - 1) / k_block_)) {}

  void run() {
    for (uint32_t row = plan_.first_row; row < plan_.end_row;) {
      const uint32_t end = group_end(row);
      add_group(row, end);
      row = end;
    }
  }

 private:
  uint32_t tile_end(uint32_t row) const { return std::min(plan_.end_row, row + tile_rows_); }

  void count_blocks(uint32_t first_row, uint32_t end_row, std::vector<uint32_t>& counts) const {
    for (uint32_t row = first_row; row < end_row; ++row)
      for (const uint32_t column : m_.row_columns(plan_.row(row))) ++counts[column / k_block_];
  }

  /// Takes whole tiles while no K block of the group outgrows the chunk bound; at least one tile.
  uint32_t group_end(uint32_t first_row) const {
    std::vector<uint32_t> counts(blocks_, 0);
    uint32_t row = tile_end(first_row);
    count_blocks(first_row, row, counts);
    while (row < plan_.end_row) {
      count_blocks(row, tile_end(row), counts);
      if (*std::max_element(counts.begin(), counts.end()) > plan_.schedule.chunk_nonzeros) break;
      row = tile_end(row);
    }
    return row;
  }

  void add_group(uint32_t first_row, uint32_t end_row) {
    std::vector<ChunkPlan> chunks(blocks_);
    for (uint32_t b = 0; b < blocks_; ++b) {
      chunks[b].first_column = b * k_block_;
      chunks[b].end_column = plan_.end_of_block(b);
    }
    for (uint32_t row = first_row; row < end_row; row = tile_end(row)) add_tile(row, tile_end(row), chunks);
    const uint32_t first_chunk = plan_.first_chunk + static_cast<uint32_t>(plan_.chunks.size());
    RowGroup group{first_row, end_row - first_row, first_chunk, 0};
    for (ChunkPlan& chunk : chunks) {
      if (chunk.tiles.empty()) continue;
      plan_.chunks.push_back(std::move(chunk));
      ++group.chunks;
    }
    plan_.program.groups.push_back(group);
  }

  /// Merges the rows' columns in ascending order and cuts them at K block borders.
  void add_tile(uint32_t first_row, uint32_t end_row, std::vector<ChunkPlan>& chunks) {
    uint32_t next[kMaxTileRows] = {};
    const uint32_t rows = end_row - first_row;
    RowTile* open = nullptr;
    uint32_t open_block = 0;
    bool started = false;
    while (true) {
      uint32_t column = UINT32_MAX, users = 0;
      for (uint32_t r = 0; r < rows; ++r) {
        const auto columns = m_.row_columns(plan_.row(first_row + r));
        if (next[r] == columns.size() || columns[next[r]] > column) continue;
        if (columns[next[r]] < column) column = columns[next[r]], users = 0;
        users |= 1u << r;
      }
      if (users == 0) break;
      for (uint32_t r = 0; r < rows; ++r) next[r] += (users >> r) & 1;
      const uint32_t block = column / k_block_;
      if (!open || block != open_block) {
        open = add_part(chunks[block], first_row, rows, !started);
        open_block = block;
        started = true;
      }
      chunks[block].uses.push_back({column, users});
      ++open->uses;
    }
    if (!open) open = add_part(chunks[0], first_row, rows, true);
    open->finishes = true;
  }

  static RowTile* add_part(ChunkPlan& chunk, uint32_t first_row, uint32_t rows, bool starts) {
    chunk.tiles.push_back({first_row, rows, static_cast<uint32_t>(chunk.uses.size()), 0, starts, false});
    return &chunk.tiles.back();
  }

  KernelPlan& plan_;
  const SparseMatrix& m_;
  uint32_t tile_rows_, k_block_, blocks_;
};

}  // namespace

Status plan_chunks(KernelPlan& plan) {
  ChunkPlanner(plan).run();
  return {};
}

}  // namespace espalier
