// A compiled network straight into this process.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "backends/jit/jit_library.h"
#include "espalier/network_abi.h"

namespace espalier {

/// A network linked into this process; it lives as long as this does, and may run on any threads.
class JitNetwork {
 public:
  /// `objects` define `name`, an espalier_network, and all it refers to. Errors: those of JitLibrary::load_objects; kInternal
  /// where they do not.
  static Result<std::unique_ptr<JitNetwork>> load(std::span<const std::string> objects, const std::string& name,
                                                  const Target& target);

  const espalier_network& network() const { return *network_; }

 private:
  JitNetwork(std::unique_ptr<JitLibrary> library, const espalier_network* network)
      : library_(std::move(library)), network_(network) {}

  std::unique_ptr<JitLibrary> library_;
  const espalier_network* network_;
};

}  // namespace espalier
