// Compiles the layers of MobileNetV1 for AArch64, each in panels and as plain CHW: FOLDER/kernels.o and
// FOLDER/layers.c.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>

#include "backends/mc/object_writer.h"
#include "bench/aarch64_kernels/layer_table.h"
#include "bench/mobilenet_layers.h"
#include "codegen/layout.h"

namespace espalier {
namespace {

struct Options {
  std::string folder, data, cpu = "cortex-a76", panel_schedule, image_schedule;
  uint32_t panel = 0;
};

void declare(CLI::App& app, Options& o) {
  app.add_option("folder", o.folder, "where to write kernels.o and layers.c")->required();
  app.add_option("--data", o.data, "mobilenet_v1_1.0_90.npz (default: in $ESPALIER_DATA or ../shared/data)");
  app.add_option("--cpu", o.cpu, "CPU to compile for");
  app.add_option("--panel", o.panel, "pixels of a panel (default: the compiler's recommendation)");
  app.add_option("--panel-schedule", o.panel_schedule, "schedule of the kernels in panels, e.g. loop");
  app.add_option("--image-schedule", o.image_schedule, "schedule of the kernels in CHW");
}

Result<std::vector<LibraryKernel>> in_panels(const std::vector<KernelSpec>& layers, const Target& target,
                                             uint32_t width) {
  std::vector<LibraryKernel> kernels;
  for (KernelSpec spec : layers) {
    const auto panel = width ? Result<uint32_t>(width) : recommended_panel(spec, target);
    if (!panel) return panel.error();
    spec.name += "_panels";
    spec.input_panel = spec.output_panel = spec.input_stride = spec.output_stride = *panel;
    kernels.push_back({std::move(spec), {}});
  }
  return kernels;
}

Result<std::vector<CompiledKernel>> compile(std::vector<LibraryKernel> kernels, const Target& target,
                                            const std::string& schedule) {
  LibraryOptions options;
  if (!schedule.empty()) {
    const Result<Schedule> parsed = parse_schedule(schedule);
    if (!parsed) return parsed.error();
    options.schedule = *parsed;
  }
  return compile_library(std::move(kernels), target, options);
}

Status write_file(const std::filesystem::path& path, const std::string& contents) {
  std::ofstream out(path, std::ios::binary);
  out << contents;
  if (!out.flush()) return system_error("{}: cannot write", path.string());
  return {};
}

Status write(const std::vector<CompiledKernel>& panels, const std::vector<CompiledKernel>& images, const Target& target,
             const Options& o) {
  std::vector<BenchLayer> layers;
  std::vector<KernelCode> code;
  for (size_t i = 0; i < images.size(); ++i) {
    layers.push_back({fmt::format("layer_{}", i), &panels[i], &images[i]});
    code.push_back(panels[i].code);
    code.push_back(images[i].code);
  }
  const Result<std::string> object = write_object(code, target);
  if (!object) return object.error();
  if (Status s = write_file(std::filesystem::path(o.folder) / "kernels.o", *object); !s) return s;
  return write_file(std::filesystem::path(o.folder) / "layers.c", layer_table(layers, target));
}

Status run(const Options& o) {
  const Result<Target> target = find_target("aarch64-linux", o.cpu);
  if (!target) return target.error();
  const Result<MobileNetLayers> layers = mobilenet_layers(o.data);
  if (!layers) return layers.error();
  auto panel_kernels = in_panels(layers->specs, *target, o.panel);
  if (!panel_kernels) return panel_kernels.error();
  std::vector<LibraryKernel> image_kernels;
  for (const KernelSpec& spec : layers->specs) image_kernels.push_back({spec, {}});
  const auto panels = compile(*std::move(panel_kernels), *target, o.panel_schedule);
  if (!panels) return panels.error();
  const auto images = compile(std::move(image_kernels), *target, o.image_schedule);
  if (!images) return images.error();
  return write(*panels, *images, *target, o);
}

}  // namespace
}  // namespace espalier

int main(int argc, char** argv) {
  CLI::App app("Compiles the layers of MobileNetV1 for bench/aarch64_kernels.");
  espalier::Options options;
  espalier::declare(app, options);
  CLI11_PARSE(app, argc, argv);
  const espalier::Status status = espalier::run(options);
  if (!status) fmt::print(stderr, "generate_aarch64_kernels: {}\n", status.error().message);
  return status ? 0 : 1;
}
