// One round of a tile with loops, pointers and cursors.
#pragma once

#include <vector>

#include "backends/wasm/code_writer.h"
#include "backends/wasm/vector_ops.h"
#include "ir/kernel_program.h"

namespace espalier::wasm {

/// Writes the operations of rolled tiles (is_rolled). Counters, cursors and pointers are locals (ChunkLocal).
class RolledTile {
 public:
  RolledTile(const KernelProgram& program, VectorOps& vectors, CodeWriter& code)
      : program_(program), vectors_(vectors), code_(code) {}

  /// The number of operations written: less than all if that operation has no instruction.
  size_t write(const std::vector<MicroOp>& ops);

 private:
  void cut(const std::vector<MicroOp>& ops, size_t i);
  bool control(const MicroOp& op);
  bool begin_loop(const MicroOp& op);
  bool begin_indexed_loop(const MicroOp& op);
  bool open_loop(bool conditional);
  bool end_loop();
  bool point(const MicroOp& op);
  bool advance(const MicroOp& op);
  void load_index(uint32_t entry);
  uint32_t turns(size_t depth) const { return kTurns + static_cast<uint32_t>(depth); }
  void get(uint32_t local) { code_.write(Instruction::kGetI32, local); }
  void copy(uint32_t from, uint32_t to);

  const KernelProgram& program_;
  VectorOps& vectors_;
  CodeWriter& code_;
  std::vector<bool> conditional_;         // open loops: whether an `if` is around them
  bool in_block_ = false;                 // of sums
  size_t sums_ = 0, sums_per_block_ = 0;  // in the block, and when it is full
};

}  // namespace espalier::wasm
