// Writes LoopPrograms: expressions and loops as calls.
#pragma once

#include <functional>
#include <initializer_list>

#include "ir/loop/loop_program.h"

namespace espalier {

/// An integer register.
struct Index {
  uint32_t id = 0;
};

/// offset + sum of coefficient * register.
struct Affine {
  int64_t offset = 0;
  std::vector<LoopTerm> terms;

  Affine(int64_t constant = 0) : offset(constant) {}
  Affine(Index index) : terms{{index.id, 1}} {}
};
Affine operator+(Affine a, const Affine& b);
Affine operator*(Affine a, int64_t factor);

/// A vector register. Registers are variables; most are written once.
struct Vec {
  uint32_t id = 0;
};

/// A bound of a loop: a constant or a register.
struct Bound {
  LoopBound value;
  Bound(int64_t constant) : value{constant, kNoRegister} {}
  Bound(Index index) : value{0, index.id} {}
};

/// Builds one program; see LoopOp for what the operations do. `lanes` of 0 stands for a full vector.
class LoopBuilder {
 public:
  LoopBuilder(std::string name, const Target& target);

  uint32_t lanes() const { return program_.lanes(); }
  const Target& target() const { return program_.target; }
  Index item() const { return {0}; }
  void set_items(uint32_t items) { program_.items = items; }
  void set_elements(LoopBuffer buffer, uint64_t elements);
  void set_in_place() { program_.in_place = true; }
  /// Appends to the table of constants; where its first entry now stands.
  int64_t add_table(std::span<const int32_t> entries);

  Vec constant(float value);
  Vec copy(Vec a);
  Vec load(LoopBuffer buffer, const Affine& at, uint32_t lanes = 0);
  Vec load_strided(LoopBuffer buffer, const Affine& at, int64_t stride, uint32_t lanes = 0);
  Vec splat(LoopBuffer buffer, const Affine& at);
  Vec splat_pair(LoopBuffer buffer, const Affine& at);
  void store(LoopBuffer buffer, const Affine& at, Vec a, uint32_t lanes = 0);
  Vec add(Vec a, Vec b) { return binary(LoopOp::kAdd, a, b); }
  Vec subtract(Vec a, Vec b) { return binary(LoopOp::kSubtract, a, b); }
  Vec multiply(Vec a, Vec b) { return binary(LoopOp::kMultiply, a, b); }
  Vec divide(Vec a, Vec b) { return binary(LoopOp::kDivide, a, b); }
  Vec max(Vec a, Vec b) { return binary(LoopOp::kMax, a, b); }
  Vec min(Vec a, Vec b) { return binary(LoopOp::kMin, a, b); }
  /// a * 2^n where power = kScaleBias + n
  Vec scale(Vec a, Vec power) { return binary(LoopOp::kScale, a, power); }
  Vec sum_lanes(Vec a) { return unary(LoopOp::kSumLanes, a); }
  Vec max_lanes(Vec a) { return unary(LoopOp::kMaxLanes, a); }
  Vec zip_low(Vec a, Vec b) { return binary(LoopOp::kZipLow, a, b); }
  Vec zip_high(Vec a, Vec b) { return binary(LoopOp::kZipHigh, a, b); }
  Vec unzip_even(Vec a, Vec b) { return binary(LoopOp::kUnzipEven, a, b); }
  Vec unzip_odd(Vec a, Vec b) { return binary(LoopOp::kUnzipOdd, a, b); }
  /// a, `distance` lanes further up; zeros below
  Vec slide_up(Vec a, uint32_t distance);
  /// c + a * b
  Vec fma(Vec a, Vec b, Vec c);

  /// Writes to a register that exists already: for accumulators.
  void assign(Vec d, Vec a);
  void add_to(Vec d, Vec a);
  void max_to(Vec d, Vec a);
  /// d = d + a * b
  void fma_to(Vec d, Vec a, Vec b);

  Index index(const Affine& value);
  Index load_index(const Affine& table_entry);
  Index min(Index a, int64_t bound) { return integer(LoopOp::kIndexMin, a, bound); }
  Index max(Index a, int64_t bound) { return integer(LoopOp::kIndexMax, a, bound); }
  Index divide(Index a, int64_t divisor) { return integer(LoopOp::kIndexDivide, a, divisor); }
  Index modulo(Index a, int64_t divisor) { return integer(LoopOp::kIndexModulo, a, divisor); }

  /// body(i) for i = begin, begin + step, ... < end.
  void loop(Bound begin, Bound end, int64_t step, const std::function<void(Index)>& body);

  /// body, as a loop of one turn of which compilers do not know that: they mix nothing of it with what is around it.
  void apart(const std::function<void()>& body);

  /// body(0) .. body(count - 1), none of which needs another, an operation of each in turn: what one waits for hides
  /// behind the others, where a core looks but a few dozen operations ahead. No loops in them.
  void interleave(uint32_t count, const std::function<void(uint32_t)>& body);

  /// The program, once. Errors: those of verify.
  Result<LoopProgram> finish();

 private:
  Vec fresh() { return {program_.vectors++}; }
  Vec unary(LoopOp op, Vec a);
  Vec binary(LoopOp op, Vec a, Vec b);
  Index integer(LoopOp op, Index a, int64_t immediate);
  LoopInstruction& emit(LoopOp op);
  Affine shortened(Affine at);
  LoopInstruction& emit_access(LoopOp op, LoopBuffer buffer, const Affine& at, uint32_t lanes);

  LoopProgram program_;
};

}  // namespace espalier
