#include "test/support/structured_matrix.h"

#include <algorithm>
#include <vector>

namespace espalier::test {
namespace {

using Columns = std::vector<uint32_t>;

Columns random_columns(SeededRandom& random, uint32_t columns, double density) {
  Columns chosen;
  for (uint32_t c = 0; c < columns; ++c)
    if (random.unit() < density) chosen.push_back(c);
  return chosen;
}

/// In any order, with random values.
SparseMatrix shuffled(std::vector<Columns> rows, uint32_t columns, SeededRandom& random) {
  for (size_t i = rows.size(); i > 1; --i) std::swap(rows[i - 1], rows[random.next() % i]);
  std::vector<uint64_t> offsets = {0};
  std::vector<uint32_t> indices;
  std::vector<float> values;
  for (const Columns& row : rows) {
    indices.insert(indices.end(), row.begin(), row.end());
    offsets.push_back(indices.size());
  }
  for (size_t i = 0; i < indices.size(); ++i) values.push_back(random.weight());
  return *SparseMatrix::from_csr(static_cast<uint32_t>(rows.size()), columns, std::move(offsets), std::move(indices),
                                 std::move(values));
}

}  // namespace

SparseMatrix shuffled_blocks(uint32_t rows, uint32_t columns, uint32_t block, double sparsity, uint64_t seed) {
  SeededRandom random(seed);
  std::vector<Columns> all;
  while (all.size() < rows) {
    const Columns chosen = random_columns(random, columns, 1 - sparsity);
    for (uint32_t r = 0; r < block && all.size() < rows; ++r) all.push_back(chosen);
  }
  return shuffled(std::move(all), columns, random);
}

SparseMatrix rows_of_all_kinds(uint32_t rows, uint32_t columns, uint64_t seed) {
  SeededRandom random(seed);
  constexpr double kDensities[] = {1, 0.95, 0.7, 0.2, 0.1, 0.05, 0};
  std::vector<Columns> all;
  while (all.size() < rows) {
    const double density = kDensities[random.next() % std::size(kDensities)];
    const Columns chosen = random_columns(random, columns, density);
    const uint64_t copies = random.next() % 2 ? 1 : 1 + random.next() % 6;
    for (uint64_t r = 0; r < copies && all.size() < rows; ++r) all.push_back(chosen);
  }
  return shuffled(std::move(all), columns, random);
}

}  // namespace espalier::test
