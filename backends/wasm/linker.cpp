#include "backends/wasm/linker.h"

#include "backends/link/run_lld.h"

namespace espalier::wasm {

// The output's name stands in the module (name section), so it is always the same.
Result<std::string> link_module(std::span<const std::string_view> objects) {
  std::vector<LinkerInput> inputs;
  for (const std::string_view object : objects)
    inputs.push_back({inputs.empty() ? "kernels.o" : fmt::format("kernels{}.o", inputs.size()), object});
  return run_lld(Linker::kWasm,
                 {"--no-entry", "--export-dynamic", "--export=__heap_base", "--threads=1", "-z", "stack-size=0"},
                 inputs, "kernels.wasm");
}

Result<std::string> link_module(std::string_view object) { return link_module(std::span(&object, 1)); }

}  // namespace espalier::wasm
