// Additions and subtractions of constants that instructions may be too short for.
#pragma once

#include <cstdint>

#include "backends/aarch64/code_buffer.h"

namespace espalier::aarch64 {

inline constexpr uint64_t kImm12Limit = 1 << 12;

/// reg = value, below 2^32.
inline void move_constant(CodeBuffer& code, uint32_t reg, uint64_t value) {
  code.emit(Insn::kMovz, rd(reg) | bits(Field::kImm16, static_cast<int64_t>(value & 0xffff)));
  if (value >> 16 & 0xffff)
    code.emit(Insn::kMovk16, rd(reg) | bits(Field::kImm16, static_cast<int64_t>(value >> 16 & 0xffff)));
}

/// to = from + amount; amounts of 4096 and more overwrite `scratch`, which may be `to`.
inline void add_constant(CodeBuffer& code, uint32_t to, uint32_t from, uint64_t amount, uint32_t scratch) {
  if (amount < kImm12Limit) return code.emit(Insn::kAdd, rd(to) | rn(from) | imm12(static_cast<int64_t>(amount)));
  move_constant(code, scratch, amount);
  code.emit(Insn::kAddReg, rd(to) | rn(from) | rm(scratch));
}

/// reg = reg - amount, and the flags for it; otherwise as add_constant.
inline void subtract_constant(CodeBuffer& code, uint32_t reg, uint64_t amount, uint32_t scratch) {
  if (amount < kImm12Limit) return code.emit(Insn::kSubs, rd(reg) | rn(reg) | imm12(static_cast<int64_t>(amount)));
  move_constant(code, scratch, amount);
  code.emit(Insn::kSubsReg, rd(reg) | rn(reg) | rm(scratch));
}

}  // namespace espalier::aarch64
