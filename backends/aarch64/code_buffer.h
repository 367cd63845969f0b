// AArch64 instructions under construction.
#pragma once

#include <string>
#include <vector>

#include "backends/aarch64/instructions.h"

namespace espalier::aarch64 {

/// A growing list of instructions; positions count instructions.
class CodeBuffer {
 public:
  explicit CodeBuffer(const WordTable& table) : table_(table) {}

  /// Appends `insn` with `fields` in its holes (rd(..) | rn(..) | ...).
  void emit(Insn insn, uint32_t fields = 0) { words_.push_back(table_[static_cast<int>(insn)] | fields); }
  void patch(size_t position, uint32_t fields) { words_[position] |= fields; }
  size_t size() const { return words_.size(); }
  std::string bytes() const { return {reinterpret_cast<const char*>(words_.data()), words_.size() * sizeof(uint32_t)}; }

 private:
  const WordTable& table_;
  std::vector<uint32_t> words_;
};

}  // namespace espalier::aarch64
