// The C table of layers.h.
#pragma once

#include <string>
#include <vector>

#include "codegen/library/compile_library.h"

namespace espalier {

/// One layer in both layouts; both come from the same matrix.
struct BenchLayer {
  std::string name;
  const CompiledKernel* panels = nullptr;
  const CompiledKernel* image = nullptr;
};

/// layers.c: the layers, the yardstick's weights, and buffers for the largest of them. Requires one layer at least.
std::string layer_table(const std::vector<BenchLayer>& layers, const Target& target);

}  // namespace espalier
