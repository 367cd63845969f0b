#include <algorithm>
#include <bit>
#include <map>
#include <span>

#include "codegen/kernel_plan.h"

namespace espalier {
namespace {

/// A pattern gets a loop of its own if a row tile has it at least this often within a chunk: a loop that mostly runs
/// not at all or once costs a mispredicted branch, which is worth several loads.
constexpr double kWorthALoop = 1.5;
/// Non-zeros of single rows in one turn of their loop: as many as weights come by one load.
constexpr uint32_t kSinglesPerTurn = 4;

bool more_rows(uint32_t a, uint32_t b) {
  const int rows_a = std::popcount(a), rows_b = std::popcount(b);
  return rows_a != rows_b ? rows_a > rows_b : a < b;
}

/// How often each pattern occurs, in the order of their loops.
std::map<uint32_t, uint64_t, bool (*)(uint32_t, uint32_t)> count_patterns(const KernelPlan& plan) {
  std::map<uint32_t, uint64_t, bool (*)(uint32_t, uint32_t)> counts(more_rows);
  for (const ChunkPlan& chunk : plan.chunks)
    for (const ColumnUse& use : chunk.uses) ++counts[use.rows];
  return counts;
}

uint64_t tile_count(const KernelPlan& plan) {
  uint64_t count = 0;
  for (const ChunkPlan& chunk : plan.chunks) count += chunk.tiles.size();
  return count;
}

std::vector<uint32_t> single_rows(const KernelPlan& plan) {
  std::vector<uint32_t> single(plan.schedule.tile_rows);
  for (uint32_t r = 0; r < plan.schedule.tile_rows; ++r) single[r] = 1u << r;
  return single;
}

/// The patterns worth a loop, and all single rows, into which every pattern can be split.
std::vector<uint32_t> kept_patterns(const KernelPlan& plan) {
  std::vector<uint32_t> kept;
  const double worth = kWorthALoop * static_cast<double>(tile_count(plan));
  for (const auto& [rows, count] : count_patterns(plan))
    if (std::popcount(rows) > 1 && static_cast<double>(count) >= worth) kept.push_back(rows);
  for (const uint32_t rows : single_rows(plan)) kept.push_back(rows);
  return kept;
}

/// Takes the largest kept patterns out of `use` until nothing is left.
void split(ColumnUse use, const std::vector<uint32_t>& kept, std::vector<ColumnUse>& parts) {
  for (const uint32_t rows : kept) {
    if ((use.rows & rows) != rows) continue;
    parts.push_back({use.column, rows});
    use.rows &= ~rows;
  }
}

void split_chunk(ChunkPlan& chunk, const std::vector<uint32_t>& kept) {
  std::vector<ColumnUse> all;
  for (RowTile& tile : chunk.tiles) {
    const auto first = static_cast<ptrdiff_t>(all.size());
    for (uint32_t u = 0; u < tile.uses; ++u) split(chunk.uses[tile.first_use + u], kept, all);
    std::stable_sort(all.begin() + first, all.end(),
                     [](const ColumnUse& a, const ColumnUse& b) { return more_rows(a.rows, b.rows); });
    tile.first_use = static_cast<uint32_t>(first);
    tile.uses = static_cast<uint32_t>(all.size()) - tile.first_use;
  }
  chunk.uses = std::move(all);
}

/// Of each row of a tile whose rows take turns: as many non-zeros together as the CPU likes.
uint32_t columns_of_turn(const KernelPlan& plan, uint32_t rows) {
  return std::max(1u, plan.target.cpu->nonzeros_per_turn / rows);
}

/// Columns of single rows of a tile in turns, while all rows have some, then the rest row by row. Rows of a chunk come
/// fullest first, so the last row has less than a turn left.
void take_turns(std::span<ColumnUse> uses, uint32_t rows, uint32_t per_turn) {
  std::vector<std::vector<ColumnUse>> of_row(rows);
  for (const ColumnUse& use : uses) of_row[static_cast<size_t>(std::countr_zero(use.rows))].push_back(use);
  const size_t columns = of_row.back().size() / per_turn * per_turn;
  auto next = uses.begin();
  for (size_t column = 0; column < columns; ++column)
    for (uint32_t r = 0; r < rows; ++r) *next++ = of_row[r][column];
  for (uint32_t r = 0; r < rows; ++r)
    next = std::copy(of_row[r].begin() + static_cast<ptrdiff_t>(columns), of_row[r].end(), next);
}

/// Of `loop` with several rows: they take turns.
void find_turns(KernelPlan& plan) {
  std::vector<bool> sizes(plan.schedule.tile_rows + 1);
  for (ChunkPlan& chunk : plan.chunks) {
    split_chunk(chunk, single_rows(plan));
    for (const RowTile& tile : chunk.tiles) {
      sizes[tile.rows] = true;
      take_turns(std::span(chunk.uses).subspan(tile.first_use, tile.uses), tile.rows, columns_of_turn(plan, tile.rows));
    }
  }
  for (uint32_t rows = plan.schedule.tile_rows; rows > 0; --rows)
    if (sizes[rows]) plan.patterns.push_back({(1u << rows) - 1, columns_of_turn(plan, rows), true});
  std::vector<uint32_t> left_over = single_rows(plan);
  if (columns_of_turn(plan, plan.schedule.tile_rows) == 1) left_over.pop_back();
  for (const uint32_t rows : left_over) plan.patterns.push_back({rows, 1});
}

}  // namespace

Status find_patterns(KernelPlan& plan) {
  if (takes_turns(plan.schedule)) {
    find_turns(plan);
    return {};
  }
  const std::vector<uint32_t> kept = kept_patterns(plan);
  for (ChunkPlan& chunk : plan.chunks) split_chunk(chunk, kept);
  for (const auto& [rows, count] : count_patterns(plan))
    plan.patterns.push_back({rows, std::popcount(rows) == 1 ? kSinglesPerTurn : 1});
  return {};
}

}  // namespace espalier
