// Relocatable objects to one object, a static library or a shared library.
#pragma once

#include <span>
#include <string>

#include "ir/error.h"
#include "ir/target.h"

namespace espalier {

/// One relocatable ELF object of several: what they define and `exports` does not name is local to it. Symbols that
/// none defines stay undefined. Deterministic. Errors: those of run_lld; kInternal when the result cannot be read.
Result<std::string> link_relocatable(std::span<const std::string> objects, std::span<const std::string> exports);

/// A shared ELF library that needs no other: `exports` are what it shows. Deterministic. Errors: those of run_lld, also
/// for a symbol that none of the objects defines.
Result<std::string> link_shared(std::span<const std::string> objects, std::span<const std::string> exports,
                                const std::string& soname);

/// A member of a static library; at most 15 bytes of name are portable.
struct ArchiveMember {
  std::string name, object;
};
/// A static library (ar) with an index of its symbols, for the linker of the target's system: ELF or Mach-O objects.
/// Deterministic: no times or owners. Errors: kUnsupported for other formats; kInternal with LLVM's words.
Result<std::string> make_archive(std::span<const ArchiveMember> members, ObjectFormat format);

}  // namespace espalier
