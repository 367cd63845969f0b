#include "backends/aarch64/rolled_control.h"

#include <algorithm>

#include "backends/aarch64/address_windows.h"
#include "backends/aarch64/constants.h"
#include "backends/aarch64/registers.h"

namespace espalier::aarch64 {
namespace {

constexpr uint32_t kFloatShift = 2;
constexpr uint64_t kFloatBytes = 1 << kFloatShift;
constexpr uint64_t kImm9Limit = 256, kImm7Limit = 64;

/// What the cursor of kI moves in a turn.
uint64_t entries_per_turn(std::span<const MicroOp> body) {
  uint64_t entries = 0;
  for (const MicroOp& op : body)
    if (op.op == Op::kAdvance && op.buffer == Buffer::kI) entries += op.column;
  return entries;
}

/// How many of the first operations are pointers one after the other from entries one after the other; four at most.
size_t pointers_in_a_row(std::span<const MicroOp> ops) {
  auto follows = [&](size_t i) {
    return ops[i].op == Op::kPoint && ops[i].buffer == Buffer::kXAt && ops[i].row == ops[0].row + i &&
           ops[i].column == uint64_t{ops[0].column} + i;
  };
  size_t count = 0;
  while (count < std::min<size_t>(ops.size(), 4) && follows(count)) ++count;
  return count;
}

/// How many times four pointers in a row occur, two at most; 0 if there are others.
uint32_t groups_of_pointers(std::span<const MicroOp> body) {
  uint32_t groups = 0;
  for (size_t i = 0; i < body.size(); ++i) {
    if (body[i].op != Op::kPoint) {
      if (groups == 0) return 0;
      continue;
    }
    if (groups == 2 || pointers_in_a_row(body.subspan(i)) < 4) return 0;
    ++groups, i += 3;
  }
  return groups;
}

int64_t distance(size_t from, size_t to) { return static_cast<int64_t>(to) - static_cast<int64_t>(from); }

}  // namespace

void RolledControl::begin(const PixelTile& tile, bool near) {
  near_ = near;
  moves_x_ = std::any_of(tile.ops.begin(), tile.ops.end(),
                         [](const MicroOp& op) { return op.op == Op::kAdvance && op.buffer == Buffer::kX; });
  if (moves_x_) code_.emit(Insn::kAdd, rd(kTileX) | rn(kX));
}

void RolledControl::end(const CursorTravel& travel) {
  if (moves_x_) code_.emit(Insn::kAdd, rd(kX) | rn(kTileX));
  if (travel.weights != 0) subtract_constant(code_, kW, travel.weights * kFloatBytes, kRolledScratch);
  if (travel.entries != 0) subtract_constant(code_, kIndices, travel.entries * program_.index_bytes, kRolledScratch);
}

void RolledControl::emit(const MicroOp& op) {
  switch (op.op) {
    case Op::kLoop:
      return begin_counted(op);
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

uint32_t RolledControl::input_base() const { return moves_x_ ? kTileX : kX; }
uint32_t RolledControl::entry_shift() const { return kFloatShift + program_.index_shift; }
uint32_t RolledControl::next_count() const { return kCounts + static_cast<uint32_t>(loops_.size()); }

void RolledControl::begin_counted(const MicroOp& op) {
  move_constant(code_, next_count(), op.column);
  loops_.push_back({code_.size(), 0, false});
}

bool RolledControl::reaches_cursors(std::span<const MicroOp> body) const {
  for (const MicroOp& op : body) {
    if (op.op == Op::kPoint) continue;
    if (!op_info(op.op).has_access || op.buffer == Buffer::kXAt || op.buffer == Buffer::kYAt) continue;
    const bool reaches = op.op == Op::kLoad && op.buffer == Buffer::kW && op.lanes == 4 &&
                         is_encodable(static_cast<int64_t>(op.column * kFloatBytes), 4 * kFloatBytes);
    if (!reaches) return false;
  }
  return (body[0].column + 2 * entries_per_turn(body)) * program_.index_bytes < kImm9Limit;
}

void RolledControl::begin_indexed(const MicroOp& op, std::span<const MicroOp> body) {
  const uint32_t count = next_count();
  load_entry(count, op.column);
  if (!near_) code_.emit(Insn::kBranchIfNotZero, rd(count) | bits(Field::kImm19, 2));
  const size_t skip = code_.size();
  near_ ? code_.emit(Insn::kBranchIfZero, rd(count)) : code_.emit(Insn::kBranch);
  const uint32_t groups = groups_of_pointers(body);
  groups_ = groups != 0 && reaches_cursors(body) ? groups : 0;
  if (groups_ != 0) {
    next_entries_ = (body[0].column + entries_per_turn(body)) * program_.index_bytes;
    const uint64_t first = uint64_t{body[0].column} * program_.index_bytes;
    if (has_entry_cursor()) add_constant(code_, kEntryCursor, kIndices, first, kEntryCursor);
    load_entries(first);
  }
  loops_.push_back({code_.size(), skip, true});
}

void RolledControl::load_ahead() {
  if (groups_ != 0) load_entries(next_entries_);
}
/// One load for eight pointers has no place for odd offsets, so its address is one that moves.
bool RolledControl::has_entry_cursor() const { return groups_ == 2 && program_.index_bytes == 2; }
void RolledControl::load_entries(uint64_t offset) {
  group_ = 0;
  if (has_entry_cursor())
    return code_.emit(Insn::kLoadPairXPost, rd(kEntriesAhead) | bits(Field::kRt2, kEntriesAhead - 1) |
                                                rn(kEntryCursor) | bits(Field::kImm7, 2));
  const uint32_t registers = groups_ * program_.index_bytes / 2;
  for (uint32_t i = 0; i < registers; ++i)
    code_.emit(Insn::kLoadDoubleNear, rd(kEntriesAhead - i) | rn(kIndices) | bits(Field::kImm9, offset + 8 * i));
}

void RolledControl::end_loop() {
  groups_ = 0;
  const Loop loop = loops_.back();
  loops_.pop_back();
  code_.emit(Insn::kSubs, rd(next_count()) | rn(next_count()) | imm12(1));
  if (near_) {
    code_.emit(Insn::kBranchIf, bits(Field::kCond, kNotEqual) | bits(Field::kImm19, distance(code_.size(), loop.head)));
  } else {
    code_.emit(Insn::kBranchIf, bits(Field::kCond, kEqual) | bits(Field::kImm19, 2));
    code_.emit(Insn::kBranch, bits(Field::kImm26, distance(code_.size(), loop.head)));
  }
  if (loop.may_be_skipped)
    code_.patch(loop.skip, bits(near_ ? Field::kImm19 : Field::kImm26, distance(loop.skip, code_.size())));
}

/// The index passes through the pointer's own register, so that pointers do not wait for one another.
void RolledControl::point(const MicroOp& op) {
  const bool is_input = op.buffer == Buffer::kXAt;
  const uint32_t pointer = (is_input ? kInputs : kOutputs) + op.row;
  load_entry(pointer, op.column);
  if (is_input) return point_to(pointer);
  code_.emit(Insn::kAddReg, rd(pointer) | rn(kY) | rm(pointer) | bits(Field::kShift, entry_shift()));
}
void RolledControl::point_to(uint32_t input) {
  code_.emit(Insn::kAddReg, rd(input) | rn(input_base()) | rm(input) | bits(Field::kShift, entry_shift()));
}

size_t RolledControl::emit_points(std::span<const MicroOp> ops) {
  const size_t count = pointers_in_a_row(ops);
  if (count == 4 && (four_halves(ops) || four_words_ahead(ops))) return 4;
  return count >= 2 && two_words(ops) ? 2 : 0;
}

/// Cores of phones load one or two registers a cycle, and the inputs need them all (simulated Cortex-A76, layers of
/// MobileNetV1 in panels: 1 % faster than by four loads of halves, with stores by pairs).
bool RolledControl::four_halves(std::span<const MicroOp> ops) {
  constexpr uint32_t kBits = 16;
  const uint64_t offset = uint64_t{ops[0].column} * 2;
  if (program_.index_bytes != 2 || offset >= kImm9Limit) return false;
  const uint32_t first = kInputs + ops[0].row, all = groups_ != 0 ? kEntriesAhead - group_++ : first + 3;
  if (groups_ == 0) code_.emit(Insn::kLoadDoubleNear, rd(all) | rn(kIndices) | bits(Field::kImm9, offset));
  code_.emit(Insn::kAddHalf, rd(first) | rn(input_base()) | rm(all) | bits(Field::kShift, kHalf | entry_shift()));
  for (uint32_t i = 1; i < 4; ++i) {
    code_.emit(Insn::kBitField,
               rd(first + i) | rn(all) | bits(Field::kImmr, kBits * i) | bits(Field::kShift, kBits * (i + 1) - 1));
    point_to(first + i);
  }
  return true;
}
bool RolledControl::four_words_ahead(std::span<const MicroOp> ops) {
  constexpr uint32_t kBits = 32;
  if (program_.index_bytes != 4 || groups_ == 0) return false;
  const uint32_t first = kInputs + ops[0].row;
  for (uint32_t i = 0; i < 4; i += 2) {
    const uint32_t both = kEntriesAhead - 2 * group_ - i / 2;
    code_.emit(Insn::kAddHalf,
               rd(first + i) | rn(input_base()) | rm(both) | bits(Field::kShift, kWord | entry_shift()));
    code_.emit(Insn::kBitField,
               rd(first + i + 1) | rn(both) | bits(Field::kImmr, kBits) | bits(Field::kShift, 2 * kBits - 1));
    point_to(first + i + 1);
  }
  ++group_;
  return true;
}
bool RolledControl::two_words(std::span<const MicroOp> ops) {
  if (program_.index_bytes != 4 || ops[0].column >= kImm7Limit) return false;
  const uint32_t first = kInputs + ops[0].row;
  code_.emit(Insn::kLoadPairW,
             rd(first) | bits(Field::kRt2, first + 1) | rn(kIndices) | bits(Field::kImm7, ops[0].column));
  for (uint32_t i = 0; i < 2; ++i) point_to(first + i);
  return true;
}

void RolledControl::advance(const MicroOp& op) {
  auto move = [&](uint32_t cursor, uint64_t bytes) { add_constant(code_, cursor, cursor, bytes, kRolledScratch); };
  if (op.buffer == Buffer::kX) move(kX, uint64_t{op.row} * program_.input_stride * kFloatBytes);
  if (op.buffer == Buffer::kW) move(kW, op.column * kFloatBytes);
  if (op.buffer == Buffer::kI) move(kIndices, uint64_t{op.column} * program_.index_bytes);
}

/// Writing a w register clears the upper half of its x register.
void RolledControl::load_entry(uint32_t reg, uint32_t entry) {
  const Insn load = program_.index_bytes == 2 ? Insn::kLoadHalf : Insn::kLoadWord;
  if (entry < kImm12Limit) return code_.emit(load, rd(reg) | rn(kIndices) | imm12(entry));
  add_constant(code_, reg, kIndices, uint64_t{entry} * program_.index_bytes, reg);
  code_.emit(load, rd(reg) | rn(reg));
}

}  // namespace espalier::aarch64
