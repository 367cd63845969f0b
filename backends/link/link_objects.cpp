#include "backends/link/link_objects.h"

#include <vector>

#include "backends/link/lld.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ObjCopy/CommonConfig.h"
#include "llvm/ObjCopy/ConfigManager.h"
#include "llvm/ObjCopy/ObjCopy.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/raw_ostream.h"

namespace espalier {
namespace {

std::vector<LinkerFile> linker_files(std::span<const std::string> objects) {
  std::vector<LinkerFile> files;
  for (const std::string& object : objects) files.push_back({fmt::format("object{}.o", files.size()), object});
  return files;
}

Error from_llvm(std::string_view what, llvm::Error error) {
  return internal_error("cannot {}: {}", what, llvm::toString(std::move(error)));
}

/// The object with all symbols but `exports` local.
Result<std::string> localised(const std::string& object, std::span<const std::string> exports) {
  auto file = llvm::object::ObjectFile::createObjectFile(llvm::MemoryBufferRef(object, "linked.o"));
  if (!file) return from_llvm("read the linked object", file.takeError());
  llvm::objcopy::ConfigManager config;
  const auto add = [&](llvm::objcopy::NameMatcher& names, llvm::StringRef name) {
    return names.addMatcher(llvm::objcopy::NameOrPattern::create(name, llvm::objcopy::MatchStyle::Literal,
                                                                 [](llvm::Error error) { return error; }));
  };
  for (const std::string& symbol : exports)
    if (auto error = add(config.Common.SymbolsToKeepGlobal, symbol))
      return from_llvm("keep a symbol", std::move(error));
  // No names at all would keep everything global; no symbol has this one.
  if (exports.empty())
    if (auto error = add(config.Common.SymbolsToKeepGlobal, "/")) return from_llvm("hide symbols", std::move(error));
  llvm::SmallString<0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  if (auto error = llvm::objcopy::executeObjcopyOnBinary(config, **file, stream))
    return from_llvm("hide symbols of the linked object", std::move(error));
  return bytes.str().str();
}

llvm::object::Archive::Kind archive_kind(ObjectFormat format) {
  return format == ObjectFormat::kMachO ? llvm::object::Archive::K_DARWIN : llvm::object::Archive::K_GNU;
}

}  // namespace

Result<std::string> link_relocatable(std::span<const std::string> objects, std::span<const std::string> exports) {
  const std::string arguments[] = {"-r", "--threads=1"};
  const auto linked = run_lld(Linker::kElf, arguments, linker_files(objects), "linked.o");
  if (!linked) return linked;
  return localised(*linked, exports);
}

Result<std::string> link_shared(std::span<const std::string> objects, std::span<const std::string> exports,
                                const std::string& soname) {
  std::string script = "{ global:";
  for (const std::string& symbol : exports) script += fmt::format(" {};", symbol);
  script += " local: *; };\n";
  if (exports.empty()) script = "{ local: *; };\n";
  std::vector<LinkerFile> files = linker_files(objects);
  files.push_back({"exports.map", script, "--version-script="});
  const std::string arguments[] = {"-shared",           "--threads=1",    "-z", "defs", "-z", "noexecstack",
                                   "-soname=" + soname, "--build-id=none"};
  return run_lld(Linker::kElf, arguments, files, "linked.so");
}

Result<std::string> make_archive(std::span<const ArchiveMember> members, ObjectFormat format) {
  if (format != ObjectFormat::kElf && format != ObjectFormat::kMachO)
    return unsupported("static libraries are made of ELF and Mach-O objects only");
  std::vector<llvm::NewArchiveMember> parts;
  for (const ArchiveMember& member : members) {
    parts.emplace_back(llvm::MemoryBufferRef(member.object, member.name));
    parts.back().Perms = 0644;
  }
  auto bytes = llvm::writeArchiveToBuffer(parts, llvm::SymtabWritingMode::NormalSymtab, archive_kind(format),
                                          /*Deterministic=*/true, /*Thin=*/false);
  if (!bytes) return from_llvm("write a static library", bytes.takeError());
  return (*bytes)->getBuffer().str();
}

}  // namespace espalier
