// Texts that emitted headers share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace espalier {

/// Letters in capitals, everything that a C identifier cannot have as `_`.
std::string macro_name(std::string_view name);

/// Names of ESPALIER_CPU_* bits, for people.
std::string needed_features(uint64_t features);

}  // namespace espalier
