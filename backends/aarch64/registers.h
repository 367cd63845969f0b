// Which general registers hold what in emitted code. v<i> of a program is q<i>.
#pragma once

#include <cstdint>

namespace espalier::aarch64 {

/// As the AAPCS64 passes a chunk's arguments; x, w and indices are also the cursors. x18 is the platform's.
inline constexpr uint32_t kX = 0, kY = 1, kW = 2, kPixels = 3, kIndices = 4;

/// Rolled tiles only: x at the start of a round (where loops move x), pointers by number, loop counters by depth.
inline constexpr uint32_t kTileX = 5, kInputs = 6, kOutputs = 10, kCounts = 11;

/// For one operation, or between tiles. Chunks without rolled tiles need no indices and no second register.
inline constexpr uint32_t kRolledScratch = 13, kStraightScratch = kIndices;

/// The registers that address windows move about in, up to kLastWindow. A rolled tile has one for each class modulo 16
/// bytes; straight tiles take what is free, and next to rolled ones the indices have to survive them.
inline constexpr uint32_t kStraightWindows = 4, kMixedWindows = 5, kRolledWindows = 14, kLastWindow = 17;

/// The entries of the next turn's pointers, in loops that need no windows: four of two bytes or two of four bytes in
/// each register from kEntriesAhead down, and where those of eight pointers stand, if they have two bytes.
inline constexpr uint32_t kEntriesAhead = kLastWindow, kEntryCursor = kLastWindow - 2;

}  // namespace espalier::aarch64
