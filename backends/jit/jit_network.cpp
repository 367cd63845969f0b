#include "backends/jit/jit_network.h"

#include <utility>

namespace espalier {

Result<std::unique_ptr<JitNetwork>> JitNetwork::load(std::span<const std::string> objects, const std::string& name,
                                                     const Target& target) {
  auto library = JitLibrary::load_objects(objects, target);
  if (!library) return std::move(library).error();
  const auto found = (*library)->address(name);
  if (!found) return internal_error("{}", found.error().message);
  const auto* network = static_cast<const espalier_network*>(*found);
  return std::unique_ptr<JitNetwork>(new JitNetwork(*std::move(library), network));
}

}  // namespace espalier
