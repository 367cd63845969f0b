// Vector micro-operations as WebAssembly instructions.
#pragma once

#include <array>

#include "backends/wasm/chunk_locals.h"
#include "backends/wasm/code_writer.h"
#include "ir/kernel_program.h"

namespace espalier::wasm {

/// Writes one operation after another. Vector registers are v128 locals from `first_vector` on, every address is a
/// local plus a constant offset.
class VectorOps {
 public:
  VectorOps(const KernelProgram& program, uint32_t first_vector, CodeWriter& code);

  /// Whether x, w and i are the cursors that a rolled tile moves, or where the round began.
  void use_cursors(bool rolled);
  /// The local that an access is relative to.
  uint32_t base(const MicroOp& op) const;
  /// False for an operation or a lane count without an instruction, and for loops, pointers and cursors.
  bool write(const MicroOp& op);

 private:
  void get(uint8_t reg);
  bool set(uint8_t reg);
  uint32_t offset(const MicroOp& op) const;
  bool memory(Instruction instruction, const MicroOp& op);
  bool touch(const MicroOp& op);
  bool load(const MicroOp& op);
  bool load3(const MicroOp& op);
  bool store(const MicroOp& op);
  bool splat_lane(const MicroOp& op);
  bool multiply_add(const MicroOp& op);
  bool clamp(Instruction instruction, const MicroOp& op);

  CodeWriter& code_;
  uint32_t first_vector_;
  bool fused_;
  std::array<uint32_t, 6> bases_;    // locals, by Buffer
  std::array<uint32_t, 6> strides_;  // elements between rows, by Buffer
};

}  // namespace espalier::wasm
