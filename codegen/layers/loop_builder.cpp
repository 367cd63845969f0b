#include "codegen/layers/loop_builder.h"

#include <algorithm>
#include <utility>

namespace espalier {

Affine operator+(Affine a, const Affine& b) {
  a.offset += b.offset;
  for (const LoopTerm& term : b.terms) {
    const auto same = std::ranges::find(a.terms, term.index, &LoopTerm::index);
    if (same == a.terms.end())
      a.terms.push_back(term);
    else
      same->coefficient += term.coefficient;
  }
  return a;
}

Affine operator*(Affine a, int64_t factor) {
  a.offset *= factor;
  for (LoopTerm& term : a.terms) term.coefficient *= factor;
  return a;
}

LoopBuilder::LoopBuilder(std::string name, const Target& target) {
  program_.name = std::move(name);
  program_.target = target;
}

void LoopBuilder::set_elements(LoopBuffer buffer, uint64_t elements) {
  program_.elements[static_cast<size_t>(buffer)] = elements;
}

int64_t LoopBuilder::add_table(std::span<const int32_t> entries) {
  const auto first = static_cast<int64_t>(program_.table.size());
  program_.table.insert(program_.table.end(), entries.begin(), entries.end());
  return first;
}

LoopInstruction& LoopBuilder::emit(LoopOp op) {
  LoopInstruction instruction;
  instruction.op = op;
  program_.body.push_back(std::move(instruction));
  return program_.body.back();
}

/// What has too many terms for one access passes through a register.
Affine LoopBuilder::shortened(Affine at) {
  std::erase_if(at.terms, [](const LoopTerm& term) { return term.coefficient == 0; });
  if (at.terms.size() <= kMaxLoopTerms) return at;
  Affine some;
  some.terms.assign(at.terms.begin(), at.terms.begin() + kMaxLoopTerms);
  at.terms.erase(at.terms.begin(), at.terms.begin() + kMaxLoopTerms);
  return shortened(std::move(at) + Affine(index(some)));
}

LoopInstruction& LoopBuilder::emit_access(LoopOp op, LoopBuffer buffer, const Affine& place, uint32_t lanes) {
  const Affine at = shortened(place);
  LoopInstruction& instruction = emit(op);
  instruction.access = {buffer, at.offset, at.terms};
  if (loop_op_info(op).has_lanes) instruction.lanes = lanes == 0 ? this->lanes() : lanes;
  return instruction;
}

Vec LoopBuilder::constant(float value) {
  const Vec d = fresh();
  LoopInstruction& instruction = emit(LoopOp::kConstant);
  instruction.d = d.id;
  instruction.value = value;
  return d;
}

Vec LoopBuilder::copy(Vec a) { return unary(LoopOp::kCopy, a); }

Vec LoopBuilder::load(LoopBuffer buffer, const Affine& at, uint32_t lanes) {
  const Vec d = fresh();
  emit_access(LoopOp::kLoad, buffer, at, lanes).d = d.id;
  return d;
}

Vec LoopBuilder::load_strided(LoopBuffer buffer, const Affine& at, int64_t stride, uint32_t lanes) {
  const Vec d = fresh();
  LoopInstruction& instruction = emit_access(LoopOp::kLoadStrided, buffer, at, lanes);
  instruction.d = d.id;
  instruction.immediate = stride;
  return d;
}

Vec LoopBuilder::splat(LoopBuffer buffer, const Affine& at) {
  const Vec d = fresh();
  emit_access(LoopOp::kSplatLoad, buffer, at, 0).d = d.id;
  return d;
}

Vec LoopBuilder::splat_pair(LoopBuffer buffer, const Affine& at) {
  const Vec d = fresh();
  emit_access(LoopOp::kSplatPair, buffer, at, 0).d = d.id;
  return d;
}

void LoopBuilder::store(LoopBuffer buffer, const Affine& at, Vec a, uint32_t lanes) {
  emit_access(LoopOp::kStore, buffer, at, lanes).a = a.id;
}

Vec LoopBuilder::unary(LoopOp op, Vec a) {
  const Vec d = fresh();
  LoopInstruction& instruction = emit(op);
  instruction.d = d.id;
  instruction.a = a.id;
  return d;
}

Vec LoopBuilder::binary(LoopOp op, Vec a, Vec b) {
  const Vec d = unary(op, a);
  program_.body.back().b = b.id;
  return d;
}

Vec LoopBuilder::slide_up(Vec a, uint32_t distance) {
  const Vec d = unary(LoopOp::kSlideUp, a);
  program_.body.back().immediate = distance;
  return d;
}

Vec LoopBuilder::fma(Vec a, Vec b, Vec c) {
  const Vec d = binary(LoopOp::kFma, a, b);
  program_.body.back().c = c.id;
  return d;
}

void LoopBuilder::assign(Vec d, Vec a) {
  LoopInstruction& instruction = emit(LoopOp::kCopy);
  instruction.d = d.id;
  instruction.a = a.id;
}

void LoopBuilder::add_to(Vec d, Vec a) {
  LoopInstruction& instruction = emit(LoopOp::kAdd);
  instruction.d = instruction.a = d.id;
  instruction.b = a.id;
}

void LoopBuilder::max_to(Vec d, Vec a) {
  LoopInstruction& instruction = emit(LoopOp::kMax);
  instruction.d = instruction.a = d.id;
  instruction.b = a.id;
}

void LoopBuilder::fma_to(Vec d, Vec a, Vec b) {
  LoopInstruction& instruction = emit(LoopOp::kFma);
  instruction.d = instruction.c = d.id;
  instruction.a = a.id;
  instruction.b = b.id;
}

Index LoopBuilder::index(const Affine& value) {
  const Index d{program_.integers++};
  emit_access(LoopOp::kIndex, LoopBuffer::kX0, value, 0).d = d.id;
  return d;
}

Index LoopBuilder::load_index(const Affine& table_entry) {
  const Index d{program_.integers++};
  emit_access(LoopOp::kLoadIndex, LoopBuffer::kX0, table_entry, 0).d = d.id;
  return d;
}

Index LoopBuilder::integer(LoopOp op, Index a, int64_t immediate) {
  const Index d{program_.integers++};
  LoopInstruction& instruction = emit(op);
  instruction.d = d.id;
  instruction.a = a.id;
  instruction.immediate = immediate;
  return d;
}

void LoopBuilder::loop(Bound begin, Bound end, int64_t step, const std::function<void(Index)>& body) {
  const Index counter{program_.integers++};
  LoopInstruction& instruction = emit(LoopOp::kLoop);
  instruction.d = counter.id;
  instruction.begin = begin.value;
  instruction.end = end.value;
  instruction.immediate = step;
  body(counter);
  emit(LoopOp::kEndLoop);
}

void LoopBuilder::apart(const std::function<void()>& body) {
  loop(min(item(), 0), 1, 1, [&](Index) { body(); });
}

void LoopBuilder::interleave(uint32_t count, const std::function<void(uint32_t)>& body) {
  auto& code = program_.body;
  const auto begin = static_cast<std::ptrdiff_t>(code.size());
  std::vector<std::vector<LoopInstruction>> strands;
  size_t longest = 0;
  for (uint32_t i = 0; i < count; ++i) {
    body(i);
    strands.emplace_back(std::make_move_iterator(code.begin() + begin), std::make_move_iterator(code.end()));
    code.resize(static_cast<size_t>(begin));
    longest = std::max(longest, strands.back().size());
  }
  for (size_t at = 0; at < longest; ++at)
    for (auto& strand : strands)
      if (at < strand.size()) code.push_back(std::move(strand[at]));
}

Result<LoopProgram> LoopBuilder::finish() {
  if (Status s = verify(program_); !s) return std::move(s).error().in(program_.name);
  return std::move(program_);
}

}  // namespace espalier
