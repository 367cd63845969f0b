#include "ir/export/tflite_sparse.h"

#include <algorithm>
#include <numeric>

namespace espalier {
namespace {

constexpr double kLeastSparsity = 0.3;
constexpr int32_t kBlocks[] = {8, 4, 2};

/// Weights as a matrix whose rows are the outputs.
struct Rows {
  std::span<const float> values;
  size_t columns;

  bool is_zero(size_t row, size_t column) const { return values[row * columns + column] == 0; }
};

bool share_zeros(const Rows& rows, size_t first, size_t count) {
  for (size_t c = 0; c < rows.columns; ++c)
    for (size_t r = first + 1; r < first + count; ++r)
      if (rows.is_zero(r, c) != rows.is_zero(first, c)) return false;
  return true;
}

bool has_blocks(const Rows& rows, int32_t outputs, int32_t block) {
  if (outputs % block != 0) return false;
  for (int32_t first = 0; first < outputs; first += block)
    if (!share_zeros(rows, static_cast<size_t>(first), static_cast<size_t>(block))) return false;
  return true;
}

int32_t largest_block(const Rows& rows, int32_t outputs) {
  const auto* found =
      std::find_if(std::begin(kBlocks), std::end(kBlocks), [&](int32_t b) { return has_blocks(rows, outputs, b); });
  return found == std::end(kBlocks) ? 1 : *found;
}

/// Dense levels over all dimensions but the last, then an empty compressed one, then one inside blocks.
TfliteSparsityOut levels_for(std::span<const int32_t> shape, int32_t block) {
  TfliteSparsityOut sparsity;
  for (const int32_t size : shape) sparsity.levels.push_back({size});
  sparsity.levels.front().dense_size /= block;
  sparsity.levels.back() = {0, {0}, {}};
  if (block > 1) {
    sparsity.block_map = {0};
    sparsity.levels.push_back({block});
  }
  sparsity.traversal_order.resize(sparsity.levels.size());
  std::iota(sparsity.traversal_order.begin(), sparsity.traversal_order.end(), 0);
  return sparsity;
}

}  // namespace

std::optional<TflitePacked> packed_sparse(std::span<const int32_t> shape, std::span<const float> values) {
  const auto zeros = static_cast<size_t>(std::count(values.begin(), values.end(), 0.0f));
  if (zeros == values.size() || static_cast<double>(zeros) < kLeastSparsity * static_cast<double>(values.size()))
    return std::nullopt;
  const auto outputs = static_cast<size_t>(shape.front()), inputs = static_cast<size_t>(shape.back());
  const Rows rows{values, values.size() / outputs};
  const auto block = static_cast<size_t>(largest_block(rows, shape.front()));
  TflitePacked packed{levels_for(shape, static_cast<int32_t>(block)), {}};
  TfliteLevelOut& level = packed.sparsity.levels[shape.size() - 1];
  for (size_t first = 0; first < outputs; first += block)
    for (size_t c = 0; c < rows.columns; ++c) {
      if (!rows.is_zero(first, c)) {
        level.indices.push_back(static_cast<int32_t>(c % inputs));
        for (size_t r = first; r < first + block; ++r) packed.values.push_back(values[r * rows.columns + c]);
      }
      if ((c + 1) % inputs == 0) level.segments.push_back(static_cast<int32_t>(level.indices.size()));
    }
  return packed;
}

}  // namespace espalier
