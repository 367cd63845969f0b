#include "backends/wasm/wasm_module.h"

#include "backends/wasm/linker.h"
#include "backends/wasm/module_descriptor.h"

namespace espalier {

Result<std::string> write_wasm_module(std::span<const KernelProgram> programs) {
  const auto object = write_wasm_object(programs);
  if (!object) return object.error();
  auto module = wasm::link_module(*object);
  if (!module) return std::move(module).error();
  return std::move(*module) + wasm::descriptor_section(programs);
}

}  // namespace espalier
