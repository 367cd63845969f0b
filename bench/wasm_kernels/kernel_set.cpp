#include "bench/wasm_kernels/kernel_set.h"

#include "codegen/layout.h"

namespace espalier {
namespace {

Result<KernelSpec> in_layout(KernelSpec spec, const Target& target, bool panels, uint32_t width) {
  if (!panels) return spec;
  const auto panel = width ? Result<uint32_t>(width) : recommended_panel(spec, target);
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

}  // namespace

Result<std::vector<BenchKernel>> kernel_set(const std::vector<BenchMatrix>& layers, const Target& target,
                                            const KernelSetOptions& options) {
  std::vector<BenchKernel> kernels;
  for (size_t layer = 0; layer < layers.size(); ++layer)
    for (const bool panels : {false, true}) {
      Result<KernelSpec> spec = in_layout(layers[layer].spec, target, panels, options.panel);
      if (!spec) return spec.error();
      for (size_t i = 0; i < options.schedules.size(); ++i) {
        spec->name = fmt::format("k{}_{}_{}", layer, panels ? "panels" : "image", i);
        auto kernel = compile_one(*spec, target, options.schedules[i]);
        if (!kernel && i == 0) return kernel.error();
        if (kernel) kernels.push_back({layer, panels, options.schedules[i], std::move(*kernel)});
      }
    }
  return kernels;
}

}  // namespace espalier
