#include "backends/assemble.h"

#include <set>

#include "backends/aarch64/aarch64_assembler.h"
#include "backends/x86_64/x86_64_assembler.h"

namespace espalier {

size_t KernelCode::code_bytes() const {
  std::set<std::string_view> seen;
  size_t bytes = 0;
  for (const std::string& chunk : chunks)
    if (seen.insert(chunk).second) bytes += chunk.size();
  return bytes;
}

Result<KernelCode> assemble(const KernelProgram& program) {
  if (program.target.isa != Isa::kX86_64 && program.target.isa != Isa::kAArch64)
    return unsupported("target {} has no native code", program.target.name);
  auto chunks = program.target.isa == Isa::kX86_64 ? assemble_x86_64(program) : assemble_aarch64(program);
  if (!chunks) return std::move(chunks).error().in("kernel " + program.name);
  return KernelCode{&program, *std::move(chunks)};
}

}  // namespace espalier
