#include "bench/wasm_kernels/kernel_set.h"

#include <set>

#include "codegen/layout.h"

namespace espalier {
namespace {

/// A width in pixels, kRecommended or kImage.
using Layout = uint32_t;
constexpr Layout kRecommended = 0, kImage = ~0u;

Result<KernelSpec> in_layout(KernelSpec spec, const Target& target, Layout layout) {
  if (layout == kImage) return spec;
  const auto panel = layout == kRecommended ? recommended_panel(spec, target) : Result<uint32_t>(layout);
  if (!panel) return panel.error();
  spec.input_panel = spec.output_panel = spec.input_stride = spec.output_stride = *panel;
  return spec;
}

Result<CompiledKernel> compile_one(const KernelSpec& spec, const Target& target, const std::string& wish) {
  const Result<Schedule> schedule = parse_schedule(wish);
  if (!schedule) return schedule.error();
  LibraryOptions options;
  options.schedule = *schedule;
  std::vector<LibraryKernel> one;
  one.push_back({spec, {}});
  auto compiled = compile_library(std::move(one), target, options);
  if (!compiled) return compiled.error();
  return std::move((*compiled)[0]);
}

/// Only the first schedule has to be possible.
Status add_schedules(size_t layer, KernelSpec spec, const Target& target, const std::vector<std::string>& schedules,
                     std::vector<BenchKernel>& kernels) {
  for (size_t i = 0; i < schedules.size(); ++i) {
    spec.name = fmt::format("k{}_{}_{}", layer, spec.input_panel, i);
    auto kernel = compile_one(spec, target, schedules[i]);
    if (!kernel && i == 0) return kernel.error();
    if (kernel) kernels.push_back({layer, schedules[i], std::move(*kernel)});
  }
  return {};
}

}  // namespace

Result<std::vector<BenchKernel>> kernel_set(const std::vector<BenchMatrix>& layers, const Target& target,
                                            const KernelSetOptions& options) {
  std::vector<BenchKernel> kernels;
  std::vector<Layout> layouts = options.panels;
  layouts.insert(layouts.begin(), kImage);
  for (size_t layer = 0; layer < layers.size(); ++layer) {
    std::set<uint32_t> widths;
    for (const Layout layout : layouts) {
      const Result<KernelSpec> spec = in_layout(layers[layer].spec, target, layout);
      if (!spec) return spec.error();
      if (!widths.insert(spec->input_panel).second) continue;
      if (Status s = add_schedules(layer, *spec, target, options.schedules, kernels); !s) return std::move(s).error();
    }
  }
  return kernels;
}

}  // namespace espalier
