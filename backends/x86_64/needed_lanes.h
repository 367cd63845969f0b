// How much of what each operation of a tile writes anybody looks at.
#pragma once

#include <cstdint>
#include <vector>

#include "ir/kernel_program.h"

namespace espalier::x86_64 {

/// By operation: of the register it writes, the lanes [0, n) that some store of the tile depends on; what is beyond may
/// be anything. Of stores the lanes they store. A tile whose last vector has 4 pixels needs 4 lanes of what that vector
/// goes through, and instructions of 128 bits take half the time of those of 512 on cores that execute these in two
/// halves.
std::vector<uint8_t> needed_lanes(const PixelTile& tile, uint32_t full_lanes);

}  // namespace espalier::x86_64
