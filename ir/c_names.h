// Names that no kernel can have, because emitted C could not declare it or no program could link it.
#pragma once

#include <string_view>

namespace espalier {

/// Whether `name` is one of these: a keyword of C (to C23) or C++ (to C++26); a name of the headers that emitted files
/// include, or of a function of the C library, beside which a program cannot have another; one that emitted files use
/// themselves (x, y, pixels, espalier_*, ESPALIER_*); `memory`, under which WebAssembly modules export theirs; one
/// that begins with an underscore, as those of compilers and C libraries do.
bool is_reserved_in_c(std::string_view name);

}  // namespace espalier
