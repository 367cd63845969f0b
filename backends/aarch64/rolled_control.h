// Loops, pointers and cursors of rolled tiles.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "backends/aarch64/code_buffer.h"
#include "ir/kernel_program.h"

namespace espalier::aarch64 {

/// Emits the control operations (Op::kLoop and after) of one chunk. A loop costs `subs` and `b.ne` a turn, a pointer
/// the load of its index (or a share of one) and one shifted `add`; x, w and i are registers that move (registers.h).
class RolledControl {
 public:
  RolledControl(const KernelProgram& program, CodeBuffer& code) : program_(program), code_(code) {}

  /// At the head of a round. `near`: conditional branches reach over the whole tile (1 MiB).
  void begin(const PixelTile& tile, bool near);
  void emit(const MicroOp& op);
  /// One load for the entries of several pointers in a row, where `ops` begin with such: how many of them it has emitted,
  /// or 0.
  size_t emit_points(std::span<const MicroOp> ops);
  /// At its end: moves the cursors back.
  void end(const CursorTravel& travel);

 private:
  struct Loop {
    size_t head;          ///< position of its first instruction
    size_t skip;          ///< position of the branch over it, if there is one
    bool may_be_skipped;  ///< loop_indexed
  };

  void begin_counted(const MicroOp& op);
  void begin_indexed(const MicroOp& op);
  void end_loop();
  void point(const MicroOp& op);
  bool four_halves(std::span<const MicroOp> ops);
  bool two_words(std::span<const MicroOp> ops);
  void point_to(uint32_t pointer);
  void advance(const MicroOp& op);
  void load_entry(uint32_t reg, uint32_t entry);
  uint32_t next_count() const;
  uint32_t input_base() const;
  uint32_t entry_shift() const;

  const KernelProgram& program_;
  CodeBuffer& code_;
  bool near_ = true, moves_x_ = false;
  std::vector<Loop> loops_;
};

}  // namespace espalier::aarch64
