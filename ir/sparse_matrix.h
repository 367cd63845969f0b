// One pruned weight matrix in CSR form.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ir/error.h"

namespace espalier {

/// A matrix W[rows, columns] of fp32 in compressed sparse row form: row r holds the entries
/// [row_offsets()[r], row_offsets()[r + 1]), with strictly ascending columns and no stored zeros.
///
/// Rows are output channels, columns input channels. Empty rows and columns are legal, as are 0 rows or 0 columns.
/// Sizes are elements. The only ways to make one are the factories below, so every instance is valid; NaN and infinite
/// values are refused, because a compiled kernel could not treat them alike on every target.
class SparseMatrix {
 public:
  SparseMatrix() : row_offsets_(1, 0) {}

  /// From CSR arrays. Explicit zeros (also -0.0) are dropped.
  /// Errors (kBadInput): offsets not rows + 1 long, not starting at 0, descending or not ending at the number of
  /// columns given; column out of range, out of order or twice in a row; value not finite; lengths that differ.
  static Result<SparseMatrix> from_csr(uint32_t rows, uint32_t columns, std::vector<uint64_t> row_offsets,
                                       std::vector<uint32_t> column_indices, std::vector<float> values);

  /// From triplets in any order. Duplicates of one place are summed in the order given, as scipy.sparse does.
  static Result<SparseMatrix> from_coo(uint32_t rows, uint32_t columns, std::span<const uint32_t> row_indices,
                                       std::span<const uint32_t> column_indices, std::span<const float> values);

  /// From a dense row-major array of rows x columns floats; zeros are dropped.
  static Result<SparseMatrix> from_dense(uint32_t rows, uint32_t columns, std::span<const float> dense);

  uint32_t rows() const { return static_cast<uint32_t>(row_offsets_.size() - 1); }
  uint32_t columns() const { return columns_; }
  uint64_t nonzeros() const { return values_.size(); }
  /// Share of zeros in [0, 1]; 0 for a matrix without elements.
  double sparsity() const;

  std::span<const uint64_t> row_offsets() const { return row_offsets_; }
  std::span<const uint32_t> column_indices() const { return column_indices_; }
  std::span<const float> values() const { return values_; }

  std::span<const uint32_t> row_columns(uint32_t row) const {
    return std::span(column_indices_).subspan(row_offsets_[row], row_offsets_[row + 1] - row_offsets_[row]);
  }
  std::span<const float> row_values(uint32_t row) const {
    return std::span(values_).subspan(row_offsets_[row], row_offsets_[row + 1] - row_offsets_[row]);
  }

  bool operator==(const SparseMatrix&) const = default;

 private:
  uint32_t columns_ = 0;
  std::vector<uint64_t> row_offsets_;
  std::vector<uint32_t> column_indices_;
  std::vector<float> values_;
};

/// A seeded matrix whose places are zero with probability `sparsity`, values uniform in [-1, 1] without 0.
/// The same arguments give the same matrix on every machine.
SparseMatrix random_sparse_matrix(uint32_t rows, uint32_t columns, double sparsity, uint64_t seed);

/// SplitMix64: a small generator with documented output, so that seeded data is the same everywhere
/// (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
class SeededRandom {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  uint64_t next();
  /// Uniform in [0, 1) with 53 bits.
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  /// Uniform in [-1, 1], never 0; a multiple of 2^-23.
  float weight();

 private:
  uint64_t state_;
};

}  // namespace espalier
