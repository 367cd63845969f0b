// Which rows of a matrix the parts of a schedule take, and how much work these are.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "ir/schedule.h"
#include "ir/sparse_matrix.h"

namespace espalier {

/// For every row the first one that has the same columns.
std::vector<uint32_t> first_equal_rows(const SparseMatrix& matrix);

/// Some rows of a matrix, as the cost model sees them before they have an order.
struct RowWork {
  uint64_t rows = 0, nonzeros = 0;
  uint64_t columns = 0;  ///< that they have at all
  struct Copies {
    uint64_t rows = 0, nonzeros = 0;
  };
  std::map<uint32_t, Copies> by_copies;  ///< of rows that have so many equals among these, themselves included

  /// The shares that whole tiles of `tile_rows` equal rows hold.
  double nonzeros_in_blocks(uint32_t tile_rows) const;
  double rows_in_blocks(uint32_t tile_rows) const;
};

/// Deals the rows of one matrix out to parts.
class RowDealer {
 public:
  explicit RowDealer(const SparseMatrix& matrix) : matrix_(matrix), first_equal_(first_equal_rows(matrix)) {}

  /// One list for each part, and one for the rest: ascending, but equal rows stand together in those of `nano`. A row
  /// goes to the first part that takes it: `dense` takes rows of which `least` percent are non-zeros, `nano` whole
  /// tiles of rows with equal columns. Fields of the parts that matter for this must not be open.
  std::vector<std::vector<uint32_t>> deal(const std::vector<SchedulePart>& parts) const;
  RowWork work(const std::vector<uint32_t>& rows) const;

 private:
  std::vector<uint32_t> take_full(std::vector<uint32_t>& left, uint32_t least) const;
  std::vector<uint32_t> take_equal(std::vector<uint32_t>& left, uint32_t tile_rows) const;

  const SparseMatrix& matrix_;
  std::vector<uint32_t> first_equal_;
};

}  // namespace espalier
