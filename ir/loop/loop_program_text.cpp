#include <fmt/ranges.h>

#include <array>
#include <cstdlib>

#include "ir/loop/loop_program.h"

namespace espalier {
namespace {

constexpr std::array<std::string_view, kLoopBuffers> kBufferNames = {"x0", "x1", "y", "weights", "scratch"};

/// `12 + 114*i1 - i2`
std::string affine(const LoopAccess& access) {
  std::string text = access.offset != 0 || access.terms.empty() ? std::to_string(access.offset) : "";
  for (const LoopTerm& term : access.terms) {
    const bool negative = term.coefficient < 0;
    text += text.empty() ? (negative ? "-" : "") : (negative ? " - " : " + ");
    if (std::abs(term.coefficient) != 1) text += fmt::format("{}*", std::abs(term.coefficient));
    text += fmt::format("i{}", term.index);
  }
  return text;
}

std::string element(const LoopAccess& access) {
  return fmt::format("{}[{}]", kBufferNames[static_cast<size_t>(access.buffer)], affine(access));
}

std::string bound(const LoopBound& b) {
  return b.index == kNoRegister ? std::to_string(b.constant) : fmt::format("i{}", b.index);
}

/// What an operation on integers reads.
std::string integer_operands(const LoopInstruction& op) {
  if (op.op == LoopOp::kLoadIndex) return fmt::format("table[{}]", affine(op.access));
  if (op.op == LoopOp::kIndex) return affine(op.access);
  return fmt::format("i{}, {}", op.a, op.immediate);
}

std::string vector_operands(const LoopInstruction& op, const LoopOpInfo& info) {
  std::string text;
  const auto add = [&](const std::string& word) { text += (text.empty() ? "" : ", ") + word; };
  for (const auto& [reads, id] : {std::pair{info.reads_a, op.a}, {info.reads_b, op.b}, {info.reads_c, op.c}})
    if (reads) add(fmt::format("v{}", id));
  if (op.op == LoopOp::kConstant) add(fmt::format("{:a}", op.value));
  if (info.has_access) add(element(op.access));
  if (info.has_immediate) add(std::to_string(op.immediate));
  if (info.has_lanes) text += fmt::format(" lanes {}", op.lanes);
  return text;
}

std::string line(const LoopInstruction& op) {
  const LoopOpInfo& info = loop_op_info(op.op);
  if (op.op == LoopOp::kEndLoop) return std::string(info.name);
  if (op.op == LoopOp::kLoop)
    return fmt::format("loop i{} = {} to {} step {}", op.d, bound(op.begin), bound(op.end), op.immediate);
  if (info.writes_integer) return fmt::format("i{} = {} {}", op.d, info.name, integer_operands(op));
  if (op.op == LoopOp::kStore) return fmt::format("store {} = v{} lanes {}", element(op.access), op.a, op.lanes);
  return fmt::format("v{} = {} {}", op.d, info.name, vector_operands(op, info));
}

std::string head(const LoopProgram& p) {
  std::string text = fmt::format("loops {} target {} cpu {} items {} vectors {} integers {}{}\n", p.name, p.target.name,
                                 p.target.cpu->name, p.items, p.vectors, p.integers, p.in_place ? " in_place" : "");
  for (size_t b = 0; b < kLoopBuffers; ++b)
    if (p.elements[b] > 0) text += fmt::format("{} {}\n", kBufferNames[b], p.elements[b]);
  if (!p.table.empty()) text += fmt::format("table {}\n", fmt::join(p.table, " "));
  return text;
}

}  // namespace

std::string print(const LoopProgram& program) {
  std::string text = head(program);
  size_t depth = 1;
  for (const LoopInstruction& op : program.body) {
    if (op.op == LoopOp::kEndLoop && depth > 1) --depth;
    text += fmt::format("{:{}}{}\n", "", 2 * depth, line(op));
    if (op.op == LoopOp::kLoop) ++depth;
  }
  return text;
}

}  // namespace espalier
