// bench/kernels: how near their bounds the sparse layers of MobileNetV1 run on this core.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <fstream>

#include "bench/kernel_report.h"
#include "bench/mobilenet_layers.h"
#include "bench/schedule_sweep.h"
#include "codegen/cost/candidates.h"
#include "codegen/measure/fma_peak.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Regex.h"

namespace espalier {
namespace {

struct Options {
  std::string data, schedule = "auto", cpu, layer = ".", json, layout = "panels";
  size_t repeat = 1;
  double seconds = 0.3;
  uint32_t stride = 0;
  bool dense_strides = false, sweep = false;
  SweepGrid grid;
};

void declare(CLI::App& app, Options& o) {
  app.add_option("data", o.data, "mobilenet_v1_1.0_90.npz (default: in $ESPALIER_DATA or ../shared/data)");
  app.add_option("--schedule", o.schedule, "schedule of all layers, e.g. unrolled:rows=2,vectors=6");
  app.add_option("--layout", o.layout, "chw, panels, a panel width, or best: whichever the cost model prefers")
      ->capture_default_str();
  app.add_option("--cpu", o.cpu, "CPU or vector ISA to compile for (default: this machine's)");
  app.add_option("--layer", o.layer, "only layers whose name matches this regular expression");
  app.add_option("--repeat", o.repeat, "measure this often and keep each layer's median run")
      ->check(CLI::PositiveNumber);
  app.add_option("--seconds", o.seconds, "time for one measurement of one layer")->check(CLI::PositiveNumber);
  app.add_option("--json", o.json, "also write the results to this file");
  app.add_flag("--dense-strides", o.dense_strides, "row strides equal to the pixels, for comparison");
  app.add_option("--stride", o.stride, "row strides of this many elements, for comparison");
  app.add_flag("--sweep", o.sweep, "time every schedule of the lists below against the compiler's choice");
  app.add_option("--rows", o.grid.rows, "sweep: rows of a tile")->delimiter(',');
  app.add_option("--vectors", o.grid.vectors, "sweep: vectors of a tile")->delimiter(',');
  app.add_option("--k", o.grid.k_block, "sweep: input channels per chunk")->delimiter(',');
  app.add_option("--chunk", o.grid.chunk, "sweep: non-zeros per chunk")->delimiter(',');
  app.add_option("--pixels", o.grid.pixels, "sweep: pixels per block")->delimiter(',');
}

Result<std::vector<KernelSpec>> chosen_layers(const Options& o, const Target& target, std::string& source) {
  Result<MobileNetLayers> layers = mobilenet_layers(o.data);
  if (!layers) return std::move(layers).error();
  source = layers->source;
  const llvm::Regex pattern(o.layer);  // std::regex throws
  if (std::string why; !pattern.isValid(why)) return bad_input("--layer '{}': {}", o.layer, why);
  std::vector<KernelSpec> specs;
  for (KernelSpec& spec : layers->specs)
    if (pattern.match(spec.name)) {
      uint32_t stride = recommended_stride(*spec.pixels, target.vector->lanes);
      if (o.dense_strides) stride = *spec.pixels;
      if (o.stride) stride = o.stride;
      spec.input_stride = spec.output_stride = stride;
      specs.push_back(std::move(spec));
    }
  if (specs.empty()) return bad_input("no layer matches '{}'", o.layer);
  return specs;
}

/// The run with the median share of its bound.
Result<KernelMeasurement> median_measurement(const HostKernel& host, uint32_t pixels, const Options& o) {
  std::vector<KernelMeasurement> runs;
  MeasureOptions options;
  options.timing.budget_seconds = o.seconds;
  for (size_t i = 0; i < o.repeat; ++i) {
    auto run = measure_kernel(host.kernel, pixels, options);
    if (!run) return std::move(run).error();
    runs.push_back(*run);
  }
  std::sort(runs.begin(), runs.end(), [](const KernelMeasurement& a, const KernelMeasurement& b) {
    return a.share_of_bound() < b.share_of_bound();
  });
  return runs[runs.size() / 2];
}

double predicted_cycles(const KernelSpec& spec, const Target& target) {
  const auto candidates = rank_schedules(spec, target, {});
  return candidates ? (*candidates)[0].cost.cycles() : HUGE_VAL;
}

/// The layer with the strides or panels that --layout asks for.
Result<KernelSpec> laid_out(const KernelSpec& spec, const Target& target, const std::string& layout) {
  if (layout != "best") return in_layout(spec, target, layout);
  auto panels = in_layout(spec, target, "panels");
  if (panels && predicted_cycles(spec, target) < predicted_cycles(*panels, target)) return spec;
  return panels;
}

Result<KernelRow> measure_layer(const KernelSpec& layer, const Target& target, const Options& o) {
  const Result<KernelSpec> chosen = laid_out(layer, target, o.layout);
  if (!chosen) return chosen.error();
  const KernelSpec& spec = *chosen;
  Result<Schedule> schedule = parse_schedule(o.schedule);
  if (!schedule) return std::move(schedule).error();
  Result<HostKernel> host = compile_for_host(spec, target, *schedule);
  if (!host) return std::move(host).error();
  const double error = error_of(*host, spec);
  if (!(error <= 1)) return internal_error("{}: the result is {} times its error bound off", spec.name, error);
  Result<KernelMeasurement> measured = median_measurement(*host, *spec.pixels, o);
  if (!measured) return std::move(measured).error();
  return KernelRow{spec.name,
                   spec.matrix.rows(),
                   spec.matrix.columns(),
                   *spec.pixels,
                   spec.matrix.nonzeros(),
                   spec.input_panel ? fmt::format("panels of {}", spec.input_panel) : "CHW",
                   to_string(host->program->schedule),
                   *measured,
                   host->code_bytes_per_nonzero(),
                   host->weight_bytes_per_nonzero(),
                   host->compile_seconds,
                   error};
}

void print_sweep(const KernelSpec& spec, const std::vector<SweepEntry>& entries) {
  constexpr size_t kShown = 12;
  fmt::print("\n{}: {}x{}, {} pixels{}, {} schedules\n\n| GFLOP/s | speedup | schedule |\n|---:|---:|---|\n", spec.name,
             spec.matrix.rows(), spec.matrix.columns(), *spec.pixels,
             spec.input_panel ? fmt::format(" in panels of {}", spec.input_panel) : "", entries.size());
  for (size_t i = 0; i < entries.size(); ++i)
    if (const SweepEntry& e = entries[i]; i < kShown || e.speedup == 1)
      fmt::print("| {:.1f} | {:.2f} | `{}`{} |\n", e.gflops, e.speedup, to_string(e.schedule),
                 e.speedup == 1 ? " (chosen)" : "");
  std::fflush(stdout);
}

SweepGrid with_defaults(SweepGrid grid, const Target& target) {
  const bool wide = target.vector->registers > 16;
  if (grid.rows.empty()) grid.rows = wide ? std::vector<uint32_t>{2, 4, 6, 8} : std::vector<uint32_t>{1, 2, 3, 4};
  if (grid.vectors.empty()) grid.vectors = {2, 3, 4, 5, 6, 7};
  if (grid.k_block.empty()) grid.k_block = {0, 128, 4096};
  if (grid.chunk.empty()) grid.chunk = {0, 256, 1024};
  if (grid.pixels.empty()) grid.pixels = {0, 1u << 20};
  return grid;
}

Status sweep(const std::vector<KernelSpec>& specs, const Target& target, const Options& o) {
  for (const KernelSpec& layer : specs) {
    const auto spec = laid_out(layer, target, o.layout);
    if (!spec) return spec.error();
    auto entries = sweep_schedules(*spec, target, with_defaults(o.grid, target));
    if (!entries) return std::move(entries).error();
    print_sweep(*spec, *entries);
  }
  return {};
}

Status measure(const std::vector<KernelSpec>& specs, const Target& target, const Options& o,
               const std::string& source) {
  std::vector<KernelRow> rows;
  // LLVM's tables are made on first use; the first layer's compile time should not hold them.
  if (auto warm_up = compile_for_host(specs[0], target); !warm_up) return std::move(warm_up).error();
  for (const KernelSpec& spec : specs) {
    auto row = measure_layer(spec, target, o);
    if (!row) return std::move(row).error();
    rows.push_back(std::move(*row));
  }
  fmt::print("{}", markdown_table(rows));
  if (o.json.empty()) return {};
  std::ofstream out(o.json);
  out << json_report(rows, source, target);
  out.close();
  if (!out) return system_error("{}: cannot write", o.json);
  return {};
}

Status run(const Options& o) {
  Result<Target> target = find_target("host", o.cpu);
  if (!target) return std::move(target).error();
  std::string source;
  Result<std::vector<KernelSpec>> specs = chosen_layers(o, *target, source);
  if (!specs) return std::move(specs).error();
  fmt::print("Sparse layers of MobileNetV1 1.0 ({}), {} with {}, FMA peak of {}, one core{}.\n\n", source,
             target->cpu->name, target->vector->name, widest_vector_isa().name,
             o.dense_strides ? ", dense strides" : "");
  std::fflush(stdout);
  return o.sweep ? sweep(*specs, *target, o) : measure(*specs, *target, o, source);
}

}  // namespace
}  // namespace espalier

int main(int argc, char** argv) {
  CLI::App app("How near their bounds the sparse layers of MobileNetV1 run on this core.");
  espalier::Options options;
  espalier::declare(app, options);
  CLI11_PARSE(app, argc, argv);
  const espalier::Status status = espalier::run(options);
  if (!status) fmt::print(stderr, "kernels: {}\n", status.error().message);
  return status ? 0 : 1;
}
