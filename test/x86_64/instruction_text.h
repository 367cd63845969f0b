// LLVM's AT&T listing of x86-64 code, taken apart.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace espalier::test {

/// What stands between the commas of an instruction.
struct Operand {
  enum class Kind : uint8_t { kRegister, kImmediate, kMemory };
  Kind kind = Kind::kImmediate;
  std::string reg;      ///< register, or base of a memory operand, without its %
  int64_t value = 0;    ///< immediate, displacement (bytes) or jump distance (bytes)
  std::string index{};  ///< of a memory operand, if it has one
  uint64_t scale = 1;
  bool splat = false;  ///< one element of memory for all lanes
};

/// One line of McTarget::disassemble(). Operands are in AT&T order: the destination is last.
struct Instruction {
  uint64_t offset = 0;  ///< bytes
  std::string name;
  std::vector<Operand> operands;
  bool masked = false;   ///< {%k1} follows the destination
  bool zeroing = false;  ///< {z} follows the mask
  std::string text;      ///< name and operands as printed, tabs as spaces
};

std::vector<Instruction> parse_listing(std::string_view listing);

/// A register's number if its name is `prefix` and a number, e.g. ("zmm", "zmm17"); else -1.
int register_number(std::string_view prefix, std::string_view name);

}  // namespace espalier::test
