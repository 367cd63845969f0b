#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

#include "ir/loop/loop_program.h"

namespace espalier {
namespace {

constexpr uint32_t kMaxLanes = 16;
using Lanes = std::array<float, kMaxLanes>;

/// Where every loop ends, by the place of its kLoop.
std::vector<size_t> loop_ends(const LoopProgram& program) {
  std::vector<size_t> ends(program.body.size()), open;
  for (size_t at = 0; at < program.body.size(); ++at) {
    if (program.body[at].op == LoopOp::kLoop) open.push_back(at);
    if (program.body[at].op == LoopOp::kEndLoop) {
      ends[open.back()] = at;
      open.pop_back();
    }
  }
  return ends;
}

class Interpreter {
 public:
  Interpreter(const LoopProgram& program, const LoopArguments& arguments)
      : program_(program),
        arguments_(arguments),
        lanes_(program.lanes()),
        ends_(loop_ends(program)),
        scratch_(program.elements[static_cast<size_t>(LoopBuffer::kScratch)]),
        vectors_(program.vectors),
        integers_(program.integers) {}

  void run(uint32_t item) {
    integers_[0] = item;
    run(0, program_.body.size());
  }

 private:
  void run(size_t from, size_t to) {
    for (size_t at = from; at < to; ++at) {
      const LoopInstruction& op = program_.body[at];
      if (op.op == LoopOp::kLoop) {
        const int64_t end = value(op.end);
        for (int64_t i = value(op.begin); i < end; i += op.immediate) {
          integers_[op.d] = i;
          run(at + 1, ends_[at]);
        }
        at = ends_[at];
      } else if (loop_op_info(op.op).writes_integer) {
        integers_[op.d] = integer_result(op);
      } else if (op.op == LoopOp::kStore) {
        std::copy_n(vectors_[op.a].begin(), op.lanes, place(op.access, op.lanes));
      } else {
        vectors_[op.d] = vector_result(op);
      }
    }
  }

  int64_t value(const LoopBound& bound) const {
    return bound.index == kNoRegister ? bound.constant : integers_[bound.index];
  }
  int64_t element(const LoopAccess& access) const {
    int64_t at = access.offset;
    for (const LoopTerm& term : access.terms) at += term.coefficient * integers_[term.index];
    return at;
  }
  std::span<const float> constant_buffer(LoopBuffer buffer) const {
    switch (buffer) {
      case LoopBuffer::kX0:
        return arguments_.x0;
      case LoopBuffer::kX1:
        return arguments_.x1;
      case LoopBuffer::kY:
        return arguments_.y;
      case LoopBuffer::kWeights:
        return arguments_.weights;
      case LoopBuffer::kScratch:
        return scratch_;
    }
    return {};
  }
  const float* source(const LoopAccess& access, [[maybe_unused]] uint64_t count) const {
    const int64_t at = element(access);
    const auto buffer = constant_buffer(access.buffer);
    assert(at >= 0 && at + count <= buffer.size());
    return buffer.data() + at;
  }
  float* place(const LoopAccess& access, [[maybe_unused]] uint64_t count) {
    const int64_t at = element(access);
    const std::span<float> buffer = access.buffer == LoopBuffer::kY ? arguments_.y : std::span<float>(scratch_);
    assert(at >= 0 && at + count <= buffer.size());
    return buffer.data() + at;
  }

  int64_t integer_result(const LoopInstruction& op) const {
    switch (op.op) {
      case LoopOp::kIndex:
        return element(op.access);
      case LoopOp::kLoadIndex:
        return program_.table[static_cast<size_t>(element(op.access))];
      case LoopOp::kIndexMin:
        return std::min(integers_[op.a], op.immediate);
      case LoopOp::kIndexMax:
        return std::max(integers_[op.a], op.immediate);
      case LoopOp::kIndexDivide:
        return integers_[op.a] / op.immediate;
      default:
        return integers_[op.a] % op.immediate;
    }
  }

  template <typename Function>
  Lanes each(Function function) const {
    Lanes d{};
    for (uint32_t l = 0; l < lanes_; ++l) d[l] = function(l);
    return d;
  }
  Lanes loaded(const LoopInstruction& op, uint32_t step) const {
    const float* from = source(op.access, uint64_t{op.lanes - 1} * step + 1);
    return each([&](uint32_t l) { return l < op.lanes ? from[size_t{l} * step] : 0.0f; });
  }
  float multiply_add(float a, float b, float c) const {
    if (program_.target.vector->arithmetic == Arithmetic::kFma) return std::fma(a, b, c);
    const volatile float product = a * b;  // volatile: two roundings whatever the compiler's contraction
    return product + c;
  }
  template <typename Function>
  Lanes folded(Lanes v, Function function) const {
    for (uint32_t half = lanes_ / 2; half > 0; half /= 2)
      for (uint32_t l = 0; l < half; ++l) v[l] = function(v[l], v[l + half]);
    return each([&](uint32_t) { return v[0]; });
  }

  Lanes vector_result(const LoopInstruction& op) const {
    static constexpr Lanes kNone{};
    const LoopOpInfo& info = loop_op_info(op.op);
    const Lanes& a = info.reads_a ? vectors_[op.a] : kNone;
    const Lanes& b = info.reads_b ? vectors_[op.b] : kNone;
    const Lanes& c = info.reads_c ? vectors_[op.c] : kNone;
    const auto larger = [](float x, float y) { return x > y ? x : y; };
    switch (op.op) {
      case LoopOp::kConstant:
        return each([&](uint32_t) { return op.value; });
      case LoopOp::kCopy:
        return a;
      case LoopOp::kLoad:
        return loaded(op, 1);
      case LoopOp::kLoadStrided:
        return loaded(op, static_cast<uint32_t>(op.immediate));
      case LoopOp::kSplatLoad:
        return each([v = *source(op.access, 1)](uint32_t) { return v; });
      case LoopOp::kSplatPair:
        return each([pair = source(op.access, 2)](uint32_t l) { return pair[l % 2]; });
      case LoopOp::kAdd:
        return each([&](uint32_t l) { return a[l] + b[l]; });
      case LoopOp::kSubtract:
        return each([&](uint32_t l) { return a[l] - b[l]; });
      case LoopOp::kMultiply:
        return each([&](uint32_t l) { return a[l] * b[l]; });
      case LoopOp::kDivide:
        return each([&](uint32_t l) { return a[l] / b[l]; });
      case LoopOp::kFma:
        return each([&](uint32_t l) { return multiply_add(a[l], b[l], c[l]); });
      case LoopOp::kMax:
        return each([&](uint32_t l) { return larger(a[l], b[l]); });
      case LoopOp::kMin:
        return each([&](uint32_t l) { return a[l] < b[l] ? a[l] : b[l]; });
      case LoopOp::kScale:
        return each([&](uint32_t l) {
          return std::isnan(a[l]) ? a[l] : std::ldexp(a[l], static_cast<int>(b[l] - kScaleBias));
        });
      case LoopOp::kSumLanes:
        return folded(a, [](float x, float y) { return x + y; });
      case LoopOp::kZipLow:
        return each([&](uint32_t l) { return (l % 2 == 0 ? a : b)[l / 2]; });
      case LoopOp::kZipHigh:
        return each([&](uint32_t l) { return (l % 2 == 0 ? a : b)[(l + lanes_) / 2]; });
      case LoopOp::kUnzipEven:
        return each([&](uint32_t l) { return 2 * l < lanes_ ? a[2 * l] : b[2 * l - lanes_]; });
      case LoopOp::kUnzipOdd:
        return each([&](uint32_t l) { return 2 * l < lanes_ ? a[2 * l + 1] : b[2 * l + 1 - lanes_]; });
      case LoopOp::kSlideUp:
        return each([&](uint32_t l) { return l < op.immediate ? 0.0f : a[l - op.immediate]; });
      default:
        return folded(a, larger);
    }
  }

  const LoopProgram& program_;
  const LoopArguments& arguments_;
  const uint32_t lanes_;
  const std::vector<size_t> ends_;
  std::vector<float> scratch_;
  std::vector<Lanes> vectors_;
  std::vector<int64_t> integers_;
};

}  // namespace

void interpret(const LoopProgram& program, const LoopArguments& arguments, uint32_t first, uint32_t last) {
  Interpreter interpreter(program, arguments);
  for (uint32_t item = first; item < last; ++item) interpreter.run(item);
}

}  // namespace espalier
