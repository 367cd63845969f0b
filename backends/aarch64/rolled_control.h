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
  /// Begins a loop whose entries may be loaded one turn ahead, so that pointers do not wait for them: `body` is what
  /// follows up to its kEndLoop. So it is in loops that begin with four pointers and may have four others later, use
  /// their cursors in reach and open no loop. The last turn loads 8 to 32 bytes past its entries, of whatever comes
  /// behind them in the object (backends/mc/object_writer.cpp). Loop of 2 rows x 7 vectors, llvm-mca's cycles per fmla:
  /// neoverse-n1 0.61 and 0.54, cortex-a72 1.14 and 1.08; simulated Cortex-A72, 512x512 at 196 pixels in panels: 9.1
  /// and 9.6 GFLOP/s.
  void begin_indexed(const MicroOp& op, std::span<const MicroOp> body);
  /// To be called once in the body, behind all pointers: loads the next turn's entries, if that is so.
  void load_ahead();
  /// One load for the entries of several pointers in a row, where `ops` begin with such: how many of them it has
  /// emitted, or 0.
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
  void end_loop();
  void point(const MicroOp& op);
  bool reaches_cursors(std::span<const MicroOp> body) const;
  void load_entries(uint64_t offset);
  bool has_entry_cursor() const;
  bool four_halves(std::span<const MicroOp> ops);
  bool four_words_ahead(std::span<const MicroOp> ops);
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
  uint64_t next_entries_ = 0;  ///< where the next turn's stand, if so: bytes from the cursor
  uint32_t groups_ = 0;        ///< of four pointers in a turn, whose entries are loaded a turn ahead; 0: not so
  uint32_t group_ = 0;         ///< the next one
  std::vector<Loop> loops_;
};

}  // namespace espalier::aarch64
