// The AArch64 instructions that kernels are made of, as 32-bit words with holes.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "ir/error.h"

namespace espalier::aarch64 {

enum class Insn : uint8_t {
  kFmla,             ///< fmla vd.4s, vn.4s, vm.4s
  kFmlaLane,         ///< fmla vd.4s, vn.4s, vm.s[lane]
  kMaxnm,            ///< fmaxnm vd.4s, vn.4s, vm.4s
  kMinnm,            ///< fminnm vd.4s, vn.4s, vm.4s
  kZero,             ///< movi vd.2d, #0
  kDupLane,          ///< dup vd.4s, vn.s[lane]
  kCopy,             ///< orr vd.16b, vn.16b, vm.16b
  kLoadQ,            ///< ldr qd, [xn, #imm12 * 16]
  kLoadD,            ///< ldr dd, [xn, #imm12 * 8]
  kLoadS,            ///< ldr sd, [xn, #imm12 * 4]
  kLoadQNear,        ///< ldur qd, [xn, #imm9]
  kLoadDNear,        ///< ldur dd, [xn, #imm9]
  kLoadSNear,        ///< ldur sd, [xn, #imm9]
  kStoreQ,           ///< str qd, [xn, #imm12 * 16]
  kStoreD,           ///< str dd, [xn, #imm12 * 8]
  kStoreS,           ///< str sd, [xn, #imm12 * 4]
  kStoreQNear,       ///< stur qd, [xn, #imm9]
  kStoreDNear,       ///< stur dd, [xn, #imm9]
  kStoreSNear,       ///< stur sd, [xn, #imm9]
  kLoadSplat,        ///< ld1r { vd.4s }, [xn]
  kLoadLane2,        ///< ld1 { vd.s }[2], [xn]
  kPrefetch,         ///< prfm pldl1keep, [xn, #imm12 * 8]
  kPrefetchNear,     ///< prfum pldl1keep, [xn, #imm9]
  kStorePairD,       ///< stp dd, dt2, [xn, #imm7 * 8]
  kLoadPairD,        ///< ldp dd, dt2, [xn, #imm7 * 8]
  kLoadPairQ,        ///< ldp qd, qt2, [xn, #imm7 * 16]
  kStorePairQ,       ///< stp qd, qt2, [xn, #imm7 * 16]
  kLoadPairW,        ///< ldp wd, wt2, [xn, #imm7 * 4]
  kLoadPairXPost,    ///< ldp xd, xt2, [xn], #imm7 * 8
  kLoadHalf,         ///< ldrh wd, [xn, #imm12 * 2]
  kLoadWord,         ///< ldr wd, [xn, #imm12 * 4]
  kLoadDoubleNear,   ///< ldur xd, [xn, #imm9]
  kAdd,              ///< add xd, xn, #imm12
  kAddPages,         ///< add xd, xn, #imm12, lsl #12
  kSub,              ///< sub xd, xn, #imm12
  kSubPages,         ///< sub xd, xn, #imm12, lsl #12
  kSubs,             ///< subs xd, xn, #imm12
  kAddReg,           ///< add xd, xn, xm, lsl #shift
  kAddHalf,          ///< add xd, xn, wm, uxth #shift, where kShift is kHalf | shift; with kWord uxtw
  kBitField,         ///< ubfm xd, xn, #immr, #shift: bits immr..shift of xn
  kSubsReg,          ///< subs xd, xn, xm
  kMovz,             ///< movz xd, #imm16
  kMovk16,           ///< movk xd, #imm16, lsl #16
  kMovk32,           ///< movk xd, #imm16, lsl #32
  kBranchIf,         ///< b.cond #imm19 * 4, from this instruction
  kBranchIfZero,     ///< cbz xd, #imm19 * 4
  kBranchIfNotZero,  ///< cbnz xd, #imm19 * 4
  kBranch,           ///< b #imm26 * 4
  kReturn,           ///< ret
};
inline constexpr int kInsnCount = static_cast<int>(Insn::kReturn) + 1;

/// The holes, named as in the Arm Architecture Reference Manual (DDI 0487), section C4.1. Lanes count fp32.
enum class Field : uint8_t {
  kNone,
  kRd,
  kRn,
  kRm,
  kRt2,
  kImm12,
  kImm9,
  kImm7,
  kImm16,
  kImm19,
  kImm26,
  kCond,
  kShift,
  kImmr,
  kFmlaLane,
  kDupLane
};

/// `value` in the bits of `field`; bits that do not fit are cut off.
constexpr uint32_t bits(Field field, int64_t value) {
  const auto v = static_cast<uint32_t>(value);
  switch (field) {
    case Field::kNone:
      return 0;
    case Field::kRd:
      return v & 31;
    case Field::kRn:
      return (v & 31) << 5;
    case Field::kRm:
      return (v & 31) << 16;
    case Field::kRt2:
      return (v & 31) << 10;
    case Field::kImm12:
      return (v & 0xfff) << 10;
    case Field::kImm9:
      return (v & 0x1ff) << 12;
    case Field::kImm7:
      return (v & 0x7f) << 15;
    case Field::kImm16:
      return (v & 0xffff) << 5;
    case Field::kImm19:
      return (v & 0x7ffff) << 5;
    case Field::kImm26:
      return v & 0x3ffffff;
    case Field::kCond:
      return v & 15;
    case Field::kShift:
      return (v & 63) << 10;
    case Field::kImmr:
      return (v & 63) << 16;
    case Field::kFmlaLane:
      return (v >> 1 & 1) << 11 | (v & 1) << 21;
    case Field::kDupLane:
      return (v & 3) << 19;
  }
  return 0;
}

constexpr uint32_t rd(int64_t reg) { return bits(Field::kRd, reg); }
constexpr uint32_t rn(int64_t reg) { return bits(Field::kRn, reg); }
constexpr uint32_t rm(int64_t reg) { return bits(Field::kRm, reg); }
constexpr uint32_t imm12(int64_t value) { return bits(Field::kImm12, value); }

inline constexpr uint32_t kStackPointer = 31;
/// The extensions of kAddHalf, beside its shift.
inline constexpr uint32_t kHalf = 1 << 3, kWord = 2 << 3;
/// Conditions of kBranchIf after a subtraction of unsigned numbers.
inline constexpr uint32_t kEqual = 0, kNotEqual = 1, kHigherOrSame = 2, kLower = 3;

/// How LLVM knows an instruction: its name there, and each of its operands in LLVM's order.
struct OperandInfo {
  char kind = 0;  ///< q, d, s, x, w: a register of that class; t: the first operand again; i: immediate; l: x30
  Field field = Field::kNone;  ///< where the operand stands; immediates without one have the value `fixed`
  int fixed = 0;
};
struct InsnInfo {
  std::string_view llvm_name;
  std::array<OperandInfo, 5> operands;  ///< up to the first of kind 0
};
const InsnInfo& insn_info(Insn insn);

/// Every instruction as LLVM encodes it with all fields 0; OR the fields into it.
using WordTable = std::array<uint32_t, kInsnCount>;

/// Built once per process. Errors (kInternal, kUnsupported): this LLVM lacks an instruction or AArch64.
const Result<WordTable>& word_table();

}  // namespace espalier::aarch64
