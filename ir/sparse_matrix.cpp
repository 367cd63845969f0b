#include "ir/sparse_matrix.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace espalier {
namespace {

Status check_offsets(uint32_t rows, std::span<const uint64_t> offsets, uint64_t entries) {
  if (offsets.size() != uint64_t{rows} + 1)
    return bad_input("row offsets have {} entries, but {} rows need {}", offsets.size(), rows, uint64_t{rows} + 1);
  if (offsets[0] != 0) return bad_input("row offsets start at {}, but must start at 0", offsets[0]);
  for (uint32_t r = 0; r < rows; ++r)
    if (offsets[r + 1] < offsets[r])
      return bad_input("row offsets descend at row {}: {} after {}", r, offsets[r + 1], offsets[r]);
  if (offsets[rows] != entries)
    return bad_input("row offsets end at {}, but there are {} column indices", offsets[rows], entries);
  return {};
}

Status check_row(uint32_t row, uint32_t columns, std::span<const uint32_t> indices, std::span<const float> values) {
  for (size_t i = 0; i < indices.size(); ++i) {
    if (indices[i] >= columns) {
      if (columns == 0) return bad_input("row {} has column {}, but the matrix has 0 columns", row, indices[i]);
      return bad_input("row {} has column {}, but the matrix has {} columns (0..{})", row, indices[i], columns,
                       columns - 1);
    }
    if (i > 0 && indices[i] == indices[i - 1]) return bad_input("row {} has column {} twice", row, indices[i]);
    if (i > 0 && indices[i] < indices[i - 1])
      return bad_input("row {} has column {} after column {}, but columns must ascend", row, indices[i],
                       indices[i - 1]);
    if (!std::isfinite(values[i]))
      return bad_input("row {}, column {} is {}, but weights must be finite", row, indices[i], values[i]);
  }
  return {};
}

}  // namespace

Result<SparseMatrix> SparseMatrix::from_csr(uint32_t rows, uint32_t columns, std::vector<uint64_t> row_offsets,
                                            std::vector<uint32_t> column_indices, std::vector<float> values) {
  if (values.size() != column_indices.size())
    return bad_input("there are {} values, but {} column indices", values.size(), column_indices.size());
  if (Status s = check_offsets(rows, row_offsets, column_indices.size()); !s) return std::move(s).error();
  SparseMatrix m;
  m.columns_ = columns;
  uint64_t kept = 0;
  for (uint32_t r = 0; r < rows; ++r) {
    const uint64_t begin = row_offsets[r], count = row_offsets[r + 1] - begin;
    Status s =
        check_row(r, columns, std::span(column_indices).subspan(begin, count), std::span(values).subspan(begin, count));
    if (!s) return std::move(s).error();
    row_offsets[r] = kept;
    for (uint64_t i = begin; i < begin + count; ++i) {
      if (values[i] == 0.0f) continue;
      column_indices[kept] = column_indices[i];
      values[kept++] = values[i];
    }
  }
  row_offsets[rows] = kept;
  column_indices.resize(kept);
  values.resize(kept);
  m.row_offsets_ = std::move(row_offsets);
  m.column_indices_ = std::move(column_indices);
  m.values_ = std::move(values);
  return m;
}

Result<SparseMatrix> SparseMatrix::from_coo(uint32_t rows, uint32_t columns, std::span<const uint32_t> row_indices,
                                            std::span<const uint32_t> column_indices, std::span<const float> values) {
  if (row_indices.size() != values.size() || column_indices.size() != values.size())
    return bad_input("there are {} row indices, {} column indices and {} values, but the three must be equal",
                     row_indices.size(), column_indices.size(), values.size());
  std::vector<uint64_t> offsets(uint64_t{rows} + 1, 0);
  for (size_t i = 0; i < values.size(); ++i) {
    if (row_indices[i] >= rows)
      return bad_input("entry {} has row {}, but the matrix has {} rows", i, row_indices[i], rows);
    if (column_indices[i] >= columns)
      return bad_input("entry {} has column {}, but the matrix has {} columns", i, column_indices[i], columns);
    ++offsets[row_indices[i] + 1];
  }
  std::partial_sum(offsets.begin(), offsets.end(), offsets.begin());
  // Counting sort by row keeps the given order inside a row; the stable sort by column keeps it among duplicates.
  std::vector<uint64_t> next(offsets.begin(), offsets.end() - 1), order(values.size());
  for (size_t i = 0; i < values.size(); ++i) order[next[row_indices[i]]++] = i;
  std::vector<uint64_t> merged_offsets(uint64_t{rows} + 1, 0);
  std::vector<uint32_t> merged_columns;
  std::vector<float> merged_values;
  for (uint32_t r = 0; r < rows; ++r) {
    const auto begin = order.begin() + static_cast<ptrdiff_t>(offsets[r]);
    const auto end = order.begin() + static_cast<ptrdiff_t>(offsets[r + 1]);
    std::stable_sort(begin, end, [&](uint64_t a, uint64_t b) { return column_indices[a] < column_indices[b]; });
    const size_t row_begin = merged_columns.size();
    for (auto it = begin; it != end; ++it) {
      if (merged_columns.size() > row_begin && merged_columns.back() == column_indices[*it]) {
        merged_values.back() += values[*it];
      } else {
        merged_columns.push_back(column_indices[*it]);
        merged_values.push_back(values[*it]);
      }
    }
    merged_offsets[r + 1] = merged_columns.size();
  }
  return from_csr(rows, columns, std::move(merged_offsets), std::move(merged_columns), std::move(merged_values));
}

Result<SparseMatrix> SparseMatrix::from_dense(uint32_t rows, uint32_t columns, std::span<const float> dense) {
  if (dense.size() != uint64_t{rows} * columns)
    return bad_input("there are {} values, but {} x {} need {}", dense.size(), rows, columns, uint64_t{rows} * columns);
  std::vector<uint64_t> offsets{0};
  std::vector<uint32_t> indices;
  std::vector<float> values;
  for (uint32_t r = 0; r < rows; ++r) {
    for (uint32_t c = 0; c < columns; ++c) {
      const float v = dense[uint64_t{r} * columns + c];
      if (v == 0.0f) continue;
      indices.push_back(c);
      values.push_back(v);
    }
    offsets.push_back(indices.size());
  }
  return from_csr(rows, columns, std::move(offsets), std::move(indices), std::move(values));
}

double SparseMatrix::sparsity() const {
  const double elements = static_cast<double>(rows()) * columns();
  return elements == 0 ? 0 : 1 - static_cast<double>(nonzeros()) / elements;
}

uint64_t SeededRandom::next() {
  uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

float SeededRandom::weight() {
  const uint64_t bits = next();
  const float magnitude = static_cast<float>((bits >> 40) % 0x800000 + 1) * 0x1p-23f;
  return (bits & 1) ? -magnitude : magnitude;
}

SparseMatrix random_sparse_matrix(uint32_t rows, uint32_t columns, double sparsity, uint64_t seed) {
  SeededRandom random(seed);
  std::vector<uint64_t> offsets{0};
  std::vector<uint32_t> indices;
  std::vector<float> values;
  for (uint32_t r = 0; r < rows; ++r) {
    for (uint32_t c = 0; c < columns; ++c) {
      if (random.unit() < sparsity) continue;
      indices.push_back(c);
      values.push_back(random.weight());
    }
    offsets.push_back(indices.size());
  }
  return *SparseMatrix::from_csr(rows, columns, std::move(offsets), std::move(indices), std::move(values));
}

}  // namespace espalier
