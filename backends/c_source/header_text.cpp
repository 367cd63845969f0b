#include "backends/c_source/header_text.h"

#include <fmt/format.h>

#include <cctype>

#include "espalier/runtime.h"

namespace espalier {

std::string macro_name(std::string_view name) {
  std::string out;
  for (const unsigned char c : name) out += std::isalnum(c) ? static_cast<char>(std::toupper(c)) : '_';
  return out;
}

std::string needed_features(uint64_t features) {
  std::string names;
  for (; features; features &= features - 1) {
    const char* name = espalier_cpu_feature_name(features & (~features + 1));
    names += fmt::format("{}{}", names.empty() ? "" : ", ", name ? name : "an unknown feature");
  }
  return names.empty() ? "no CPU features" : names;
}

}  // namespace espalier
