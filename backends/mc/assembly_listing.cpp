#include "backends/mc/assembly_listing.h"

#include "backends/mc/mc_target.h"

namespace espalier {
namespace {

std::string label(const KernelCode& code, const RowGroup& group, uint32_t chunk) {
  return fmt::format("{}.chunk.{}:  ; rows {}..{}, {} non-zeros, {} bytes\n", code.program->name, chunk,
                     group.first_row, group.first_row + group.rows - 1, code.program->chunks[chunk].nonzeros,
                     code.chunks[chunk].size());
}

}  // namespace

Result<std::string> print_assembly(const KernelCode& code, const Target& target) {
  const auto mc = McTarget::create(target.triple, target.cpu->llvm_name, "");
  if (!mc) return mc.error();
  std::string text;
  for (const RowGroup& group : code.program->groups)
    for (uint32_t c = group.first_chunk; c < group.first_chunk + group.chunks; ++c)
      text += label(code, group, c) + (*mc)->disassemble(code.chunks[c]);
  return text;
}

}  // namespace espalier
