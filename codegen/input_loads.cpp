#include "codegen/input_loads.h"

#include <algorithm>

#include "codegen/kernel_plan.h"
#include "codegen/row_parts.h"

namespace espalier {
namespace {

/// A tile counts as a block if this share of its non-zeros is in columns that all of its rows have.
constexpr double kBlock = 0.9;

class TileCounter {
 public:
  TileCounter(const SparseMatrix& matrix, const std::vector<uint32_t>& order)
      : matrix_(matrix), order_(order), uses_(matrix.columns()), used_(matrix.columns()) {}

  void add_tile(uint32_t first, uint32_t end) {
    uint64_t count = 0, columns = 0, full = 0;
    for (uint32_t place = first; place < end; ++place) {
      for (const uint32_t column : columns_at(place)) {
        used_[column] = true;
        columns += uses_[column]++ == 0;
        full += uses_[column] == end - first;
      }
      count += columns_at(place).size();
    }
    for (uint32_t place = first; place < end; ++place)
      for (const uint32_t column : columns_at(place)) uses_[column] = 0;
    nonzeros_ += count;
    loads_ += columns;
    if (static_cast<double>(full * (end - first)) >= kBlock * static_cast<double>(count)) {
      nonzeros_in_blocks_ += count;
      rows_in_blocks_ += end - first;
    }
  }
  TileRows counted(uint32_t rows) const {
    const auto all = static_cast<double>(nonzeros_);
    if (nonzeros_ == 0) return {double(rows), 0, 1, 0, 0, 0};
    return {double(rows), all, all / static_cast<double>(loads_), static_cast<double>(nonzeros_in_blocks_) / all,
            static_cast<double>(rows_in_blocks_) / rows,
            static_cast<double>(std::count(used_.begin(), used_.end(), true))};
  }

 private:
  std::span<const uint32_t> columns_at(uint32_t place) const {
    return matrix_.row_columns(order_.empty() ? place : order_[place]);
  }
  const SparseMatrix& matrix_;
  const std::vector<uint32_t>& order_;
  std::vector<uint32_t> uses_;  // by column, of the tile at hand
  std::vector<bool> used_;      // by column, of any tile
  uint64_t nonzeros_ = 0, loads_ = 0, nonzeros_in_blocks_ = 0, rows_in_blocks_ = 0;
};

}  // namespace

uint32_t rows_that_share(const Schedule& schedule) { return takes_turns(schedule) ? 1 : schedule.tile_rows; }

TileRows count_tiles(const SparseMatrix& matrix, const std::vector<uint32_t>& order, uint32_t first, uint32_t end,
                     uint32_t tile_rows) {
  TileCounter counter(matrix, order);
  for (uint32_t place = first; place < end; place += tile_rows)
    counter.add_tile(place, std::min(end, place + tile_rows));
  return counter.counted(end - first);
}

std::vector<TileRows> count_parts(const SparseMatrix& matrix, const std::vector<uint32_t>& order,
                                  const Schedule& schedule) {
  std::vector<TileRows> counts;
  uint32_t first = 0;
  const auto lists = RowDealer(matrix).deal(schedule.parts);
  for (size_t i = 0; i < lists.size(); ++i) {
    const auto end = first + static_cast<uint32_t>(lists[i].size());
    counts.push_back(count_tiles(matrix, order, first, end, rows_that_share(schedule_of_part(schedule, i))));
    first = end;
  }
  return counts;
}

double nonzeros_per_input_load(const SparseMatrix& matrix, const std::vector<uint32_t>& order, uint32_t tile_rows) {
  return count_tiles(matrix, order, 0, matrix.rows(), tile_rows).sharing;
}

double nonzeros_per_input_load(const std::vector<TileRows>& parts) {
  double nonzeros = 0, loads = 0;
  for (const TileRows& part : parts) nonzeros += part.nonzeros, loads += part.nonzeros / part.sharing;
  return loads == 0 ? 1 : nonzeros / loads;
}

}  // namespace espalier
