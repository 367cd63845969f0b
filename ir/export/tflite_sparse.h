// Constants as TFLite's sparse tensors.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace espalier {

/// One level of the storage: dense with a size, or compressed (CSR) with segments and indices.
struct TfliteLevelOut {
  int32_t dense_size = 0;
  std::vector<int32_t> segments{}, indices{};  ///< of a compressed level, which has at least one segment
};

/// Level l walks dimension traversal_order[l]; numbers from the rank on are the dimensions inside a block, of which
/// number b divides dimension block_map[b].
struct TfliteSparsityOut {
  std::vector<int32_t> traversal_order, block_map;
  std::vector<TfliteLevelOut> levels;
};

struct TflitePacked {
  TfliteSparsityOut sparsity;
  std::vector<float> values;  ///< in the order of the last level
};

/// Weights [outputs]...[inputs] with every dimension dense but the last, which is compressed, as TensorFlow's converter
/// writes them; where 8, 4 or 2 neighbouring outputs have their zeros in common everywhere, in blocks of those. Nothing
/// where less than 30 % (TensorFlow's own bound) or everything is zero: that is better stored densely.
/// Source: tensorflow/lite/kernels/internal/utils/sparsity_format_converter.h.
std::optional<TflitePacked> packed_sparse(std::span<const int32_t> shape, std::span<const float> values);

}  // namespace espalier
