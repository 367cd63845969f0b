#include "ir/matrix_transpose.h"

#include <cassert>

namespace espalier {

std::vector<float> transposed_matrices(std::span<const float> values, size_t rows, size_t columns) {
  assert(values.empty() || values.size() % (rows * columns) == 0);
  std::vector<float> result(values.size());
  for (size_t first = 0; first < values.size(); first += rows * columns)
    for (size_t i = 0; i < rows; ++i)
      for (size_t j = 0; j < columns; ++j) result[first + j * rows + i] = values[first + i * columns + j];
  return result;
}

}  // namespace espalier
