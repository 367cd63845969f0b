#include <algorithm>
#include <limits>
#include <span>
#include <vector>

#include "ir/loop/loop_program.h"

namespace espalier {
namespace {

/// Values an integer register may have; empty (low > high) where it has none yet.
struct Interval {
  int64_t low = 1, high = 0;
  bool is_empty() const { return low > high; }
};

/// Bound on what registers hold, so that 64-bit arithmetic on them cannot overflow.
constexpr int64_t kMostIndex = int64_t{1} << 40;

bool is_small(Interval i) { return i.low >= -kMostIndex && i.high <= kMostIndex; }

struct OpenLoop {
  size_t at;
  bool may_be_empty;
  std::vector<bool> vectors_before;  ///< what was written before the loop
  std::vector<Interval> integers_before;
};

class Verifier {
 public:
  explicit Verifier(const LoopProgram& program)
      : program_(program), vectors_(program.vectors), integers_(program.integers) {}

  Status run() {
    if (program_.integers == 0 || program_.items == 0) return internal_error("has no items or no register for them");
    integers_[0] = {0, int64_t{program_.items} - 1};
    for (at_ = 0; at_ < program_.body.size(); ++at_)
      if (Status s = check(program_.body[at_]); !s)
        return std::move(s).error().in(fmt::format("operation {} ({})", at_, loop_op_info(program_.body[at_].op).name));
    if (!open_.empty()) return internal_error("operation {}: its loop has no end", open_.back().at);
    return {};
  }

 private:
  Status check(const LoopInstruction& op) {
    const LoopOpInfo& info = loop_op_info(op.op);
    for (const auto& [reads, id] : {std::pair{info.reads_a, op.a}, {info.reads_b, op.b}, {info.reads_c, op.c}})
      if (reads)
        if (Status s = check_read(id); !s) return s;
    if (op.op == LoopOp::kEndLoop) return end_loop();
    if (op.op == LoopOp::kLoop) return begin_loop(op);
    if (info.writes_integer) return check_integer(op, info);
    if (info.has_access)
      if (Status s = check_access(op, info); !s) return s;
    if (!info.writes_vector) return {};
    if (Status s = check_immediate(op); !s) return s;
    if (op.d >= program_.vectors) return internal_error("writes v{}, but there are {} vectors", op.d, program_.vectors);
    vectors_[op.d] = true;
    return {};
  }

  Status check_immediate(const LoopInstruction& op) const {
    if (op.op == LoopOp::kLoadStrided && (op.immediate <= 1 || op.immediate > kMostIndex))
      return internal_error("has a stride of {}, but 2 to {} are legal", op.immediate, kMostIndex);
    if (op.op == LoopOp::kSlideUp && (op.immediate <= 0 || op.immediate >= program_.lanes()))
      return internal_error("slides by {} lanes, but 1 to {} are legal", op.immediate, program_.lanes() - 1);
    return {};
  }

  Status check_registers(const LoopInstruction& op) const {
    const LoopOpInfo& info = loop_op_info(op.op);
    for (const auto& [uses, id] :
         {std::pair{info.reads_a, op.a}, {info.reads_b, op.b}, {info.reads_c, op.c}, {info.writes_vector, op.d}})
      if (uses && id >= program_.vectors)
        return internal_error("names v{}, but there are {} vectors", id, program_.vectors);
    std::vector<uint32_t> integers;
    if (info.writes_integer) integers.push_back(op.d);
    if (info.reads_integer) integers.push_back(op.a);
    for (const LoopTerm& term : op.access.terms) integers.push_back(term.index);
    for (const LoopBound& bound : {op.begin, op.end})
      if (op.op == LoopOp::kLoop && bound.index != kNoRegister) integers.push_back(bound.index);
    for (const uint32_t id : integers)
      if (id >= program_.integers) return internal_error("names i{}, but there are {} integers", id, program_.integers);
    if (info.has_lanes && (op.lanes == 0 || op.lanes > program_.lanes()))
      return internal_error("has {} lanes, but 1 to {} are legal", op.lanes, program_.lanes());
    return check_immediate(op);
  }

  Status check_read(uint32_t id) const {
    if (id >= program_.vectors) return internal_error("reads v{}, but there are {} vectors", id, program_.vectors);
    if (!vectors_[id]) return internal_error("reads v{} before anything is written to it", id);
    return {};
  }

  Result<Interval> read(uint32_t id) const {
    if (id >= program_.integers) return internal_error("reads i{}, but there are {} integers", id, program_.integers);
    if (integers_[id].is_empty()) return internal_error("reads i{} before anything is written to it", id);
    return integers_[id];
  }

  static Result<Interval> multiplied(Interval index, int64_t factor) {
    int64_t low = 0, high = 0;
    if (__builtin_mul_overflow(index.low, factor, &low) || __builtin_mul_overflow(index.high, factor, &high) ||
        std::min(low, high) < -kMostIndex || std::max(low, high) > kMostIndex)
      return internal_error("{} to {} times {} may overflow", index.low, index.high, factor);
    return Interval{std::min(low, high), std::max(low, high)};
  }

  /// Ends of offset + sum of terms.
  Result<Interval> value(const LoopAccess& access) const {
    if (access.terms.size() > kMaxLoopTerms)
      return internal_error("has {} terms, but at most {} are legal", access.terms.size(), kMaxLoopTerms);
    Interval sum{access.offset, access.offset};
    if (!is_small(sum)) return internal_error("has an offset of {}, which may overflow", access.offset);
    for (const LoopTerm& term : access.terms) {
      const auto index = read(term.index);
      if (!index) return index.error();
      const auto product = multiplied(*index, term.coefficient);
      if (!product) return product.error();
      sum.low += product->low;
      sum.high += product->high;
    }
    if (!is_small(sum)) return internal_error("may overflow");
    return sum;
  }

  Status check_access(const LoopInstruction& op, const LoopOpInfo& info) const {
    if (info.has_lanes && (op.lanes == 0 || op.lanes > program_.lanes()))
      return internal_error("has {} lanes, but 1 to {} are legal", op.lanes, program_.lanes());
    if (op.op == LoopOp::kStore && op.access.buffer != LoopBuffer::kY && op.access.buffer != LoopBuffer::kScratch)
      return internal_error("stores to a buffer that is only read");
    const auto at = value(op.access);
    if (!at) return at.error();
    const int64_t lanes = info.has_lanes ? op.lanes : op.op == LoopOp::kSplatPair ? 2 : 1, step = op.op == LoopOp::kLoadStrided ? op.immediate : 1;
    const int64_t last = at->high + (lanes - 1) * step;
    const auto elements = static_cast<int64_t>(program_.elements[static_cast<size_t>(op.access.buffer)]);
    if (at->low < 0 || last >= elements)
      return internal_error("touches elements {} to {}, but its buffer has {}", at->low, last, elements);
    return {};
  }

  Status check_integer(const LoopInstruction& op, const LoopOpInfo& info) {
    const auto result = info.has_access ? value(op.access) : immediate_result(op);
    if (!result) return result.error();
    if (op.op != LoopOp::kLoadIndex) return write(op.d, *result);
    const auto entries = static_cast<int64_t>(program_.table.size());
    if (result->low < 0 || result->high >= entries)
      return internal_error("reads table entries {} to {}, but there are {}", result->low, result->high, entries);
    const auto [low, high] =
        std::minmax_element(program_.table.begin() + result->low, program_.table.begin() + result->high + 1);
    return write(op.d, {*low, *high});
  }

  Result<Interval> immediate_result(const LoopInstruction& op) const {
    const auto a = read(op.a);
    if (!a) return a.error();
    if (op.op == LoopOp::kIndexMin) return Interval{std::min(a->low, op.immediate), std::min(a->high, op.immediate)};
    if (op.op == LoopOp::kIndexMax) return Interval{std::max(a->low, op.immediate), std::max(a->high, op.immediate)};
    if (op.immediate <= 0 || a->low < 0)
      return internal_error("divides {} to {} by {}, but neither may be negative", a->low, a->high, op.immediate);
    if (op.op == LoopOp::kIndexDivide) return Interval{a->low / op.immediate, a->high / op.immediate};
    if (a->low / op.immediate == a->high / op.immediate) return Interval{a->low % op.immediate, a->high % op.immediate};
    return Interval{0, op.immediate - 1};
  }

  Status write(uint32_t id, Interval value) {
    if (id == 0 || id >= program_.integers)
      return internal_error("writes i{}, but i1 to i{} are legal", id, program_.integers - 1);
    if (!is_small(value))
      return internal_error("gives i{} values of {} to {}, which may overflow", id, value.low, value.high);
    integers_[id] = value;
    return {};
  }

  Result<Interval> bound(const LoopBound& bound) const {
    return bound.index == kNoRegister ? Interval{bound.constant, bound.constant} : read(bound.index);
  }

  /// Integer registers that the loop's own body writes may differ from turn to turn; a body must write them before it
  /// reads them, so they hold nothing at its start.
  Status begin_loop(const LoopInstruction& op) {
    if (op.immediate <= 0) return internal_error("has a step of {}, but it must be positive", op.immediate);
    const auto begin = bound(op.begin), end = bound(op.end);
    if (!begin) return begin.error();
    if (!end) return end.error();
    if (!is_small(*begin) || !is_small(*end) || op.immediate > kMostIndex)
      return internal_error("runs from {} to {} by {}, which may overflow", begin->low, end->high, op.immediate);
    if (begin->low >= end->high) return skip_loop();
    open_.push_back({at_, begin->high >= end->low, vectors_, integers_});
    for (size_t at = at_ + 1, depth = 1; at < program_.body.size() && depth > 0; ++at) {
      const LoopInstruction& inner = program_.body[at];
      if (inner.op == LoopOp::kLoop) ++depth;
      if (inner.op == LoopOp::kEndLoop) --depth;
      if (loop_op_info(inner.op).writes_integer && inner.d < program_.integers && inner.d != 0) integers_[inner.d] = {};
    }
    // A step that runs from a known begin does not reach every number.
    const int64_t most = end->high - 1, beyond = begin->low == begin->high ? (most - begin->low) % op.immediate : 0;
    return write(op.d, {begin->low, most - beyond});
  }

  /// Places in a loop that runs no time at all may be anywhere, but backends still see it: registers have to exist.
  Status skip_loop() {
    for (size_t depth = 1; depth > 0;) {
      if (++at_ >= program_.body.size()) return internal_error("its loop has no end");
      if (Status s = check_registers(program_.body[at_]); !s) return s;
      if (program_.body[at_].op == LoopOp::kLoop) ++depth;
      if (program_.body[at_].op == LoopOp::kEndLoop) --depth;
    }
    return {};
  }

  /// Vectors written in a loop that always runs stay written. Integers written inside hold nothing behind it.
  Status end_loop() {
    if (open_.empty()) return internal_error("ends a loop that nothing began");
    OpenLoop loop = std::move(open_.back());
    open_.pop_back();
    if (loop.may_be_empty) vectors_ = std::move(loop.vectors_before);
    for (size_t at = loop.at; at < at_; ++at) {
      const LoopInstruction& inner = program_.body[at];
      if (loop_op_info(inner.op).writes_integer) integers_[inner.d] = {};
    }
    return {};
  }

  const LoopProgram& program_;
  std::vector<bool> vectors_;
  std::vector<Interval> integers_;
  std::vector<OpenLoop> open_;
  size_t at_ = 0;
};

}  // namespace

Status verify(const LoopProgram& program) { return Verifier(program).run(); }

}  // namespace espalier
