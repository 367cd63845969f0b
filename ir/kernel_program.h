// KernelProgram: what the code generator hands to every backend, and what the interpreter executes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/error.h"
#include "ir/kernel_spec.h"
#include "ir/schedule.h"
#include "ir/target.h"

namespace espalier {

/// Vector micro-operations. v is a vector register, [] an access (see MicroOp), L the number of lanes.
enum class Op : uint8_t {
  kZero,         ///< d = 0
  kCopy,         ///< d = a
  kLoad,         ///< d[0..lanes) = buffer[access ..], the rest 0; from W: four weights, in every group of four lanes
  kStore,        ///< buffer[access ..] = d[0..lanes)
  kSplatLoad,    ///< all lanes of d = buffer[access]                              (weight stream only)
  kSplatLane,    ///< in every group of four lanes, all of d = lane `lane` of a      (targets with has_splat_lane)
  kFma,          ///< d = d + a * b, per lane
  kFmaLane,      ///< d = d + a * b[lane], per lane of d and a, as kSplatLane then kFma (targets with has_fma_lane)
  kFmaLoad,      ///< d = d + b * buffer[access ..], as kLoad then kFma            (targets with has_fma_load)
  kFmaSplat,     ///< d = d + a * buffer[access], as kSplatLoad then kFma  (weight stream; targets with has_fma_splat)
  kMax,          ///< d = d > a ? d : a, per lane (NaN in d gives a)
  kMin,          ///< d = d < a ? d : a, per lane (NaN in d gives a)
  kPrefetch,     ///< hint: the line of buffer[access] will be used soon (L1); may lie outside the buffer, never faults
  kPrefetchFar,  ///< the same for later use (L2)
  kTouch,        ///< as kPrefetch, inside the tile: where there are no hints, a load whose value nobody uses
  kLoop,         ///< runs what follows, up to its kEndLoop, `column` times (at least once)
  kLoopIndexed,  ///< the same, index entry `column` times (maybe never)
  kEndLoop,      ///< ends the innermost loop
  kPoint,        ///< pointer `row` of `buffer` (kXAt, kYAt) = x or y + (index entry `column` << index_shift) elements
  kAdvance,      ///< moves the cursor of kX by `row` rows, of kW by `column` elements, of kI by `column` entries
};
inline constexpr int kOpCount = 20;
/// Operations that compute nothing.
constexpr bool is_hint(Op op) { return op == Op::kPrefetch || op == Op::kPrefetchFar || op == Op::kTouch; }

/// What an access addresses. X and Y accesses are relative to the pixel the tile stands at. x, w and i are cursors:
/// kAdvance moves them, and every round of a tile begins with them at the start.
enum class Buffer : uint8_t {
  kX,    ///< input: element (row, column) at x + row * input_stride + column
  kY,    ///< output: element (row, column) at y + row * output_stride + column
  kW,    ///< this chunk's part of the weight stream: element `column` at w + column (row is 0)
  kXAt,  ///< input behind pointer `row`: element `column`
  kYAt,  ///< output behind pointer `row`: element `column`
  kI,    ///< this chunk's part of the index stream: entry `column` at i + column (kLoopIndexed, kAdvance)
};
inline constexpr uint32_t kInputPointers = 4, kOutputPointers = 1;  ///< that a program may name
inline constexpr uint32_t kMaxLoopDepth = 2;                        ///< loops inside one another

/// `lanes` of a vector that the tile's remaining pixels only partly fill, counted at run time (see PixelTile).
inline constexpr uint8_t kRemainingLanes = 0;

/// One micro-operation; 16 bytes, because a network has millions of them.
struct MicroOp {
  Op op = Op::kZero;
  uint8_t d = 0, a = 0, b = 0;  ///< vector registers; kStore reads d
  Buffer buffer = Buffer::kX;
  uint8_t lane = 0;              ///< kSplatLane, kFmaLane: 0..3
  uint8_t lanes = 0;             ///< kLoad, kStore, kFmaLoad: lanes touched, or kRemainingLanes
  uint32_t row = 0, column = 0;  ///< elements

  bool operator==(const MicroOp&) const = default;
};

/// A counted loop over pixels: while at least `width` pixels remain, run `ops`, then advance x and y by `width` pixels
/// (KernelProgram::input_step, output_step) and count them off. Loops inside `ops` leave the cursors wherever they do;
/// pointers and registers do not outlive a round.
///
/// With `remainder`, `ops` run once if any pixels remain (fewer than one full vector, more than 0), as a last step;
/// lanes == kRemainingLanes then stands for that count. Only targets with masks have such tiles; width is 0.
struct PixelTile {
  uint32_t width = 0;
  bool remainder = false;
  std::vector<MicroOp> ops;

  bool operator==(const PixelTile&) const = default;
};

/// One function of code: `tiles` in order over the pixels it is given. Reads its own slice of the weight stream from
/// the start in every round of every tile.
///     void chunk(const float* x, float* y, const float* w, size_t pixels, const void* i)
/// with x and y at the first pixel, w and i at the slices.
struct Chunk {
  uint64_t stream_offset = 0;  ///< elements into KernelProgram::stream
  uint32_t stream_count = 0;   ///< elements
  uint32_t nonzeros = 0;       ///< non-zeros multiplied in one round
  uint64_t index_offset = 0;   ///< entries into KernelProgram::indices
  uint32_t index_count = 0;    ///< entries
  std::vector<PixelTile> tiles;

  bool operator==(const Chunk&) const = default;
};

/// Rows of Y [first_row, first_row + rows) (places in KernelProgram::row_order, if there is one) and the chunks
/// that compute them, to be run in order for one pixel range. Different row groups, and different pixel ranges, are
/// independent: together they are the work items.
struct RowGroup {
  uint32_t first_row = 0, rows = 0;
  uint32_t first_chunk = 0, chunks = 0;

  bool operator==(const RowGroup&) const = default;
};

/// What an index entry may be shifted by: x86-64 scales by 8 bytes at most.
constexpr uint32_t most_index_shift(Isa isa) { return isa == Isa::kX86_64 ? 1 : 2; }

/// A whole kernel. Runs as: for each pixel block, for each row group, for each of its chunks, the chunk over the block.
struct KernelProgram {
  std::string name;
  Target target;
  uint32_t output_channels = 0, input_channels = 0;
  uint64_t nonzeros = 0;
  uint32_t pixels = 0;                           ///< 0: left to run time
  uint32_t input_stride = 0, output_stride = 0;  ///< elements
  uint32_t input_panel = 0, output_panel = 0;    ///< pixels of a panel, equal to the stride; 0: one CHW image
  uint32_t pixel_block = 0;                      ///< pixels (elements) of a work item; the last one may have fewer
  uint32_t pixel_multiple =
      1;              ///< counts are rounded up to this: into the padding of the last panels (both are panels)
  Schedule schedule;  ///< as resolved
  std::vector<uint32_t> row_order;     ///< empty, or which row of Y stands at each place of the row groups
  std::vector<uint32_t> output_order;  ///< empty, or which output channel each row of Y is
  std::vector<RowGroup> groups;
  std::vector<Chunk> chunks;
  std::vector<float> stream;      ///< weights, biases and clamp bounds in order of use
  std::vector<uint32_t> indices;  ///< loop counts and offsets (elements >> index_shift) in order of use
  uint32_t index_bytes = 2;       ///< of an entry in emitted code: 2 or 4, unsigned
  uint32_t index_shift = 0;       ///< up to most_index_shift()

  /// The largest count of a call.
  uint32_t max_pixels() const;
  /// What is computed of `count` pixels: up to the next pixel_multiple.
  uint32_t padded(uint32_t count) const { return (count + pixel_multiple - 1) / pixel_multiple * pixel_multiple; }
  /// Work items of a call over `count` pixels: pixel blocks x row groups.
  uint64_t work_items(uint32_t count) const {
    return (uint64_t{padded(count)} + pixel_block - 1) / pixel_block * groups.size();
  }
  /// Where work items may be divided: after a whole number of every chunk's widest tiles, inside blocks and panels. A
  /// call over whole tiles of one block, or over what is left of all pixels, computes no other way than one over the
  /// block.
  uint32_t pixel_tile() const;
  /// Parts of a call over `count` pixels: runs of pixel_tile pixels x row groups.
  uint64_t tiles(uint32_t count) const {
    return (uint64_t{padded(count)} + pixel_tile() - 1) / pixel_tile() * groups.size();
  }
  /// Elements from one round of a tile to the next: past the panel where the tile is as wide, else past its pixels.
  uint64_t input_step(const PixelTile& tile) const;
  uint64_t output_step(const PixelTile& tile) const;
  /// The element where pixel `pixel` of row 0 stands.
  uint64_t input_place(uint64_t pixel) const;
  uint64_t output_place(uint64_t pixel) const;
  uint64_t micro_ops() const;
  /// Which output channel stands at each place of the row groups; empty if in order.
  std::vector<uint32_t> channel_order() const;
  /// Of weights, biases, bounds and indices as they are emitted.
  uint64_t weight_bytes() const { return stream.size() * sizeof(float) + indices.size() * index_bytes; }
};

/// How far the cursors are from their start at the end of a round; counts come from the index stream, so it is known.
/// Backends move them back by it.
struct CursorTravel {
  uint64_t weights = 0, entries = 0, rows = 0;
};
CursorTravel cursor_travel(const KernelProgram& program, const Chunk& chunk, const PixelTile& tile);

/// Whether the tile has loops or pointers; the others are straight code.
bool is_rolled(const PixelTile& tile);

bool operator==(const KernelProgram&, const KernelProgram&);

/// How an operation is written and which operands it has; the printer, parser, verifier and backends share this table.
struct OpInfo {
  std::string_view name;
  bool writes_d, reads_d, reads_a, reads_b, has_lane, has_access, has_lanes;
};
const OpInfo& op_info(Op op);

/// The textual form (docs/kernel-program.md). Floats are hexadecimal, so that parse(print(p)) == p.
std::string print(const KernelProgram& program);
/// Errors (kBadInput): `line 12: ...`, rule and both values. The result is not verified.
Result<KernelProgram> parse_kernel_program(std::string_view text);

/// Proves that the program may run: registers inside the target's file and written before they are read in every tile;
/// operations the target has; every X access inside a row (column + lanes <= width, so inside the row's pixels) and
/// every row below K; Y likewise inside its row group; W and I inside the chunk's slices; groups and chunks cover all
/// rows once; tile widths consume every pixel count the program can be given, and no tile leaves its panel; lanes the
/// target can load. Loops are walked with their real counts and offsets, as the interpreter would, and have to use up
/// weights or indices in every turn. Errors (kInternal) name chunk, tile and operation.
Status verify(const KernelProgram& program);

/// Executes the program in plain C++: y[m * output_stride + p] for m < M, p < pixels. Fused or two-step arithmetic as
/// the target says; bit for bit what every backend's code computes. x holds (K - 1) * input_stride + pixels elements at
/// least (as panels: K * input_panel for each), y likewise. Pixels must equal program.pixels unless that is left to run
/// time. Requires a verified program.
void interpret(const KernelProgram& program, std::span<const float> x, std::span<float> y, uint32_t pixels);

/// Runs `count` runs of pixel_tile pixels, from number `first` on, of a call over program.pixels.
void interpret_tiles(const KernelProgram& program, std::span<const float> x, std::span<float> y, uint32_t first,
                     uint32_t count);

}  // namespace espalier
