// The compiler's own choice, in plain CHW and in pixel panels.
#include "bench/host_kernel.h"
#include "bench/peers/peer.h"
#include "codegen/layout.h"

namespace espalier {
namespace {

Result<PreparedPeer> prepare(const KernelSpec& spec, const Target& target) {
  Result<HostKernel> compiled = compile_for_host(spec, target);
  if (!compiled) return std::move(compiled).error();
  auto host = std::make_shared<HostKernel>(std::move(*compiled));
  std::string detail = to_string(host->program->schedule);
  auto run = [host, pixels = spec.max_pixels()](const float* x, float* y) {
    espalier_kernel_run(host->kernel, x, y, pixels);
  };
  return PreparedPeer{layout_of(spec), std::move(run), std::move(detail)};
}

Result<PreparedPeer> prepare_chw(const KernelSpec& spec, const Target& target) {
  return prepare(with_stride(spec, recommended_stride(spec.max_pixels(), target.vector->lanes)), target);
}

Result<PreparedPeer> prepare_panels(const KernelSpec& spec, const Target& target) {
  Result<uint32_t> panel = recommended_panel(spec, target);
  if (!panel) return std::move(panel).error();
  KernelSpec panels = spec;
  panels.input_stride = panels.output_stride = panels.input_panel = panels.output_panel = *panel;
  Result<PreparedPeer> prepared = prepare(panels, target);
  if (prepared) prepared->detail = fmt::format("panels of {}, {}", *panel, prepared->detail);
  return prepared;
}

}  // namespace

std::vector<Peer> ours_peers() {
  return {{"ours", "the compiler's own choice, plain CHW with recommended strides", true, true, prepare_chw},
          {"ours, panels", "the same with input and output in panels of the recommended width", true, true,
           prepare_panels}};
}

}  // namespace espalier
