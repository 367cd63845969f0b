// Runs modules under Node.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ir/kernel_program.h"

namespace espalier::test {

/// One call of a kernel: how it is called, and what with. `y` holds the initial contents before and the result after.
struct NodeCall {
  std::string kernel;
  uint32_t pixels = 0;
  std::vector<float> x, y;
  bool copy = false;                                   ///< by Kernel.run, else in the module's memory
  std::vector<std::pair<uint32_t, uint32_t>> items{};  ///< if any: by Kernel.runItems over these ranges, in this order
};

/// The command that runs Node with a WebAssembly feature ("simd128", "relaxed-simd"), switched on if need be: `node` of
/// PATH, or what ESPALIER_NODE names. Nothing if there is none.
std::optional<std::string> node_with(const std::string& feature);

/// Runs the calls one after another in one instance. On failure the string holds what Node said; else it is empty.
std::string run_in_node(const std::string& node, const std::string& module, std::vector<NodeCall>& calls);

/// Runs a script of this folder under node's test runner. Empty if all of its tests pass, else what Node said.
std::string run_script(const std::string& node, const std::string& script);

}  // namespace espalier::test
