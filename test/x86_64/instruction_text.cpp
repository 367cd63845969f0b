#include "test/x86_64/instruction_text.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>

namespace espalier::test {
namespace {

std::string trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(' '), last = text.find_last_not_of(' ');
  return first == std::string::npos ? std::string() : text.substr(first, last - first + 1);
}

Operand parse_operand(const std::string& text) {
  const int64_t number = std::strtoll(text.c_str() + (text[0] == '$'), nullptr, 0);
  if (text[0] == '%') return {Operand::Kind::kRegister, text.substr(1), 0};
  const size_t open = text.find("(%");
  if (open == std::string::npos) return {Operand::Kind::kImmediate, {}, number};
  Operand memory{Operand::Kind::kMemory, text.substr(open + 2, text.find_first_of(",)", open) - open - 2), number};
  memory.splat = text.find("{1to") != std::string::npos;
  if (const size_t comma = text.find(','); comma != std::string::npos) {
    const size_t second = text.find(',', comma + 1);
    memory.index = trimmed(text.substr(comma + 1, std::min(second, text.find(')')) - comma - 1)).substr(1);
    if (second != std::string::npos) memory.scale = std::strtoull(text.c_str() + second + 1, nullptr, 10);
  }
  return memory;
}

/// Operands stand between commas, but not those of an address.
std::vector<std::string> split_operands(const std::string& text) {
  std::vector<std::string> operands(1);
  int depth = 0;
  for (const char c : text) {
    depth += (c == '(') - (c == ')');
    if (c == ',' && depth == 0)
      operands.emplace_back();
    else
      operands.back() += c;
  }
  return operands;
}

/// Removes `what` from the text and says whether it was there.
bool take(std::string& text, const std::string& what) {
  const size_t at = text.find(what);
  if (at == std::string::npos) return false;
  text.erase(at, what.size());
  return true;
}

Instruction parse_line(const std::string& line) {
  Instruction inst;
  const size_t colon = line.find(':');
  inst.offset = std::strtoull(line.c_str(), nullptr, 16);
  inst.text = line.substr(colon + 1);
  std::replace(inst.text.begin(), inst.text.end(), '\t', ' ');
  inst.text = trimmed(inst.text);
  const size_t space = inst.text.find(' ');
  inst.name = inst.text.substr(0, space);
  std::string rest = space == std::string::npos ? std::string() : inst.text.substr(space);
  inst.masked = take(rest, "{%k1}");
  inst.zeroing = take(rest, "{z}");
  for (std::string operand : split_operands(rest))
    if (operand = trimmed(operand); !operand.empty()) inst.operands.push_back(parse_operand(operand));
  return inst;
}

}  // namespace

std::vector<Instruction> parse_listing(std::string_view listing) {
  std::vector<Instruction> instructions;
  std::istringstream lines{std::string(listing)};
  for (std::string line; std::getline(lines, line);) instructions.push_back(parse_line(line));
  return instructions;
}

int register_number(std::string_view prefix, std::string_view name) {
  if (!name.starts_with(prefix) || name.size() == prefix.size()) return -1;
  return std::atoi(std::string(name.substr(prefix.size())).c_str());
}

}  // namespace espalier::test
