#include "backends/wasm/rolled_tile.h"

#include <algorithm>
#include <set>

namespace espalier::wasm {
namespace {

constexpr uint32_t kElementBytes = 4;
constexpr int32_t kElementShift = 2;  // log2 of it

// What the blocks of straight tiles (chunk_body.cpp) do for V8 up to 12, inside loops: `if (turns)`, always true,
// around a few sums, so that what it loads ahead of them fits the registers that the tile's own sums leave. GFLOP/s on
// a Zen core without, with blocks of 4, 3 and 2 sums, 90 % zeros in panels, one row, 4 non-zeros a turn: 8 vectors,
// Node 20 16.8, 22.0, 22.0, 20.4; Node 22 16.6, 23.7; Node 24 27.7, 27.9. 10 vectors, Node 20 (blocks of 4, 3,
// 2) 22.4, 26.9, 26.0; Node 26 33.8, 34.0, 33.9, which merges them.
constexpr size_t kMostInBlock = 4, kLeastInBlock = 2, kSumsAndBlock = 13;

size_t sums_per_block(const std::vector<MicroOp>& ops) {
  std::set<uint8_t> sums;
  for (const MicroOp& op : ops)
    if (op.op == Op::kFma) sums.insert(op.d);
  return std::clamp(kSumsAndBlock - std::min(kSumsAndBlock, sums.size()), kLeastInBlock, kMostInBlock);
}

bool is_input(const MicroOp& op) {
  return op.op == Op::kLoad && (op.buffer == Buffer::kX || op.buffer == Buffer::kXAt);
}
/// What comes in front of the loads of a non-zero. It stays outside the blocks: a local that is set in one and read
/// behind it would live through the whole loop.
bool prepares(const MicroOp& op) {
  return op.op == Op::kPoint || op.op == Op::kSplatLoad || op.op == Op::kSplatLane ||
         (op.op == Op::kLoad && op.buffer == Buffer::kW);
}
/// Whether loads of the input come next.
bool begins_input(const std::vector<MicroOp>& ops, size_t i) {
  while (i < ops.size() && prepares(ops[i])) ++i;
  return i < ops.size() && is_input(ops[i]);
}
bool moves_control(const MicroOp& op) { return op.op >= Op::kLoop && op.op != Op::kPoint; }

}  // namespace

size_t RolledTile::write(const std::vector<MicroOp>& ops) {
  // Every round begins with the cursors at their start: copies of locals, which cost nothing in optimised code.
  copy(kX, kXCursor);
  copy(kW, kWCursor);
  copy(kIndices, kIndexCursor);
  vectors_.use_cursors(true);
  sums_per_block_ = sums_per_block(ops);
  for (size_t i = 0; i < ops.size(); ++i) {
    cut(ops, i);
    if (!control(ops[i]) && !vectors_.write(ops[i])) return i;
    sums_ += ops[i].op == Op::kFma;
  }
  return ops.size();
}

/// Ends and begins blocks of sums in front of an operation. Loops lie between blocks.
void RolledTile::cut(const std::vector<MicroOp>& ops, size_t i) {
  const bool full = begins_input(ops, i) && (sums_ >= sums_per_block_ || prepares(ops[i]));
  if (in_block_ && (full || moves_control(ops[i]))) {
    code_.write(Instruction::kEnd);
    in_block_ = false;
  }
  if (in_block_ || conditional_.empty() || !is_input(ops[i])) return;
  get(turns(conditional_.size() - 1));
  code_.write(Instruction::kIf);
  in_block_ = true, sums_ = 0;
}

bool RolledTile::control(const MicroOp& op) {
  switch (op.op) {
    case Op::kLoop:
      return begin_loop(op);
    case Op::kLoopIndexed:
      return begin_indexed_loop(op);
    case Op::kEndLoop:
      return end_loop();
    case Op::kPoint:
      return point(op);
    case Op::kAdvance:
      return advance(op);
    default:
      return false;
  }
}

/// turns = N; do {
bool RolledTile::begin_loop(const MicroOp& op) {
  code_.write_constant(static_cast<int32_t>(op.column));
  code_.write(Instruction::kSetI32, turns(conditional_.size()));
  return open_loop(false);
}
/// if ((turns = index)) do {
bool RolledTile::begin_indexed_loop(const MicroOp& op) {
  load_index(op.column);
  code_.write(Instruction::kTeeI32, turns(conditional_.size()));
  code_.write(Instruction::kIf);
  return open_loop(true);
}
bool RolledTile::open_loop(bool conditional) {
  code_.write(Instruction::kLoop);
  conditional_.push_back(conditional);
  return true;
}
/// } while (--turns);
bool RolledTile::end_loop() {
  const bool conditional = conditional_.back();
  conditional_.pop_back();
  get(turns(conditional_.size()));
  code_.write_constant(1);
  code_.write(Instruction::kSubI32);
  code_.write(Instruction::kTeeI32, turns(conditional_.size()));
  code_.write(Instruction::kRepeatIf);
  code_.write(Instruction::kEnd);
  if (conditional) code_.write(Instruction::kEnd);
  return true;
}

/// pointer = x + (index << shift), in bytes; x as the round began, not its cursor
bool RolledTile::point(const MicroOp& op) {
  get(op.buffer == Buffer::kXAt ? kX : kY);
  load_index(op.column);
  code_.write_constant(static_cast<int32_t>(program_.index_shift) + kElementShift);
  code_.write(Instruction::kShlI32);
  code_.write(Instruction::kAddI32);
  code_.write(Instruction::kSetI32, vectors_.base(op));
  return true;
}
void RolledTile::load_index(uint32_t entry) {
  const auto load = program_.index_bytes == 2 ? Instruction::kLoadIndex2 : Instruction::kLoadIndex4;
  get(kIndexCursor);
  code_.write(load, entry * program_.index_bytes);
}

bool RolledTile::advance(const MicroOp& op) {
  const uint32_t entry_bytes = op.buffer == Buffer::kW ? kElementBytes : program_.index_bytes;
  const uint32_t rows_bytes = op.row * program_.input_stride * kElementBytes;
  code_.write_move(vectors_.base(op), op.buffer == Buffer::kX ? rows_bytes : op.column * entry_bytes);
  return true;
}

void RolledTile::copy(uint32_t from, uint32_t to) {
  get(from);
  code_.write(Instruction::kSetI32, to);
}

}  // namespace espalier::wasm
