#include "backends/x86_64/x86_64_assembler.h"

#include <cstring>

#include "backends/x86_64/needed_lanes.h"
#include "backends/x86_64/x86_64_instructions.h"

namespace espalier {
namespace x86_64 {
namespace {

/// Buffer registers and their windows, by Buffer.
constexpr Gpr kBases[] = {Gpr::kX, Gpr::kY, Gpr::kW};
constexpr Gpr kWindows[] = {Gpr::kXWindow, Gpr::kYWindow, Gpr::kWWindow};
/// Pointers into the input, by number; loop counters, by depth; what rolled tiles take from the caller.
constexpr Gpr kInputs[kInputPointers] = {Gpr::kInput0, Gpr::kInput1, Gpr::kInput2, Gpr::kInput3};
constexpr Gpr kCounts[kMaxLoopDepth] = {Gpr::kOuterCount, Gpr::kInnerCount};
constexpr Gpr kSaved[] = {Gpr::kOutput, Gpr::kOuterCount, Gpr::kInnerCount, Gpr::kTileX, Gpr::kTileW, Gpr::kTileI};

/// A register that stands inside a buffer, so that nearby accesses need one displacement byte and not four.
///
/// An access at a far offset costs 3 bytes more than a near one, a window 7 bytes (lea) and one instruction; so a
/// window opens where enough of the following accesses will use it.
struct AddressWindow {
  bool open = false;
  int64_t offset = 0;
};
constexpr int kWindowUses = 3;  // accesses that pay for one lea
constexpr size_t kLookAhead = 16;
constexpr int64_t kGroupBytes = 16;  // four weights, which are loaded as one, count displacements in these

/// By Op, for full vectors. The verifier keeps fma_lane from targets without it.
constexpr Inst kFullForms[kOpCount] = {
    Inst::kZero,
    Inst::kCopy,
    Inst::kLoad,
    Inst::kStore,
    Inst::kSplatLoad,
    Inst::kSplatLane,
    Inst::kFma,
    /* fma_lane */ Inst::kZero,
    Inst::kFmaLoad,
    Inst::kFmaSplat,
    Inst::kMax,
    Inst::kMin,
    Inst::kPrefetch,
    Inst::kPrefetchFar,
    /* touch */ Inst::kPrefetch,
    // Loops, pointers and cursors have functions of their own.
    Inst::kZero,
    Inst::kZero,
    Inst::kZero,
    Inst::kZero,
    Inst::kZero,
};

class ChunkAssembler {
 public:
  ChunkAssembler(const KernelProgram& program, Encoder& encoder)
      : program_(program), encoder_(encoder), full_lanes_(program.target.vector->lanes) {
    for (int op = 0; op < kOpCount; ++op) {
      has_access_[op] = op_info(static_cast<Op>(op)).has_access;
      has_lanes_[op] = op_info(static_cast<Op>(op)).has_lanes;
    }
  }

  std::string run(const Chunk& chunk) {
    out_.reserve(chunk.tiles.empty() ? 64 : 256 + chunk.tiles.size() * chunk.tiles[0].ops.size() * 7);
    const bool saves = std::any_of(chunk.tiles.begin(), chunk.tiles.end(), is_rolled);
    if (saves)
      for (const Gpr reg : kSaved) encoder_.push(reg, out_);
    for (const PixelTile& tile : chunk.tiles) {
      narrow(tile);
      tile.remainder ? assemble_remainder(tile) : assemble_loop(tile);
    }
    if (saves)
      for (size_t i = std::size(kSaved); i-- > 0;) encoder_.pop(kSaved[i], out_);
    encoder_.vzeroupper_ret(out_);
    return std::move(out_);
  }

 private:
  void patch_jump(size_t end_of_jump, size_t target) {
    const auto offset = static_cast<int32_t>(static_cast<int64_t>(target) - static_cast<int64_t>(end_of_jump));
    std::memcpy(out_.data() + end_of_jump - 4, &offset, 4);
  }

  void assemble_loop(const PixelTile& tile) {
    const auto width = static_cast<int32_t>(tile.width);
    encoder_.cmp_immediate(Gpr::kPixels, width, out_);
    encoder_.jump_if_below(out_);
    const size_t skip = out_.size();
    set_partial_mask(tile);
    const size_t head = out_.size();
    assemble_ops(tile);
    encoder_.add_immediate(Gpr::kX, static_cast<int32_t>(program_.input_step(tile) * 4), out_);
    encoder_.add_immediate(Gpr::kY, static_cast<int32_t>(program_.output_step(tile) * 4), out_);
    encoder_.sub_immediate(Gpr::kPixels, width, out_);
    encoder_.cmp_immediate(Gpr::kPixels, width, out_);
    encoder_.jump_if_not_below(out_);
    patch_jump(out_.size(), head);
    patch_jump(skip, out_.size());
  }

  void assemble_remainder(const PixelTile& tile) {
    encoder_.test_pixels(out_);
    encoder_.jump_if_zero(out_);
    const size_t skip = out_.size();
    encoder_.set_mask_to_pixels(out_);
    assemble_ops(tile);
    patch_jump(skip, out_.size());
  }

  /// Finds out how narrow operations may be; tiles of whole vectors need no look at them.
  void narrow(const PixelTile& tile) {
    has_narrow_ = full_lanes_ == 16 && std::any_of(tile.ops.begin(), tile.ops.end(),
                                                   [&](auto& op) { return op.op == Op::kStore && op.lanes != 16; });
    if (!has_narrow_) return;
    first_op_ = tile.ops.data();
    needed_lanes_ = needed_lanes(tile, full_lanes_);
  }
  static Width width_of(uint32_t lanes) {
    return lanes > 8 || lanes == kRemainingLanes ? Width::kFull : lanes > 4 ? Width::kHalf : Width::kQuarter;
  }
  static uint32_t lanes_of(Width width) { return 16u >> static_cast<int>(width); }
  uint32_t needed(const MicroOp& op) const { return needed_lanes_[static_cast<size_t>(&op - first_op_)]; }
  /// What is written may be as narrow as its readers allow; memory is touched as far as the operation says.
  Width width(const MicroOp& op) const {
    if (!has_narrow_) return Width::kFull;
    switch (op.op) {
      case Op::kCopy:
      case Op::kSplatLoad:
      case Op::kSplatLane:
      case Op::kFma:
      case Op::kFmaLoad:
      case Op::kFmaSplat:
      case Op::kMax:
      case Op::kMin:
        return width_of(needed(op));
      case Op::kLoad:
        return width_of(op.buffer == Buffer::kW ? needed(op) : op.lanes);
      case Op::kStore:
        return width_of(op.lanes);
      default:
        return Width::kFull;
    }
  }

  /// The verifier allows one number of partial lanes per tile; k1 holds it throughout.
  void set_partial_mask(const PixelTile& tile) {
    for (const MicroOp& op : tile.ops) {
      if (!is_masked(op)) continue;
      encoder_.set_mask(op.lanes, out_);
      return;
    }
  }
  bool is_masked(const MicroOp& op) const {
    if (full_lanes_ != 16 || op.buffer == Buffer::kW || !has_lanes_[static_cast<int>(op.op)]) return false;
    return op.lanes == kRemainingLanes || op.lanes < lanes_of(width(op));
  }

  void assemble_ops(const PixelTile& tile) {
    if (is_rolled(tile)) return assemble_rolled(tile);
    for (AddressWindow& window : windows_) window.open = false;
    for (size_t i = 0; i < tile.ops.size(); ++i) assemble(std::span(tile.ops).subspan(i));
  }

  // Rolled tiles: cursors and pointers are registers, all else as in straight code, but without windows.

  /// Cursors go back by copies and not by their travel, which the data decide: chunks of equal loops have equal code,
  /// and equal code is written once (backends/mc/object_writer.cpp).
  void assemble_rolled(const PixelTile& tile) {
    encoder_.copy(Gpr::kTileX, Gpr::kX, out_);
    encoder_.copy(Gpr::kTileW, Gpr::kW, out_);
    encoder_.copy(Gpr::kTileI, Gpr::kI, out_);
    for (const MicroOp& op : tile.ops) op.op >= Op::kLoop ? control(op) : emit(op);
    encoder_.copy(Gpr::kX, Gpr::kTileX, out_);
    encoder_.copy(Gpr::kW, Gpr::kTileW, out_);
    encoder_.copy(Gpr::kI, Gpr::kTileI, out_);
  }

  void control(const MicroOp& op) {
    switch (op.op) {
      case Op::kLoop:
        encoder_.move_immediate(kCounts[loops_.size()], op.column, out_);
        return loops_.push_back({out_.size(), 0});
      case Op::kLoopIndexed:
        return begin_indexed_loop(op);
      case Op::kEndLoop:
        return end_loop();
      case Op::kPoint:
        return point(op);
      case Op::kAdvance:
        return advance(op);
      default:
        return;
    }
  }
  int32_t entry_bytes(const MicroOp& op) const { return static_cast<int32_t>(op.column * program_.index_bytes); }
  void begin_indexed_loop(const MicroOp& op) {
    const Gpr count = kCounts[loops_.size()];
    encoder_.load_entry(count, Gpr::kI, entry_bytes(op), program_.index_bytes, out_);
    encoder_.test(count, out_);
    encoder_.jump_if_zero(out_);
    loops_.push_back({out_.size(), out_.size()});
  }
  void end_loop() {
    const Loop loop = loops_.back();
    loops_.pop_back();
    encoder_.decrement(kCounts[loops_.size()], out_);
    encoder_.jump_if_not_zero(out_);
    patch_jump(out_.size(), loop.head);
    if (loop.skip != 0) patch_jump(loop.skip, out_.size());
  }
  void point(const MicroOp& op) {
    const bool is_input = op.buffer == Buffer::kXAt;
    const Gpr pointer = is_input ? kInputs[op.row] : Gpr::kOutput;
    encoder_.load_entry(pointer, Gpr::kI, entry_bytes(op), program_.index_bytes, out_);
    encoder_.lea_scaled(pointer, is_input ? Gpr::kTileX : Gpr::kY, pointer, program_.index_shift + 2, out_);
  }
  void advance(const MicroOp& op) {
    const int64_t rows = int64_t{op.row} * program_.input_stride * 4;
    if (op.buffer == Buffer::kX) encoder_.add_immediate(Gpr::kX, static_cast<int32_t>(rows), out_);
    if (op.buffer == Buffer::kW) encoder_.add_immediate(Gpr::kW, static_cast<int32_t>(op.column * 4), out_);
    if (op.buffer == Buffer::kI) encoder_.add_immediate(Gpr::kI, entry_bytes(op), out_);
  }

  void emit(const MicroOp& op) {
    Encoder::Operands operands = registers_of(op);
    if (has_access_[static_cast<int>(op.op)]) {
      operands.base = op.buffer == Buffer::kXAt   ? kInputs[op.row]
                      : op.buffer == Buffer::kYAt ? Gpr::kOutput
                                                  : kBases[static_cast<size_t>(op.buffer)];
      operands.displacement = static_cast<int32_t>(byte_offset(op));
    }
    operands.width = width(op);
    encoder_.emit(instruction(op), operands, out_);
  }

  int64_t byte_offset(const MicroOp& op) const {
    if (op.buffer >= Buffer::kW) return int64_t{op.column} * 4;
    const int64_t stride = op.buffer == Buffer::kX ? program_.input_stride : program_.output_stride;
    return (op.row * stride + op.column) * 4;
  }

  static Inst by_lanes(const MicroOp& op, bool masked, Inst full) {
    // The narrow forms follow their full one: 4, 2, 1 lanes, then masked.
    const int step = masked ? 4 : op.lanes == 4 ? 1 : op.lanes == 2 ? 2 : op.lanes == 1 ? 3 : 0;
    return static_cast<Inst>(static_cast<int>(full) + step);
  }

  /// By table: this is asked several times per operation, and a switch is a mispredicted jump.
  Inst instruction(const MicroOp& op) const {
    const auto code = static_cast<size_t>(op.op);
    if (has_lanes_[code] && op.lanes != full_lanes_) return narrow_instruction(op);
    if (op.op == Op::kPrefetch && op.buffer == Buffer::kY) return Inst::kPrefetchWrite;
    return kFullForms[code];
  }
  Inst narrow_instruction(const MicroOp& op) const {
    if (op.op == Op::kFmaLoad) return is_masked(op) ? Inst::kFmaLoadMasked : Inst::kFmaLoad;
    if (op.op == Op::kLoad && op.buffer == Buffer::kW) return Inst::kLoadGroup;
    if (full_lanes_ == 16 && !is_masked(op)) return kFullForms[static_cast<size_t>(op.op)];
    return by_lanes(op, is_masked(op), kFullForms[static_cast<size_t>(op.op)]);
  }

  static Encoder::Operands registers_of(const MicroOp& op) {
    Encoder::Operands operands;
    operands.d = op.d;
    if (op.op == Op::kFma) operands.s = op.a, operands.t = op.b;
    if (op.op == Op::kFmaLoad) operands.s = op.b;
    if (op.op == Op::kFmaSplat || op.op == Op::kMax || op.op == Op::kMin || op.op == Op::kCopy) operands.s = op.a;
    if (op.op == Op::kSplatLane) operands.s = op.a, operands.t = op.lane;
    return operands;
  }

  void assemble(std::span<const MicroOp> rest) {
    const MicroOp& op = rest[0];
    const Inst inst = instruction(op);
    Encoder::Operands operands = registers_of(op);
    operands.width = width(op);
    if (has_access_[static_cast<int>(op.op)]) address(rest, inst, operands);
    encoder_.emit(inst, operands, out_);
  }

  void address(std::span<const MicroOp> rest, Inst inst, Encoder::Operands& operands) {
    const auto buffer = static_cast<size_t>(rest[0].buffer);
    const int64_t offset = byte_offset(rest[0]);
    const int32_t unit = encoder_.displacement_unit(inst, operands.width);
    AddressWindow& window = windows_[buffer];
    operands.base = kBases[buffer];
    operands.displacement = static_cast<int32_t>(offset);
    if (Encoder::fits_byte(offset, unit)) return;
    if (!(window.open && Encoder::fits_byte(offset - window.offset, unit)) && !open_window(rest, unit, window)) return;
    operands.base = kWindows[buffer];
    operands.displacement = static_cast<int32_t>(offset - window.offset);
  }

  /// Opens a window for this access if enough of the next ones would share it.
  bool open_window(std::span<const MicroOp> rest, int32_t unit, AddressWindow& window) {
    if (is_hint(rest[0].op)) return false;
    const Buffer buffer = rest[0].buffer;
    const int64_t first =
        buffer == Buffer::kW ? byte_offset(rest[0]) / kGroupBytes * kGroupBytes : byte_offset(rest[0]);
    const int64_t start = first + int64_t{128} * unit;
    int uses = 0;
    for (size_t i = 0; i < std::min(rest.size(), kLookAhead) && uses < kWindowUses; ++i) {
      const MicroOp& op = rest[i];
      if (!has_access_[static_cast<int>(op.op)] || op.buffer != buffer) continue;
      uses += Encoder::fits_byte(byte_offset(op) - start, encoder_.displacement_unit(instruction(op), width(op)));
    }
    if (uses < kWindowUses) return false;
    encoder_.lea(kWindows[static_cast<size_t>(buffer)], kBases[static_cast<size_t>(buffer)],
                 static_cast<int32_t>(start), out_);
    window = {true, start};
    return true;
  }

  const KernelProgram& program_;
  Encoder& encoder_;
  uint32_t full_lanes_;
  bool has_narrow_ = false;  // the tile has vectors that are not wholly stored
  const MicroOp* first_op_ = nullptr;
  std::vector<uint8_t> needed_lanes_;                // by operation from first_op_ on, if so
  bool has_access_[kOpCount], has_lanes_[kOpCount];  // of op_info, next to the look-ahead, which asks for them most
  AddressWindow windows_[3];
  /// Open loops: where their bodies begin, and where the jump over them ends (0: none).
  struct Loop {
    size_t head, skip;
  };
  std::vector<Loop> loops_;
  std::string out_;
};

/// Encoders are costly to make and keep what they have encoded, so a thread keeps its own.
Result<Encoder*> thread_encoder(bool avx512) {
  thread_local std::unique_ptr<Encoder> encoders[2];
  std::unique_ptr<Encoder>& encoder = encoders[avx512];
  if (!encoder) {
    auto created = Encoder::create(avx512);
    if (!created) return std::move(created).error();
    encoder = *std::move(created);
  }
  return encoder.get();
}

}  // namespace
}  // namespace x86_64

Result<std::vector<std::string>> assemble_x86_64(const KernelProgram& program) {
  auto encoder = x86_64::thread_encoder(program.target.vector->has_masks);
  if (!encoder) return std::move(encoder).error();
  std::vector<std::string> chunks;
  for (const Chunk& chunk : program.chunks) chunks.push_back(x86_64::ChunkAssembler(program, **encoder).run(chunk));
  return chunks;
}

}  // namespace espalier
