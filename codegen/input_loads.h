// How much the rows of a tile share: what row clustering is for.
#pragma once

#include <cstdint>
#include <vector>

#include "codegen/cost/cost_model.h"

namespace espalier {

/// Rows of a tile that share the loads of inputs: all, or one where they take turns.
uint32_t rows_that_share(const Schedule& schedule);

/// The rows of the matrix at places [first, end) of `order` (empty: the matrix's own) in tiles of `tile_rows`, counted.
TileRows count_tiles(const SparseMatrix& matrix, const std::vector<uint32_t>& order, uint32_t first, uint32_t end,
                     uint32_t tile_rows);

/// The same of each part of a resolved schedule, and of the rest, at their places in `order`.
std::vector<TileRows> count_parts(const SparseMatrix& matrix, const std::vector<uint32_t>& order,
                                  const Schedule& schedule);

/// Non-zeros that one load of an input vector serves when rows stand in this order in tiles of `tile_rows`.
double nonzeros_per_input_load(const SparseMatrix& matrix, const std::vector<uint32_t>& order, uint32_t tile_rows);
/// Of all parts together.
double nonzeros_per_input_load(const std::vector<TileRows>& parts);

}  // namespace espalier
