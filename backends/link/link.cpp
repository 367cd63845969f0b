#include "backends/link/link.h"

#include "backends/link/run_lld.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/MemoryBuffer.h"

namespace espalier {
namespace {

std::string object_name(const std::string& name, size_t number) {
  return number == 0 ? name + ".o" : fmt::format("{}.{}.o", name, number);
}

std::vector<LinkerInput> named(const std::vector<std::string>& objects, const std::string& name) {
  std::vector<LinkerInput> inputs;
  for (const std::string& object : objects) inputs.push_back({object_name(name, inputs.size()), object});
  return inputs;
}

Status check_elf(const Target& target, std::string_view what) {
  if (target.format == ObjectFormat::kElf) return {};
  return unsupported("target {} has no {} to emit; emit a static library (archive)", target.name, what);
}

}  // namespace

Result<std::string> link_relocatable(const std::vector<std::string>& objects, const Target& target,
                                     const std::string& name) {
  if (objects.size() == 1) return objects[0];
  if (Status s = check_elf(target, "single object of several"); !s) return std::move(s).error();
  return run_lld(Linker::kElf, {"-r", "--threads=1"}, named(objects, name), name + ".linked.o");
}

Result<std::string> link_archive(const std::vector<std::string>& objects, const Target& target,
                                 const std::string& name) {
  std::vector<llvm::NewArchiveMember> members;
  std::vector<std::string> names;
  for (size_t i = 0; i < objects.size(); ++i) names.push_back(object_name(name, i));
  for (size_t i = 0; i < objects.size(); ++i) members.emplace_back(llvm::MemoryBufferRef(objects[i], names[i]));
  const auto kind =
      target.format == ObjectFormat::kMachO ? llvm::object::Archive::K_DARWIN : llvm::object::Archive::K_GNU;
  auto archive = llvm::writeArchiveToBuffer(members, llvm::SymtabWritingMode::NormalSymtab, kind,
                                            /*Deterministic=*/true, /*Thin=*/false);
  if (!archive) return internal_error("cannot make an archive: {}", llvm::toString(archive.takeError()));
  return (*archive)->getBuffer().str();
}

Result<std::string> link_shared(const std::vector<std::string>& objects, const Target& target,
                                const std::string& name) {
  if (Status s = check_elf(target, "shared object"); !s) return std::move(s).error();
  return run_lld(Linker::kElf,
                 {"-shared", "--threads=1", "--no-undefined", "--build-id=none", "--hash-style=gnu", "-z",
                  "noexecstack", "-soname", name + ".so"},
                 named(objects, name), name + ".so");
}

}  // namespace espalier
