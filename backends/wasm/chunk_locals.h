// The local variables of a chunk's function.
#pragma once

#include <cstdint>

#include "ir/kernel_program.h"

namespace espalier::wasm {

/// Parameters; then, in chunks with rolled tiles only, the variables of those; then the vector registers. x, y and w
/// stand at the round's pixel or the slice's start; the cursors begin every round there. Pointers and counters follow
/// by number and by depth.
enum ChunkLocal : uint32_t {
  kX,
  kY,
  kW,
  kPixels,
  kIndices,
  kChunkParameters,
  kXCursor = kChunkParameters,
  kWCursor,
  kIndexCursor,
  kInputPointer,
  kOutputPointer = kInputPointer + kInputPointers,
  kTurns = kOutputPointer + kOutputPointers,
  kRolledEnd = kTurns + kMaxLoopDepth,
};
inline constexpr uint32_t kRolledLocals = kRolledEnd - kChunkParameters;

}  // namespace espalier::wasm
