// LoopProgram: a layer that is no SpMM (depthwise, first convolution, pooling, element-wise, ...) as counted loops over
// vector operations. Code generators write it, every backend lowers it, the interpreter defines its result.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/error.h"
#include "ir/target.h"

namespace espalier {

/// Operations. d, a, b, c name vector registers (all lanes of a full vector), i, j, k integer registers (scalars),
/// [] an access. Per lane unless said otherwise; every result is rounded to fp32.
enum class LoopOp : uint8_t {
  kConstant,     ///< d = value
  kCopy,         ///< d = a
  kLoad,         ///< d[0..lanes) = buffer[access ..], the rest 0
  kLoadStrided,  ///< d[l] = buffer[access + immediate * l] for l < lanes, the rest 0 (immediate > 1); reads no others
  kSplatLoad,    ///< all lanes of d = buffer[access]
  kSplatPair,    ///< d[l] = buffer[access + l mod 2]
  kStore,        ///< buffer[access ..] = a[0..lanes)
  kAdd,          ///< d = a + b
  kSubtract,     ///< d = a - b
  kMultiply,     ///< d = a * b
  kDivide,       ///< d = a / b
  kFma,          ///< d = c + a * b: one rounding with Arithmetic::kFma, two with kMulAdd (the target's)
  kMax,        ///< d = a > b ? a : b. NaN in a gives b (a clamp); NaN in b gives b where a is a constant (a limit that
               ///< keeps NaN), else b or a; of two zeros it may be either
  kMin,        ///< d = a < b ? a : b (the same)
  kScale,      ///< d = a * 2^n for b = kScaleBias + n, n whole, -126 <= n <= 127 (exact but for under- and overflow); a
               ///< NaN gives NaN whatever b is
  kSumLanes,   ///< all lanes of d = the lanes of a added in halves: lane l + lane l + n/2 for n = L, L/2, .., 2
  kMaxLanes,   ///< all lanes of d = the same with kMax
  kZipLow,     ///< d[2 l] = a[l], d[2 l + 1] = b[l] for l < L/2
  kZipHigh,    ///< the same of their upper halves: a[l + L/2], b[l + L/2]
  kUnzipEven,  ///< d[l] = (a, b)[2 l], the even ones of both one after the other
  kUnzipOdd,   ///< d[l] = (a, b)[2 l + 1]
  kSlideUp,    ///< d[l] = a[l - immediate], 0 where l < immediate (0 < immediate < L)
  kIndex,      ///< i = access.offset + sum of access.terms (an affine value; no buffer)
  kLoadIndex,  ///< i = table[access] (LoopProgram::table)
  kIndexMin,   ///< i = min(j, immediate)
  kIndexMax,   ///< i = max(j, immediate)
  kIndexDivide,  ///< i = j / immediate (j >= 0, immediate > 0)
  kIndexModulo,  ///< i = j % immediate (j >= 0, immediate > 0)
  kLoop,         ///< runs what follows, up to its kEndLoop, for i = begin, begin + immediate, ... while i < end
  kEndLoop,      ///< ends the innermost loop; the counter is not to be read behind it
};
inline constexpr int kLoopOpCount = 30;

/// What a program reads and writes: the parameters of its function, in this order. All are fp32 but the table.
enum class LoopBuffer : uint8_t {
  kX0,       ///< first input
  kX1,       ///< second input, if the layer has one
  kY,        ///< output
  kWeights,  ///< constants of the layer
  kScratch,  ///< private to one call, contents undefined at its start
};
inline constexpr size_t kLoopBuffers = 5;
inline constexpr size_t kMaxLoopTerms = 4;
inline constexpr uint32_t kNoRegister = UINT32_MAX;

/// Added to a number below 2^22, it rounds that to the nearest whole one, ties to even, which then stands in the sum's
/// low bits: what kScale shifts into an exponent. Less the bias, the sum is the whole number again.
inline constexpr float kScaleBias = 0x1.8p23f;

/// coefficient * integer register.
struct LoopTerm {
  uint32_t index = 0;
  int64_t coefficient = 1;
  bool operator==(const LoopTerm&) const = default;
};

/// An element of a buffer: offset + sum of terms.
struct LoopAccess {
  LoopBuffer buffer = LoopBuffer::kX0;
  int64_t offset = 0;
  std::vector<LoopTerm> terms;  ///< at most kMaxLoopTerms
  bool operator==(const LoopAccess&) const = default;
};

/// A bound of a loop: an integer register, or a constant where that is kNoRegister.
struct LoopBound {
  int64_t constant = 0;
  uint32_t index = kNoRegister;
  bool operator==(const LoopBound&) const = default;
};

struct LoopInstruction {
  LoopOp op = LoopOp::kConstant;
  uint32_t d = 0, a = 0, b = 0,
           c = 0;         ///< registers: of vectors or, where the table above says i, j, of integers (d, a)
  uint32_t lanes = 0;     ///< kLoad, kLoadStrided, kStore: 1..L
  float value = 0;        ///< kConstant
  int64_t immediate = 0;  ///< kLoadStrided, kSlideUp, kIndexMin, ..., kLoop (step, > 0)
  LoopAccess access;
  LoopBound begin, end;  ///< kLoop
  bool operator==(const LoopInstruction&) const = default;
};

/// A layer's function over work items:
///
///     void name(const float* x0, const float* x1, float* y, const float* weights, const int32_t* table, float*
///     scratch,
///               size_t first_item, size_t last_item)
///
/// Items may run in any order on any threads (each with a scratch of its own); results do not depend on it. A call over
/// [first, last) is the body for item = first, first + 1, ...; integer register 0 holds the item. Registers are
/// variables: they may be written many times, and hold nothing at the start of the body. Registers written inside a
/// loop keep their value behind it; if the loop may run no time at all they must have been written before it.
struct LoopProgram {
  std::string name;  ///< a C identifier
  Target target;
  uint32_t items = 1;
  uint32_t vectors = 0;   ///< vector registers 0 .. vectors - 1 (virtual: any number; backends allocate)
  uint32_t integers = 1;  ///< integer registers 0 .. integers - 1
  /// Elements of each buffer, by LoopBuffer; 0: the layer has none.
  uint64_t elements[kLoopBuffers] = {};
  bool in_place = false;       ///< y may be x0: every element is read before it is written, by the item that writes it
  std::vector<int32_t> table;  ///< constants for kLoadIndex
  std::vector<LoopInstruction> body;

  uint32_t lanes() const { return target.vector->lanes; }
  bool operator==(const LoopProgram& other) const;  ///< all but the name; targets by name, CPU and vector ISA
};

/// How an operation is written and which operands it has; printer, verifier and backends share this table.
struct LoopOpInfo {
  std::string_view name;
  bool writes_vector, reads_a, reads_b, reads_c;  ///< vector registers d, a, b, c
  bool writes_integer, reads_integer;             ///< integer registers d, a
  bool has_access, has_lanes, has_immediate;
};
const LoopOpInfo& loop_op_info(LoopOp op);

/// A line per operation, indented by loop; for people and golden files:
///
///     loop i1 = 0 to 112 step 1
///       v3 = load x0[12 + 114*i1 + i2] lanes 8
std::string print(const LoopProgram& program);

/// Proves that the program may run: registers in range and written before they are read; integer registers, taken as
/// intervals (table entries by the least and greatest of those that the access may read), keep every access inside its
/// buffer and the table; lanes 1..L; steps positive; loops closed; nothing stored to x0, x1, weights. A program that is
/// in_place is also checked for exactly that parity by tests, not here. Errors (kInternal) name the operation's number
/// and both values.
Status verify(const LoopProgram& program);

/// Buffers of a run; spans are at least as long as the program says. table comes from the program.
struct LoopArguments {
  std::span<const float> x0, x1;
  std::span<float> y;
  std::span<const float> weights;
};
/// Executes items [first, last) in plain C++, bit for bit what every backend's code computes (but for the sign of a
/// zero that kMax or kMin yields from two zeros). Requires a verified program.
void interpret(const LoopProgram& program, const LoopArguments& arguments, uint32_t first, uint32_t last);

}  // namespace espalier
