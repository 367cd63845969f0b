#include "backends/assemble.h"

#include "backends/aarch64/aarch64_assembler.h"
#include "backends/x86_64/x86_64_assembler.h"

namespace espalier {

Result<KernelCode> assemble(const KernelProgram& program) {
  if (program.target.isa != Isa::kX86_64 && program.target.isa != Isa::kAArch64)
    return unsupported("target {} has no native code", program.target.name);
  auto chunks = program.target.isa == Isa::kX86_64 ? assemble_x86_64(program) : assemble_aarch64(program);
  if (!chunks) return std::move(chunks).error().in("kernel " + program.name);
  return KernelCode{&program, *std::move(chunks)};
}

}  // namespace espalier
