#include <algorithm>
#include <cctype>
#include <unordered_set>

#include "ir/import/matrix_file.h"

namespace espalier {
namespace {

constexpr size_t kMaxIdentifier = 96;

/// Keywords of C99 to C23 and C++20 that a lower-case name could be.
constexpr std::string_view kKeywords[] = {
    "alignas",  "alignof",       "and",         "and_eq",   "asm",       "auto",      "bitand",    "bitor",
    "bool",     "break",         "case",        "catch",    "char",      "class",     "co_await",  "co_return",
    "co_yield", "compl",         "concept",     "const",    "consteval", "constexpr", "constinit", "const_cast",
    "continue", "decltype",      "default",     "delete",   "do",        "double",    "else",      "enum",
    "explicit", "export",        "extern",      "false",    "float",     "for",       "friend",    "goto",
    "if",       "inline",        "int",         "long",     "mutable",   "namespace", "new",       "noexcept",
    "not",      "not_eq",        "nullptr",     "operator", "or",        "or_eq",     "private",   "protected",
    "public",   "register",      "requires",    "restrict", "return",    "short",     "signed",    "sizeof",
    "static",   "static_assert", "static_cast", "struct",   "switch",    "template",  "this",      "thread_local",
    "throw",    "true",          "try",         "typedef",  "typeid",    "typename",  "typeof",    "union",
    "unsigned", "using",         "virtual",     "void",     "volatile",  "wchar_t",   "while",     "xor",
    "xor_eq",   "main",
};

bool is_plain(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

}  // namespace

std::string c_identifier(std::string_view name) {
  std::string id;
  for (const char c : name) {
    if (id.size() == kMaxIdentifier) break;
    if (is_plain(c)) {
      id += c;
    } else if (!id.empty() && id.back() != '_') {  // a leading '_' is the C library's
      id += '_';
    }
  }
  while (!id.empty() && id.back() == '_') id.pop_back();
  if (id.empty()) return "matrix";
  const bool reserved = std::find(std::begin(kKeywords), std::end(kKeywords), id) != std::end(kKeywords);
  if (reserved || (id[0] >= '0' && id[0] <= '9')) id.insert(0, "m_");
  return id;
}

std::vector<std::string> c_identifiers(std::span<const std::string> names) {
  std::unordered_set<std::string> used;
  std::vector<std::string> ids;
  for (const std::string& name : names) {
    const std::string base = c_identifier(name);
    std::string id = base;
    for (size_t n = 2; !used.insert(id).second; ++n) id = fmt::format("{}_{}", base, n);
    ids.push_back(std::move(id));
  }
  return ids;
}

}  // namespace espalier
