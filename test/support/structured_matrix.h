// Matrices whose rows differ or agree, as those of pruned networks do, for tests of clustering and of mixed forms.
#pragma once

#include "ir/sparse_matrix.h"

namespace espalier::test {

/// Rows in groups of `block` with equal columns, each place of a group zero with probability `sparsity`; then shuffled.
SparseMatrix shuffled_blocks(uint32_t rows, uint32_t columns, uint32_t block, double sparsity, uint64_t seed);

/// Full, nearly full, sparse and empty rows, and rows with equal columns in groups of up to six; shuffled.
SparseMatrix rows_of_all_kinds(uint32_t rows, uint32_t columns, uint64_t seed);

}  // namespace espalier::test
