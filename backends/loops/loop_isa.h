// What LLVM is told about each vector ISA, and how it writes the operations that differ between them.
#pragma once

#include <string_view>

#include "ir/target.h"

namespace espalier::loops {

enum class FusedForm : uint8_t { kFma, kMultiplyAdd, kRelaxedMadd };
enum class LargerForm : uint8_t {
  kCompareSelect,  ///< a > b ? a : b is one instruction (maxps, pmax)
  kMaxNum,         ///< the instruction prefers numbers to NaN (fmaxnm), which is the same while b is one
};
enum class PartialForm : uint8_t {
  kPieces,       ///< loads and stores of 8, 4, 2 and 1 lanes
  kMaskedLoads,  ///< masks to load; masked stores are slow on AMD (vmaskmovps to memory is 42 operations on Zen 3)
  kMasks,
};

enum class ConstantForm : uint8_t {
  kImmediate,
  kInMemory,  ///< loaded: V8 on x86-64 writes an immediate anew, in several instructions, wherever it is used (a swish
              ///< in Node 26: 6.9 ns per vector, or 2.9 with loaded constants)
};

struct LoopIsa {
  std::string_view name;      ///< VectorIsa::name
  std::string_view cpu;       ///< LLVM's CPU with no more than the baseline of the target
  std::string_view features;  ///< LLVM's, exactly those that the ISA stands for
  FusedForm fused;
  LargerForm larger;
  PartialForm partial;
  ConstantForm constants;
};

/// Errors: kUnsupported for a target that LLVM has no code for (C).
Result<const LoopIsa*> find_loop_isa(const Target& target);

}  // namespace espalier::loops
