// Cuts the body of a pixel tile into pieces that a C compiler can digest.
#pragma once

#include <cstdint>
#include <vector>

#include "ir/kernel_program.h"

namespace espalier {

/// A register whose value one part takes over from an earlier one by computing it again: operation `ops.front()` of the
/// tile, applied to the results of the following entries, if any (a splat_lane or copy of a load).
struct RestoredRegister {
  uint8_t reg = 0;
  std::vector<uint32_t> ops;
};

/// Operations `ops` (indices into the tile, ascending), to be preceded by `restored`. No other register carries a value
/// in.
struct TilePart {
  std::vector<RestoredRegister> restored;
  std::vector<uint32_t> ops;
};

/// Parts of about `limit` operations, which together do what the tile does; operations whose results nobody stores are
/// left out.
///
/// clang's optimiser is quadratic in the length of a basic block (1,580 non-zeros took LLVM 8.6 s, 419 took 0.45 s), so
/// each part becomes a function of its own. A cut is possible where every live register can be computed again from
/// memory that a kernel never writes: zeros, loads of x and w, lanes and copies of them. Between such places a part
/// grows past the limit.
std::vector<TilePart> split_tile(const PixelTile& tile, size_t limit);

}  // namespace espalier
