// The x86-64 instructions that kernels use, encoded by LLVM once and patched afterwards.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backends/mc/mc_target.h"

namespace espalier::x86_64 {

/// General registers by their role in a chunk. System V: x in rdi, y in rsi, w in rdx, pixels in rcx, indices in r8.
/// Straight tiles have windows (see AddressWindow), rolled ones pointers in the same registers; from kOutput on they
/// belong to the caller.
enum class Gpr : uint8_t {
  kX,
  kY,
  kW,
  kPixels,
  kI,
  kXWindow,
  kYWindow,
  kWWindow,
  kScratch,
  kOutput,
  kOuterCount,
  kInnerCount,
  kTileX,
  kTileW,
  kTileI,
  kInput0 = kXWindow,
  kInput1 = kYWindow,
  kInput2 = kWWindow,
  kInput3 = kScratch,
};
inline constexpr int kGprCount = 15;

/// Vector instructions with up to two register operands and maybe one memory operand (base + displacement).
enum class Inst : uint8_t {
  kZero,  // d = 0
  kLoad,  // d = memory, full vector; then by lanes
  kLoad4,
  kLoad2,
  kLoad1,
  kLoadMasked,
  kStore,
  kStore4,
  kStore2,
  kStore1,
  kStoreMasked,
  kCopy,       // d = s
  kLoadGroup,  // d = four floats of memory, in every 128-bit part
  kSplatLane,  // d = lane t of every 128-bit part of s
  kSplatLoad,  // d = splat of one float in memory
  kFma,        // d += s * t
  kFmaLoad,    // d += s * memory
  kFmaLoadMasked,
  kFmaSplat,  // d += s * splat of one float in memory
  kMax,
  kMin,            // d = max(d, s)
  kPrefetch,       // memory, to be read
  kPrefetchWrite,  // memory, to be written
  kPrefetchFar,    // memory, into L2
};
inline constexpr int kInstCount = 24;

/// How much of its vector registers an instruction works on; narrower ones clear the rest. Only avx512 has other widths
/// than the full one, and only for loads, stores, copies and arithmetic of whole or masked vectors.
enum class Width : uint8_t { kFull, kHalf, kQuarter };
inline constexpr int kWidthCount = 3;

/// Encodes instructions for one vector ISA (avx2 or avx512). Not thread-safe.
///
/// Speed: LLVM's encoder takes about 40 ns per instruction. Every (instruction, registers, displacement size) is
/// encoded once and kept; afterwards an instruction is a copy of at most 16 bytes with its displacement, which x86 puts
/// last, overwritten.
class Encoder {
 public:
  static Result<std::unique_ptr<Encoder>> create(bool avx512);

  struct Operands {
    uint8_t d = 0, s = 0, t = 0;
    Gpr base = Gpr::kX;
    int32_t displacement = 0;
    Width width = Width::kFull;
  };
  void emit(Inst inst, const Operands& operands, std::string& out);

  /// Multiple that an 8-bit displacement counts in: 1, or the operand's size under EVEX.
  int32_t displacement_unit(Inst inst, Width width = Width::kFull) const {
    return units_[static_cast<int>(inst)][static_cast<int>(width)];
  }

  /// Whether an 8-bit displacement reaches `distance`: -128 to 127 times `unit`, a power of two. (Without divisions:
  /// they were a quarter of the time of assembling.)
  static bool fits_byte(int64_t distance, int64_t unit) {
    return (distance & (unit - 1)) == 0 && distance >= -128 * unit && distance <= 127 * unit;
  }

  /// Always with a 32-bit displacement.
  void lea(Gpr d, Gpr base, int32_t displacement, std::string& out);
  void add_immediate(Gpr d, int32_t value, std::string& out) const;
  void sub_immediate(Gpr d, int32_t value, std::string& out) const;
  void cmp_immediate(Gpr d, int32_t value, std::string& out) const;
  /// Conditional jumps with a 32-bit offset in the last four bytes, to be patched.
  void jump_if_below(std::string& out) const;
  void jump_if_not_below(std::string& out) const;
  void jump_if_zero(std::string& out) const;
  /// k1 = the lowest `lanes` lanes.
  void set_mask(uint32_t lanes, std::string& out) const;
  /// k1 = as many lanes as pixels (rcx, below 16) remain.
  void set_mask_to_pixels(std::string& out) const;
  void test_pixels(std::string& out) const;
  // What rolled tiles need besides; rare enough to be encoded anew each time.
  void push(Gpr reg, std::string& out) const;
  void pop(Gpr reg, std::string& out) const;
  void copy(Gpr d, Gpr s, std::string& out) const;
  void move_immediate(Gpr d, uint32_t value, std::string& out) const;
  /// d = the unsigned entry of 2 or 4 bytes at base + displacement.
  void load_entry(Gpr d, Gpr base, int32_t displacement, uint32_t bytes, std::string& out) const;
  /// d = base + (index << shift), in bytes.
  void lea_scaled(Gpr d, Gpr base, Gpr index, uint32_t shift, std::string& out) const;
  void test(Gpr reg, std::string& out) const;
  void decrement(Gpr reg, std::string& out) const;
  void jump_if_not_zero(std::string& out) const;
  void vzeroupper_ret(std::string& out) const;

  const McTarget& mc() const { return *mc_; }

 private:
  struct Encoded {
    uint8_t length = 0;  // 0: not encoded yet
    uint8_t bytes[15] = {};
  };
  enum class Displacement : uint8_t { kNone, kByte, kWord };

  Encoder() = default;
  Displacement displacement_class(Inst inst, const Operands& operands) const;
  std::string lea_memo_[kGprCount][kGprCount];

  Encoded& memo(Inst inst, const Operands& operands, Displacement size);
  Encoded encode(Inst inst, const Operands& operands, Displacement size) const;
  void append(const llvm::MCInst& inst, std::string& out) const;
  Status resolve(bool avx512);

  std::unique_ptr<McTarget> mc_;
  unsigned opcodes_[kInstCount][kWidthCount] = {};
  int32_t units_[kInstCount][kWidthCount] = {};
  std::vector<llvm::MCRegister> full_, ymm_, xmm_;  // zmm or ymm, and their low parts
  bool avx512_ = false;
  llvm::MCRegister gprs_[kGprCount], halves_[kGprCount], eax_, k1_;
  unsigned push_ = 0, pop_ = 0, move_ = 0, load16_ = 0, load32_ = 0, sub32_ = 0, test32_ = 0;
  unsigned lea_ = 0, add_ = 0, sub_ = 0, cmp_ = 0, test_ = 0, jcc_ = 0, mov_ = 0, shl_ = 0, kmov_ = 0, vzeroupper_ = 0,
           ret_ = 0, add32_ = 0;
  /// By (instruction, width, d), then by the other operands; filled as they occur.
  std::vector<Encoded> memo_[kInstCount * kWidthCount * 32];
};

}  // namespace espalier::x86_64
