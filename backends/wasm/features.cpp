#include "backends/wasm/features.h"

#include "espalier/kernel_abi.h"

namespace espalier::wasm {
namespace {

struct Feature {
  uint64_t bit;
  std::string_view name;
};
constexpr Feature kFeatures[] = {{ESPALIER_CPU_RELAXED_SIMD, "relaxed-simd"}, {ESPALIER_CPU_SIMD128, "simd128"}};

}  // namespace

uint64_t used_features(std::span<const KernelProgram> programs) {
  uint64_t used = 0;
  for (const KernelProgram& p : programs) used |= p.target.vector->features;
  return used;
}

std::vector<std::string_view> tool_features(uint64_t features) {
  std::vector<std::string_view> names;
  for (const Feature& f : kFeatures)
    if (features & f.bit) names.push_back(f.name);
  return names;
}

std::vector<std::string_view> tool_features(std::span<const KernelProgram> programs) {
  return tool_features(used_features(programs));
}

}  // namespace espalier::wasm
