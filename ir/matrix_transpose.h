// Transposition of dense matrices that stand one behind the other, as images and weights change between orders.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace espalier {

/// result[m][j][i] = values[m][i][j] with i < rows, j < columns and as many m as there are values, all row by row: NCHW
/// to NHWC with rows = C, columns = H W. The number of values is a multiple of rows x columns.
std::vector<float> transposed_matrices(std::span<const float> values, size_t rows, size_t columns);

}  // namespace espalier
