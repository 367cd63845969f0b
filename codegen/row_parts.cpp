#include "codegen/row_parts.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

namespace espalier {
namespace {

/// Any mixing function does: rows of equal hashes are compared.
uint64_t hash_of(std::span<const uint32_t> columns) {
  uint64_t hash = columns.size();
  for (const uint32_t column : columns) hash = (hash ^ column) * 0x9e3779b97f4a7c15u + (hash >> 29);
  return hash;
}

bool equal_columns(const SparseMatrix& m, uint32_t a, uint32_t b) {
  const auto left = m.row_columns(a), right = m.row_columns(b);
  return std::equal(left.begin(), left.end(), right.begin(), right.end());
}

}  // namespace

std::vector<uint32_t> first_equal_rows(const SparseMatrix& matrix) {
  std::vector<uint32_t> first(matrix.rows());
  std::unordered_multimap<uint64_t, uint32_t> seen;
  for (uint32_t row = 0; row < matrix.rows(); ++row) {
    const uint64_t hash = hash_of(matrix.row_columns(row));
    const auto [begin, end] = seen.equal_range(hash);
    const auto known = std::find_if(begin, end, [&](auto& other) { return equal_columns(matrix, other.second, row); });
    first[row] = known == end ? row : known->second;
    if (known == end) seen.emplace(hash, row);
  }
  return first;
}

namespace {

double share_in_blocks(const RowWork& work, uint64_t RowWork::Copies::* what, uint64_t all, uint32_t tile_rows) {
  double inside = 0;
  for (const auto& [copies, of] : work.by_copies)
    inside += static_cast<double>(of.*what) * (copies / tile_rows * tile_rows) / copies;
  return all == 0 ? 0 : inside / static_cast<double>(all);
}

}  // namespace

double RowWork::nonzeros_in_blocks(uint32_t tile_rows) const {
  return share_in_blocks(*this, &Copies::nonzeros, nonzeros, tile_rows);
}
double RowWork::rows_in_blocks(uint32_t tile_rows) const {
  return share_in_blocks(*this, &Copies::rows, rows, tile_rows);
}

std::vector<uint32_t> RowDealer::take_full(std::vector<uint32_t>& left, uint32_t least) const {
  auto is_sparse = [&](uint32_t row) {
    return uint64_t{100} * matrix_.row_columns(row).size() < uint64_t{least} * matrix_.columns();
  };
  const auto full = std::stable_partition(left.begin(), left.end(), is_sparse);
  std::vector<uint32_t> taken(full, left.end());
  left.erase(full, left.end());
  return taken;
}

std::vector<uint32_t> RowDealer::take_equal(std::vector<uint32_t>& left, uint32_t tile_rows) const {
  std::map<uint32_t, std::vector<uint32_t>> equal;
  for (const uint32_t row : left)
    if (!matrix_.row_columns(row).empty()) equal[first_equal_[row]].push_back(row);
  std::vector<uint32_t> taken;
  for (auto& [first, rows] : equal) {
    rows.resize(rows.size() / tile_rows * tile_rows);
    taken.insert(taken.end(), rows.begin(), rows.end());
  }
  std::vector<bool> is_taken(matrix_.rows());
  for (const uint32_t row : taken) is_taken[row] = true;
  std::erase_if(left, [&](uint32_t row) { return is_taken[row]; });
  return taken;
}

std::vector<std::vector<uint32_t>> RowDealer::deal(const std::vector<SchedulePart>& parts) const {
  std::vector<uint32_t> left(matrix_.rows());
  std::iota(left.begin(), left.end(), 0u);
  std::vector<std::vector<uint32_t>> lists;
  for (const SchedulePart& part : parts)
    lists.push_back(part.form == CodeForm::kDense ? take_full(left, part.least) : take_equal(left, part.tile_rows));
  lists.push_back(std::move(left));
  return lists;
}

RowWork RowDealer::work(const std::vector<uint32_t>& rows) const {
  RowWork work;
  work.rows = rows.size();
  std::unordered_map<uint32_t, uint32_t> copies;
  for (const uint32_t row : rows) ++copies[first_equal_[row]];
  std::vector<bool> used(matrix_.columns());
  for (const uint32_t row : rows) {
    const uint64_t count = matrix_.row_columns(row).size();
    for (const uint32_t column : matrix_.row_columns(row)) used[column] = true;
    work.nonzeros += count;
    RowWork::Copies& of = work.by_copies[copies[first_equal_[row]]];
    ++of.rows;
    of.nonzeros += count;
  }
  work.columns = static_cast<uint64_t>(std::count(used.begin(), used.end(), true));
  return work;
}

}  // namespace espalier
