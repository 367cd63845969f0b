#include <unordered_set>

#include "ir/c_names.h"
#include "ir/import/matrix_file.h"

namespace espalier {
namespace {

constexpr size_t kMaxIdentifier = 96;

bool is_plain(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

/// Headers give kernel NAME a function NAME_run.
bool clashes(const std::string& id, const std::unordered_set<std::string>& used) {
  constexpr std::string_view kRun = "_run";
  if (used.contains(id) || used.contains(id + std::string(kRun))) return true;
  return id.ends_with(kRun) && used.contains(id.substr(0, id.size() - kRun.size()));
}

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
  if (is_reserved_in_c(id) || (id[0] >= '0' && id[0] <= '9')) id.insert(0, "m_");
  return id;
}

std::vector<std::string> c_identifiers(std::span<const std::string> names) {
  std::unordered_set<std::string> used;
  std::vector<std::string> ids;
  for (const std::string& name : names) {
    const std::string base = c_identifier(name);
    std::string id = base;
    for (size_t n = 2; clashes(id, used); ++n) id = fmt::format("{}_{}", base, n);
    used.insert(id);
    ids.push_back(std::move(id));
  }
  return ids;
}

}  // namespace espalier
