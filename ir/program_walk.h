// Steps through the operations of one round of a tile, with its loops and cursors, but without values.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "ir/kernel_program.h"

namespace espalier {

/// The order in which a round executes its operations, and where the cursors and pointers stand meanwhile. Shared by
/// the interpreter, which adds values, and the verifier, which adds proofs.
///
///     ProgramWalk walk(program, chunk, tile.ops);
///     while (const MicroOp* op = walk.next()) { use *op; walk.step(); }
///
/// Requires balanced loops no deeper than kMaxLoopDepth; index entries outside the slice read as 0.
class ProgramWalk {
 public:
  ProgramWalk(const KernelProgram& program, const Chunk& chunk, const std::vector<MicroOp>& ops)
      : program_(program), chunk_(chunk), ops_(ops) {}

  /// The operation that stands next; null at the end of the round.
  const MicroOp* next() const { return at_ < ops_.size() ? &ops_[at_] : nullptr; }
  size_t position() const { return at_; }

  /// Executes what next() names as far as control goes.
  void step() {
    const MicroOp& op = ops_[at_];
    if (op.op < Op::kLoop) {
      ++at_;
      return;
    }
    step_control(op);
  }

  uint64_t weights() const { return weights_; }  ///< of the cursor of kW, elements behind the slice's start
  uint64_t entries() const { return entries_; }  ///< of the cursor of kI
  uint64_t rows() const { return rows_; }        ///< of the cursor of kX
  uint64_t pointer(const MicroOp& op) const {    ///< of a kXAt or kYAt access: elements behind x or y
    return op.buffer == Buffer::kXAt ? inputs_[op.row] : outputs_[op.row];
  }
  /// Whether the index entry that `op` reads lies in the slice.
  bool reads_inside(const MicroOp& op) const { return entries_ + op.column < chunk_.index_count; }
  uint64_t entry(const MicroOp& op) const {
    return reads_inside(op) ? program_.indices[chunk_.index_offset + entries_ + op.column] : 0;
  }
  /// Whether the turn that ends here has moved a cursor since it began.
  bool has_moved_on() const { return travel() != loops_[depth_ - 1].travel; }

 private:
  struct Loop {
    size_t first = 0;  // operation
    uint64_t turns = 0, travel = 0;
  };

  uint64_t travel() const { return weights_ + entries_ + rows_; }
  void step_control(const MicroOp& op) {
    switch (op.op) {
      case Op::kLoop:
        return enter(op.column);
      case Op::kLoopIndexed:
        return enter(entry(op));
      case Op::kEndLoop:
        return turn();
      case Op::kPoint:
        (op.buffer == Buffer::kXAt ? inputs_[op.row] : outputs_[op.row]) = entry(op) << program_.index_shift;
        break;
      case Op::kAdvance:
        if (op.buffer == Buffer::kX) rows_ += op.row;
        if (op.buffer == Buffer::kW) weights_ += op.column;
        if (op.buffer == Buffer::kI) entries_ += op.column;
        break;
      default:
        break;
    }
    ++at_;
  }
  void enter(uint64_t turns) {
    ++at_;
    if (turns == 0) return skip();
    loops_[depth_++] = {at_, turns, travel()};
  }
  void skip() {
    for (int open = 1; open > 0; ++at_) open += opens(ops_[at_]) ? 1 : ops_[at_].op == Op::kEndLoop ? -1 : 0;
  }
  static bool opens(const MicroOp& op) { return op.op == Op::kLoop || op.op == Op::kLoopIndexed; }
  void turn() {
    Loop& loop = loops_[depth_ - 1];
    if (--loop.turns == 0) {
      --depth_;
      ++at_;
      return;
    }
    loop.travel = travel();
    at_ = loop.first;
  }

  const KernelProgram& program_;
  const Chunk& chunk_;
  const std::vector<MicroOp>& ops_;
  size_t at_ = 0;
  uint32_t depth_ = 0;
  std::array<Loop, kMaxLoopDepth> loops_{};
  uint64_t weights_ = 0, entries_ = 0, rows_ = 0;
  std::array<uint64_t, kInputPointers> inputs_{};
  std::array<uint64_t, kOutputPointers> outputs_{};
};

}  // namespace espalier
