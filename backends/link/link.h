// Several native objects as one file, in this process.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ir/target.h"

namespace espalier {

/// One relocatable object (ELF; `lld -r`). `name` says what it is, in messages and as the library's name. Errors:
/// kUnsupported for Mach-O, where an archive does; kSystem when the linker's temporary directory cannot be used;
/// kInternal with lld's words.
Result<std::string> link_relocatable(const std::vector<std::string>& objects, const Target& target,
                                     const std::string& name);

/// A static library with a symbol table (ELF, Mach-O), without dates.
Result<std::string> link_archive(const std::vector<std::string>& objects, const Target& target,
                                 const std::string& name);

/// A shared object (ELF) that needs no other.
Result<std::string> link_shared(const std::vector<std::string>& objects, const Target& target, const std::string& name);

}  // namespace espalier
