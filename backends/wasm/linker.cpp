#include "backends/wasm/linker.h"

#include <vector>

#include "backends/link/lld.h"

namespace espalier::wasm {

Result<std::string> link_module(std::span<const std::string> objects, std::span<const std::string> exports) {
  std::vector<std::string> arguments = {"--no-entry", "--export-dynamic", "--export=__heap_base", "--threads=1",
                                        "-z",         "stack-size=0"};
  for (const std::string& symbol : exports) arguments.push_back("--export=" + symbol);
  std::vector<LinkerFile> files;
  for (const std::string& object : objects)
    files.push_back({files.empty() ? "kernels.o" : fmt::format("object{}.o", files.size()), object});
  // The output's name stands in the module (name section), so it is always the same.
  return run_lld(Linker::kWasm, arguments, files, "kernels.wasm");
}

Result<std::string> link_module(std::string_view object) {
  const std::string one(object);
  return link_module({&one, 1}, {});
}

}  // namespace espalier::wasm
