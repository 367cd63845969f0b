// What the passes of the kernel pipeline know about one kernel while they build its program.
#pragma once

#include <cstdint>
#include <vector>

#include "ir/kernel_program.h"

namespace espalier {

/// One vector of a pixel tile: pixels [column, column + lanes) of the tile. Vectors of one tile may overlap; every
/// vector of a row tile is loaded before any is stored, so overlapping lanes are computed twice with the same bits.
struct VectorPiece {
  uint32_t column = 0;
  uint8_t lanes = 0;  ///< kRemainingLanes in a remainder tile
};

/// The pixels of one PixelTile and the vectors that cover them.
struct PixelTileShape {
  uint32_t width = 0;
  bool remainder = false;
  std::vector<VectorPiece> pieces;
};

/// An input channel and which rows of a row tile multiply it (bit r: row first_row + r).
struct ColumnUse {
  uint32_t column = 0;
  uint32_t rows = 0;
};

/// A register tile of output channels within one K block: its part of one chunk.
struct RowTile {
  uint32_t first_row = 0, rows = 0;
  uint32_t first_use = 0, uses = 0;  ///< into ChunkPlan::uses
  bool starts = false;    ///< the sums start here (from bias or zero), not from an earlier chunk's partial sums
  bool finishes = false;  ///< the sums are complete here, so the clamp follows
};

/// One function of code to be.
struct ChunkPlan {
  std::vector<RowTile> tiles;
  std::vector<ColumnUse> uses;
};

struct KernelPlan {
  const KernelSpec& spec;
  const Target& target;
  Schedule schedule;
  std::vector<PixelTileShape> shapes;
  std::vector<ChunkPlan> chunks;
  KernelProgram program;
};

/// Most rows a register tile can have: ColumnUse::rows has as many bits.
inline constexpr uint32_t kMaxTileRows = 32;

/// Vector registers that a tile of `rows` x `vectors` accumulators needs at least on `isa`.
uint64_t registers_needed(const VectorIsa& isa, uint32_t rows, uint32_t vectors);

/// Estimated bytes of machine code per non-zero for tiles of `vectors` vectors on `target`; sizes chunks before they
/// exist.
double code_bytes_per_nonzero(const Target& target, uint32_t vectors);

// The passes, in order; each in its own file under passes/.

/// Fills in every choice the user left open. Errors (kBadInput): a schedule that `target` has not the registers for.
Status choose_schedule(KernelPlan& plan);
/// Cuts the pixels into tiles: full ones, then what is left.
Status plan_pixel_tiles(KernelPlan& plan);
/// Cuts the matrix into row groups, K blocks and row tiles.
Status plan_chunks(KernelPlan& plan);
/// Lays out weights, biases and clamp bounds in the order the code reads them.
Status build_stream(KernelPlan& plan);
/// Writes the micro-operations of every chunk and tile, with registers assigned and loads ahead of their use.
Status lower_unrolled(KernelPlan& plan);

}  // namespace espalier
