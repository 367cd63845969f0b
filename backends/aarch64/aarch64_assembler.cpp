#include "backends/aarch64/aarch64_assembler.h"

#include <algorithm>

#include "backends/aarch64/address_windows.h"
#include "backends/aarch64/constants.h"
#include "backends/aarch64/registers.h"
#include "backends/aarch64/rolled_control.h"

namespace espalier {
namespace {

using aarch64::Address;
using aarch64::AddressWindows;
using aarch64::bits;
using aarch64::CodeBuffer;
using aarch64::Field;
using aarch64::imm12;
using aarch64::Insn;
using aarch64::kStackPointer;
using aarch64::rd;
using aarch64::rm;
using aarch64::rn;

constexpr int kFirstSaved = 8, kLastSaved = 15;  // AAPCS64: d8-d15 belong to the caller
constexpr uint32_t kFloatBytes = 4;
constexpr int64_t kQuadBytes = 16, kImm7Limit = 64;
constexpr int64_t kPrefetchAlignment = 16;
// The prefetch operation sits where other instructions name their first register: pldl1keep is 0.
constexpr uint32_t kToL2 = 2, kToStore = 16;

// One operation takes at most 7 instructions (a far address is 4, a splat 2), 8 with room for the loop around it:
// b.cond reaches 2^18 instructions, b 2^25.
constexpr size_t kInstructionsPerOp = 8;
constexpr size_t kShortBranchOps = (1 << 18) / kInstructionsPerOp - 8;
constexpr size_t kMaxTileOps = (1 << 25) / kInstructionsPerOp - 8;

/// The instructions that move 4, 2 or 1 lanes, by scaled offset and by near offset.
struct Move {
  Insn far, near;
};
constexpr Move load_of(uint32_t lanes) {
  if (lanes == 4) return {Insn::kLoadQ, Insn::kLoadQNear};
  return lanes == 2 ? Move{Insn::kLoadD, Insn::kLoadDNear} : Move{Insn::kLoadS, Insn::kLoadSNear};
}
constexpr Move store_of(uint32_t lanes) {
  if (lanes == 4) return {Insn::kStoreQ, Insn::kStoreQNear};
  return lanes == 2 ? Move{Insn::kStoreD, Insn::kStoreDNear} : Move{Insn::kStoreS, Insn::kStoreSNear};
}

class ChunkAssembler {
 public:
  ChunkAssembler(const KernelProgram& program, const aarch64::WordTable& words)
      : program_(program), code_(words), windows_(code_), control_(program, code_) {}

  std::string run(const Chunk& chunk) {
    if (std::any_of(chunk.tiles.begin(), chunk.tiles.end(), is_rolled)) make_room_for_cursors();
    find_saved_registers(chunk);
    move_saved_registers(Insn::kSub, Insn::kStorePairD, Insn::kStoreD);
    for (const PixelTile& tile : chunk.tiles) emit_tile(chunk, tile);
    move_saved_registers(Insn::kAdd, Insn::kLoadPairD, Insn::kLoadD);
    code_.emit(Insn::kReturn);
    return code_.bytes();
  }

 private:
  void make_room_for_cursors() {
    scratch_ = aarch64::kRolledScratch;
    straight_windows_ = aarch64::kMixedWindows;
  }

  void find_saved_registers(const Chunk& chunk) {
    uint64_t written = 0;
    for (const PixelTile& tile : chunk.tiles)
      for (const MicroOp& op : tile.ops)
        if (op_info(op.op).writes_d) written |= uint64_t{1} << op.d;
    for (int i = kFirstSaved; i <= kLastSaved; ++i)
      if (written >> i & 1) saved_.push_back(i);
  }

  uint32_t saved_bytes() const {
    return static_cast<uint32_t>((saved_.size() + 1) / 2 * 16);
  }  // sp stays 16-byte aligned

  /// Saves before (kSub) or restores and pops after (kAdd).
  void move_saved_registers(Insn stack, Insn pair, Insn single) {
    if (saved_.empty()) return;
    const uint32_t move_stack = rd(kStackPointer) | rn(kStackPointer) | imm12(saved_bytes());
    if (stack == Insn::kSub) code_.emit(stack, move_stack);
    size_t i = 0;
    for (; i + 1 < saved_.size(); i += 2)
      code_.emit(pair, rd(saved_[i]) | bits(Field::kRt2, saved_[i + 1]) | rn(kStackPointer) | bits(Field::kImm7, i));
    if (i < saved_.size()) code_.emit(single, rd(saved_[i]) | rn(kStackPointer) | imm12(i));
    if (stack == Insn::kAdd) code_.emit(stack, move_stack);
  }

  /// subs pixels, width; b.lo done; loop: ops; advance; subs pixels, width; b.hs loop; done: add pixels, width
  void emit_tile(const Chunk& chunk, const PixelTile& tile) {
    const bool near = tile.ops.size() <= kShortBranchOps;
    count_off(tile.width);
    const size_t skip = code_.size();
    if (near) {
      code_.emit(Insn::kBranchIf, bits(Field::kCond, aarch64::kLower));
    } else {
      code_.emit(Insn::kBranchIf, bits(Field::kCond, aarch64::kHigherOrSame) | bits(Field::kImm19, 2));
      code_.emit(Insn::kBranch);
    }
    const size_t loop = code_.size();
    is_rolled(tile) ? emit_rolled(chunk, tile, near) : emit_straight(tile);
    advance(aarch64::kX, program_.input_step(tile) * kFloatBytes);
    advance(aarch64::kY, program_.output_step(tile) * kFloatBytes);
    count_off(tile.width);
    branch_back(loop, near);
    if (near)
      code_.patch(skip, bits(Field::kImm19, code_.size() - skip));
    else
      code_.patch(skip + 1, bits(Field::kImm26, code_.size() - skip - 1));
    if (&tile != &chunk.tiles.back()) advance(aarch64::kPixels, tile.width);
  }

  void branch_back(size_t loop, bool near) {
    if (near) {
      const auto distance = static_cast<int64_t>(loop) - static_cast<int64_t>(code_.size());
      code_.emit(Insn::kBranchIf, bits(Field::kCond, aarch64::kHigherOrSame) | bits(Field::kImm19, distance));
      return;
    }
    code_.emit(Insn::kBranchIf, bits(Field::kCond, aarch64::kLower) | bits(Field::kImm19, 2));
    code_.emit(Insn::kBranch, bits(Field::kImm26, static_cast<int64_t>(loop) - static_cast<int64_t>(code_.size())));
  }

  /// Windows are forgotten at both ends of a tile, so scratch_ is free here.
  void advance(uint32_t reg, uint64_t amount) { aarch64::add_constant(code_, reg, reg, amount, scratch_); }
  void count_off(uint32_t pixels) { aarch64::subtract_constant(code_, aarch64::kPixels, pixels, scratch_); }

  void emit_straight(const PixelTile& tile) {
    windows_.forget(straight_windows_);
    for (const MicroOp& op : tile.ops) emit(op);
  }

  void emit_rolled(const Chunk& chunk, const PixelTile& tile, bool near) {
    windows_.forget(aarch64::kRolledWindows);
    control_.begin(tile, near);
    size_t middle = 0;
    for (size_t i = 0; i < tile.ops.size(); ++i) {
      const MicroOp& op = tile.ops[i];
      if (middle != 0 && i >= middle) control_.load_ahead(), middle = 0;
      if (op.op == Op::kPoint)
        i += emit_points(std::span(tile.ops).subspan(i)) - 1;
      else if (op.op == Op::kLoopIndexed)
        middle = i + begin_indexed(std::span(tile.ops).subspan(i));
      else if (op.op >= Op::kLoop)
        emit_control(op);
      else
        i += emit_one_or_pair(std::span(tile.ops).subspan(i)) - 1;
    }
    control_.end(cursor_travel(program_, chunk, tile));
  }

  /// Pointers keep the windows.
  size_t emit_points(std::span<const MicroOp> ops) {
    const size_t together = control_.emit_points(ops);
    if (together == 0) control_.emit(ops[0]);
    return std::max<size_t>(1, together);
  }
  size_t emit_one_or_pair(std::span<const MicroOp> ops) {
    if (ops.size() > 1 && pair(ops[0], ops[1])) return 2;
    emit(ops[0]);
    return 1;
  }

  /// Where the middle of the loop is, behind its pointers: loads for the next turn have time there, and do not come
  /// before this turn's.
  size_t begin_indexed(std::span<const MicroOp> ops) {
    size_t end = 1, pointers = 0;
    for (; ops[end].op < Op::kLoop || ops[end].op >= Op::kPoint; ++end)
      if (ops[end].op == Op::kPoint) pointers = end + 1;
    windows_.forget(aarch64::kRolledWindows);
    control_.begin_indexed(ops[0], ops.subspan(1, ops[end].op == Op::kEndLoop ? end - 1 : 0));
    return std::max(end / 2, pointers);
  }
  void emit_control(const MicroOp& op) {
    const bool keeps_windows = op.op == Op::kAdvance && op.buffer == Buffer::kI;
    if (!keeps_windows) windows_.forget(aarch64::kRolledWindows);
    control_.emit(op);
  }

  int64_t offset_of(const MicroOp& op) const {
    if (op.buffer >= Buffer::kW) return int64_t{op.column} * kFloatBytes;
    const uint64_t stride = op.buffer == Buffer::kX ? program_.input_stride : program_.output_stride;
    return static_cast<int64_t>((op.row * stride + op.column) * kFloatBytes);
  }

  Address reach(const MicroOp& op, int64_t offset, uint32_t bytes) {
    if (op.buffer < Buffer::kXAt) return windows_.reach(op.buffer, offset, bytes);
    const uint32_t pointer = (op.buffer == Buffer::kXAt ? aarch64::kInputs : aarch64::kOutputs) + op.row;
    if (aarch64::is_encodable(offset, bytes)) return {pointer, static_cast<int32_t>(offset)};
    aarch64::add_constant(code_, scratch_, pointer, static_cast<uint64_t>(offset), scratch_);
    return {scratch_, 0};
  }

  void emit(const MicroOp& op) {
    switch (op.op) {
      case Op::kZero:
        return code_.emit(Insn::kZero, rd(op.d));
      case Op::kCopy:
        return code_.emit(Insn::kCopy, rd(op.d) | rn(op.a) | rm(op.a));
      case Op::kLoad:
        return load(op);
      case Op::kStore:
        return move(op, store_of(op.lanes), op.lanes);
      case Op::kSplatLoad:
        return splat_load(op);
      case Op::kSplatLane:
        return code_.emit(Insn::kDupLane, rd(op.d) | rn(op.a) | bits(Field::kDupLane, op.lane));
      case Op::kFma:
        return code_.emit(Insn::kFmla, rd(op.d) | rn(op.a) | rm(op.b));
      case Op::kFmaLane:
        return code_.emit(Insn::kFmlaLane, rd(op.d) | rn(op.a) | rm(op.b) | bits(Field::kFmlaLane, op.lane));
      case Op::kFmaLoad:
      case Op::kFmaSplat:
        return;  // refused by check()
      case Op::kMax:
        return code_.emit(Insn::kMaxnm, rd(op.d) | rn(op.d) | rm(op.a));
      case Op::kMin:
        return code_.emit(Insn::kMinnm, rd(op.d) | rn(op.d) | rm(op.a));
      case Op::kPrefetch:
      case Op::kPrefetchFar:
      case Op::kTouch:
        return prefetch(op);
      default:
        return;  // control is not for single operations
    }
  }

  void move(const MicroOp& op, Move insn, uint32_t lanes) {
    const uint32_t bytes = lanes * kFloatBytes;
    const Address address = reach(op, offset_of(op), bytes);
    const uint32_t registers = rd(op.d) | rn(address.reg);
    const bool is_scaled = address.delta >= 0 && address.delta % bytes == 0;
    if (is_scaled)
      code_.emit(insn.far, registers | imm12(address.delta / bytes));
    else
      code_.emit(insn.near, registers | bits(Field::kImm9, address.delta));
  }

  /// Loads of d and s registers clear the rest of the register. Three lanes occur at the end of a weight slice only.
  void load(const MicroOp& op) {
    if (op.lanes != 3) return move(op, load_of(op.lanes), op.lanes);
    move(op, load_of(2), 2);
    const uint32_t third = windows_.exact(op.buffer, offset_of(op) + 2 * kFloatBytes);
    code_.emit(Insn::kLoadLane2, rd(op.d) | rn(third));
  }

  /// One ldp or stp for two neighbours, where that is possible and the CPU gains by it.
  bool pair(const MicroOp& first, const MicroOp& second) {
    const Pairs pairs = program_.target.cpu->pairs;
    if (pairs == Pairs::kNone || !are_neighbours(first, second)) return false;
    if (pairs == Pairs::kMost && first.op == Op::kLoad && ++neighbours_ % 3 == 0) return false;
    const Address address = reach(first, offset_of(first), kQuadBytes);
    const bool fits = address.delta % kQuadBytes == 0 && address.delta / kQuadBytes < kImm7Limit;
    if (!fits) return false;
    code_.emit(
        first.op == Op::kLoad ? Insn::kLoadPairQ : Insn::kStorePairQ,
        rd(first.d) | bits(Field::kRt2, second.d) | rn(address.reg) | bits(Field::kImm7, address.delta / kQuadBytes));
    return true;
  }
  static bool are_neighbours(const MicroOp& a, const MicroOp& b) {
    const bool same = a.op == b.op && a.lanes == 4 && b.lanes == 4 && a.buffer == b.buffer && a.row == b.row;
    if (!same || b.column != uint64_t{a.column} + 4) return false;
    return a.op == Op::kStore || (a.op == Op::kLoad && a.d != b.d);
  }

  /// ld1r has no offset and decodes into the same load and dup, so it pays only where a register points there already.
  void splat_load(const MicroOp& op) {
    if (windows_.has_exact(op.buffer, offset_of(op)))
      return code_.emit(Insn::kLoadSplat, rd(op.d) | rn(windows_.exact(op.buffer, offset_of(op))));
    move(op, load_of(1), 1);
    code_.emit(Insn::kDupLane, rd(op.d) | rn(op.d));
  }

  void prefetch(const MicroOp& op) {
    const int64_t offset = offset_of(op) & -kPrefetchAlignment;
    const Address address = reach(op, offset, 8);
    const bool is_output = op.buffer == Buffer::kY || op.buffer == Buffer::kYAt;
    const uint32_t hint = rd((op.op == Op::kPrefetchFar ? kToL2 : 0) | (is_output ? kToStore : 0));
    const bool is_scaled = address.delta >= 0 && address.delta % 8 == 0;
    if (is_scaled)
      code_.emit(Insn::kPrefetch, hint | rn(address.reg) | imm12(address.delta / 8));
    else
      code_.emit(Insn::kPrefetchNear, hint | rn(address.reg) | bits(Field::kImm9, address.delta));
  }

  const KernelProgram& program_;
  CodeBuffer code_;
  AddressWindows windows_;
  aarch64::RolledControl control_;
  uint32_t scratch_ = aarch64::kStraightScratch, straight_windows_ = aarch64::kStraightWindows;
  std::vector<uint32_t> saved_;
  uint32_t neighbours_ = 0;  ///< loads that might have been pairs
};

Status check(const KernelProgram& program) {
  if (program.target.vector->name != "neon")
    return internal_error("kernel {} was compiled for {}, not for neon", program.name, program.target.vector->name);
  for (const Chunk& chunk : program.chunks)
    for (const PixelTile& tile : chunk.tiles) {
      if (tile.ops.size() > kMaxTileOps)
        return limit_exceeded("kernel {}: a tile has {} operations, but AArch64 branches reach over {}", program.name,
                              tile.ops.size(), kMaxTileOps);
      for (const MicroOp& op : tile.ops)
        if (op.op == Op::kFmaLoad || op.op == Op::kFmaSplat)
          return internal_error("kernel {}: neon has no operation {}", program.name, op_info(op.op).name);
    }
  return {};
}

}  // namespace

Result<std::vector<std::string>> assemble_aarch64(const KernelProgram& program) {
  if (Status s = check(program); !s) return std::move(s).error();
  const Result<aarch64::WordTable>& words = aarch64::word_table();
  if (!words) return words.error();
  std::vector<std::string> chunks;
  chunks.reserve(program.chunks.size());
  for (const Chunk& chunk : program.chunks) chunks.push_back(ChunkAssembler(program, *words).run(chunk));
  return chunks;
}

}  // namespace espalier
