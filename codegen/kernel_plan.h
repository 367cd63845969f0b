// What the passes of the kernel pipeline know about one kernel while they build its program.
#pragma once

#include <algorithm>
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

/// An input channel and which rows of a row tile multiply it (bit r: the row at place first_row + r).
struct ColumnUse {
  uint32_t column = 0;
  uint32_t rows = 0;
};

/// A register tile of output channels within one K block: its part of one chunk.
struct RowTile {
  uint32_t first_row = 0, rows = 0;  ///< places
  uint32_t first_use = 0, uses = 0;  ///< into ChunkPlan::uses
  bool starts = false;    ///< the sums start here (from bias or zero), not from an earlier chunk's partial sums
  bool finishes = false;  ///< the sums are complete here, so the clamp follows
};

/// One function of code to be.
struct ChunkPlan {
  std::vector<RowTile> tiles;
  std::vector<ColumnUse> uses;                ///< of rolled forms in the order of their loops
  uint32_t first_column = 0, end_column = 0;  ///< its K block
  std::vector<uint32_t> order = {};           ///< empty, or the places of its rows in the order of its tiles

  /// Row `r` of a tile.
  uint32_t place(const RowTile& tile, uint32_t r) const {
    return order.empty() ? tile.first_row + r : order[tile.first_row - tiles[0].first_row + r];
  }
};

/// Places and columns that a chunk multiplies.
struct ChunkArea {
  uint32_t first_row = 0, end_row = 0;
  uint32_t first_column = 0, end_column = 0;
  bool starts = false, finishes = false;  ///< as of a RowTile, for all rows
};

/// Rows of a tile, as bits, that share columns or take turns; rolled forms have one loop per pattern.
struct RowPattern {
  uint32_t rows = 0;
  uint32_t columns_per_turn = 1;  ///< of its loop; what is left over is taken one at a time
  bool apart = false;             ///< a turn takes columns of each row instead of all rows'; such rows are a whole tile

  bool occurs_in(uint32_t tile_rows) const {
    return apart ? rows + 1 == 1u << tile_rows : rows >> tile_rows == 0;  // the last tile may be smaller
  }
};

/// Places [first_row, end_row) that one form computes.
struct PlanPart {
  Schedule schedule;
  uint32_t first_row = 0, end_row = 0;
};

struct KernelPlan {
  const KernelSpec& spec;
  const Target& target;
  uint64_t max_bytes = 0;            ///< of code and weights, as the cost model counts them; 0: no limit
  std::vector<uint32_t> order = {};  ///< empty, or which row of the matrix stands at each place
  std::vector<PlanPart> parts = {};  ///< of all rows; one where a single form computes them
  KernelProgram program = {};        ///< its schedule is the whole kernel's

  // Of the part whose turn it is; `schedule` is the whole's until the rows are dealt out.
  Schedule schedule = {};
  uint32_t first_row = 0, end_row = 0;  ///< places
  uint32_t first_chunk = 0;             ///< number in the program of chunks[0]
  std::vector<PixelTileShape> shapes = {};
  std::vector<PixelTileShape> tail_shapes = {};  ///< behind them, of straight code whose tail is loops
  std::vector<ChunkPlan> chunks = {};
  std::vector<RowPattern> patterns = {};  ///< of rolled forms, in the order of their loops

  /// The row of the matrix and of the bias at a place of the row tiles.
  uint32_t row(uint32_t place) const { return order.empty() ? place : order[place]; }
  /// Where the columns of a K block end.
  uint32_t end_of_block(uint32_t block) const {
    return static_cast<uint32_t>(std::min<uint64_t>(spec.matrix.columns(), (uint64_t{block} + 1) * schedule.k_block));
  }
  /// The row of Y at a place.
  uint32_t output_row(uint32_t place) const {
    return spec.output_order == OutputOrder::kClustered ? place : row(place);
  }
};

/// Most rows a register tile can have: ColumnUse::rows has as many bits.
inline constexpr uint32_t kMaxTileRows = 32;

/// Whether the form has loops over an index stream or over the input channels.
inline bool is_rolled(CodeForm form) { return form != CodeForm::kUnrolled; }
/// Whether the rows of a tile take turns, each with columns of its own; in all other forms they share loads of inputs.
inline bool takes_turns(const Schedule& s) { return s.form == CodeForm::kLoop && s.tile_rows > 1; }

/// Whether both sides are in panels, so that a panel is one stream and its padding may be computed.
inline bool between_panels(const KernelSpec& spec) { return spec.input_panel && spec.output_panel; }

/// The panels that tiles must not leave: the greatest common divisor of both sides'; 0 where both are images.
uint32_t panel_of(const KernelSpec& spec);

/// Pixels of a tile of `vectors` vectors. Where that is up to a vector more than a panel has and the ISA has masks, the
/// tile is the panel, and its last vector has fewer lanes: panels of 40 on avx512 are 16 + 16 + 8.
uint32_t tile_pixels(const KernelSpec& spec, const VectorIsa& isa, uint32_t vectors);

/// Whether full tiles of the schedule leave some of the pixels over, and there are any full tiles.
bool has_tail(const KernelSpec& spec, const VectorIsa& isa, const Schedule& schedule);

/// The loops over the pixels that full tiles of `schedule` leave over, `vectors` vectors at most: as many rows take
/// turns as there are registers for.
Schedule tail_schedule(const Schedule& schedule, const VectorIsa& isa, uint32_t vectors);

/// The least number of pixels that the tiles of all parts divide.
uint32_t common_tile_pixels(const KernelSpec& spec, const VectorIsa& isa, const Schedule& schedule);

/// Vector registers that a tile of `rows` x `vectors` accumulators needs at least on `isa`.
uint64_t registers_needed(const VectorIsa& isa, CodeForm form, uint32_t rows, uint32_t vectors);

/// Estimated bytes of machine code per non-zero for tiles of `vectors` vectors on `target`; sizes chunks before they
/// exist.
double code_bytes_per_nonzero(const Target& target, CodeForm form, uint32_t vectors);

/// The row tiles of rolled code in an area, even those without a non-zero in it. Rows that take turns come fullest
/// first.
ChunkPlan rolled_chunk(const KernelPlan& plan, const ChunkArea& area);

// The passes, in order; each in its own file under passes/.

/// Fills in every choice the user left open. Errors (kBadInput): a schedule that `target` has not the registers for.
Status choose_schedule(KernelPlan& plan);
/// Deals the rows out to the parts of the schedule, and clusters them where it asks for that.
Status order_rows(KernelPlan& plan);

// These for each part:

/// Cuts the pixels into tiles: full ones, then what is left.
Status plan_pixel_tiles(KernelPlan& plan);
/// Cuts the matrix into row groups, K blocks and row tiles.
Status plan_chunks(KernelPlan& plan);
/// Lays out weights, biases and clamp bounds in the order the code reads them.
Status build_stream(KernelPlan& plan);
/// Writes the micro-operations of every chunk and tile, with registers assigned and loads ahead of their use.
Status lower_unrolled(KernelPlan& plan);
/// Adds loops for the pixels that its tiles leave over, where the schedule asks for these.
Status lower_tail(KernelPlan& plan);

// Of the rolled forms instead of the last three:

/// Cuts the matrix into row groups and K blocks, all row tiles of a group in each of its chunks.
Status plan_rolled_chunks(KernelPlan& plan);
/// Finds the row patterns that get loops, and splits the others into these.
Status find_patterns(KernelPlan& plan);
/// Lays out weights and indices in the order the loops read them.
Status build_rolled_streams(KernelPlan& plan);
/// Writes the loops of `loop` and `nano`.
Status lower_rolled(KernelPlan& plan);
/// Writes the loops of `dense`.
Status lower_dense(KernelPlan& plan);

}  // namespace espalier
