// The WebAssembly instructions of our kernels as bytes.
#pragma once

#include <array>
#include <cstdint>

#include "backends/mc/mc_target.h"
#include "ir/error.h"

namespace espalier::wasm {

/// Instructions as kernels use them. `_at`: an offset (bytes) follows; `_to`, `_of`: a local's index follows.
enum class Instruction : uint8_t {
  kGetI32,
  kSetI32,
  kTeeI32,
  kDropI32,
  kGetV128,
  kSetV128,
  kConstI32,
  kAddI32,
  kSubI32,
  kMulI32,
  kShlI32,
  kDivUI32,
  kRemUI32,
  kNeI32,
  kLtUI32,
  kGeUI32,
  kSelectI32,
  kIf,
  kElse,
  kLoop,
  kEnd,
  kRepeatIf,
  kEndFunction,
  kLoad4,
  kLoad2,
  kLoad1,
  kLoad1IntoLane2,
  kLoadSplat,
  kLoadIndex2,
  kLoadIndex4,
  kStore4,
  kStore2,
  kStore1,
  kSplatLane0,
  kSplatLane1,
  kSplatLane2,
  kSplatLane3,
  kZero,
  kMul,
  kAdd,
  kRelaxedMadd,
  kPseudoMax,
  kPseudoMin,
};
inline constexpr int kInstructionCount = static_cast<int>(Instruction::kPseudoMin) + 1;

/// An instruction's bytes up to its variable immediate, if it has one.
struct Encoding {
  uint8_t size = 0;
  std::array<char, 23> bytes{};  ///< with `size`, three 8-byte moves to copy
};

/// All of them, encoded by LLVM MC once per object, so that writing code is copying bytes and appending LEB128 numbers.
class Encodings {
 public:
  /// Errors: kInternal when this LLVM lacks an instruction.
  static Result<Encodings> create(const McTarget& mc);

  const Encoding& operator[](Instruction i) const { return table_[static_cast<int>(i)]; }

 private:
  std::array<Encoding, kInstructionCount> table_;
};

}  // namespace espalier::wasm
