// bench/compile_speed: how many non-zeros per second one core turns into code.
#include <CLI/CLI.hpp>
#include <cstdio>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "bench/compile_runs.h"
#include "bench/mobilenet_layers.h"
#include "codegen/layout.h"
#include "codegen/measure/pinned_core.h"

namespace espalier {
namespace {

struct Options {
  std::string data, schedule = "unrolled";
  size_t runs = 15;
  bool keep_memory = false, panels = false;
  std::vector<std::string> targets = {"x86_64-linux/avx2", "x86_64-linux/avx512", "aarch64-linux/cortex-a76",
                                      "wasm32/simd128"};
};

struct Job {
  std::string name;
  std::vector<KernelSpec> specs;
};

KernelSpec seeded_spec(uint32_t size, uint32_t pixels) {
  KernelSpec spec;
  spec.name = "kernel";
  spec.matrix = random_sparse_matrix(size, size, 0.9, 1);
  spec.bias.assign(size, 0.25f);
  spec.clamp.low = 0;
  spec.pixels = pixels;
  spec.input_stride = spec.output_stride = recommended_stride(pixels);
  return spec;
}

Result<std::vector<Job>> make_jobs(const Options& o) {
  std::vector<Job> jobs;
  for (uint32_t size : {512u, 1024u})
    for (uint32_t pixels : {196u, 49u})
      jobs.push_back({fmt::format("{0}x{0}, 90 %, {1} pixels", size, pixels), {seeded_spec(size, pixels)}});
  Result<MobileNetLayers> layers = mobilenet_layers(o.data);
  if (!layers) return std::move(layers).error();
  jobs.push_back({"12 layers of " + layers->source, std::move(layers->specs)});
  return jobs;
}

Result<Target> parse_target(const std::string& text) {
  const size_t slash = text.find('/');
  return find_target(text.substr(0, slash), slash == std::string::npos ? "" : text.substr(slash + 1));
}

/// Passes by what they do; forms have passes of their own.
struct Step {
  std::string_view title;
  std::vector<std::string_view> passes;
};
const Step kSteps[] = {{"choose", {"choose_schedule", "order_rows"}},
                       {"plan", {"plan_pixel_tiles", "plan_chunks", "plan_rolled_chunks", "find_patterns"}},
                       {"streams", {"build_stream", "build_rolled_streams"}},
                       {"lower", {"lower_unrolled", "lower_rolled", "lower_dense"}},
                       {"verify", {"verify"}},
                       {"assemble", {"assemble"}},
                       {"write", {"write"}}};

void print_heading() {
  fmt::print("| target | matrices | non-zeros | million nz/s (best) | ms (p10..p90) | bytes/nz |");
  for (const Step& step : kSteps) fmt::print(" {} |", step.title);
  fmt::print("\n|---|---|---:|---:|---:|---:|");
  for (size_t i = 0; i < std::size(kSteps); ++i) fmt::print("---:|");
  fmt::print("\n");
}

void print_row(const std::string& target, const Job& job, const CompileRuns& r) {
  const double nonzeros = static_cast<double>(r.nonzeros);
  fmt::print("| {} | {} | {} | {:.2f} ({:.2f}) | {:.2f} ({:.2f}..{:.2f}) | {:.1f} |", target, job.name, r.nonzeros,
             r.million_nonzeros_per_second(), nonzeros / r.total.best * 1e-6, 1e3 * r.total.median, 1e3 * r.total.p10,
             1e3 * r.total.p90, static_cast<double>(r.bytes) / nonzeros);
  for (const Step& step : kSteps) {
    double share = 0;
    for (const std::string_view pass : step.passes)
      if (const auto found = r.shares.find(std::string(pass)); found != r.shares.end()) share += found->second;
    fmt::print(" {:.0f} % |", 100 * share);
  }
  fmt::print("\n");
  std::fflush(stdout);
}

Result<std::vector<KernelSpec>> in_panels(std::vector<KernelSpec> specs, const Target& target) {
  for (KernelSpec& spec : specs) {
    const auto width = recommended_panel(spec, target);
    if (!width) return width.error();
    spec.input_panel = spec.output_panel = spec.input_stride = spec.output_stride = *width;
  }
  return specs;
}

Status print_table(const Options& o) {
  Result<std::vector<Job>> jobs = make_jobs(o);
  if (!jobs) return std::move(jobs).error();
  const Result<Schedule> schedule = parse_schedule(o.schedule);
  if (!schedule) return schedule.error();
  print_heading();
  for (const std::string& name : o.targets) {
    Result<Target> target = parse_target(name);
    if (!target) return std::move(target).error();
    for (const Job& job : *jobs) {
      Result<std::vector<KernelSpec>> specs = o.panels ? in_panels(job.specs, *target) : job.specs;
      if (!specs) return std::move(specs).error();
      Result<CompileRuns> runs = time_compilation(*specs, *target, *schedule, o.runs);
      if (!runs) return std::move(runs).error().in(name);
      print_row(name, job, *runs);
    }
  }
  return {};
}

Status print_time_to_callable(const Options& o) {
  Result<Target> host = find_target("host");
  if (!host) return std::move(host).error();
  fmt::print("\n| CSR to callable kernel ({}, {}) | ms | p10..p90 | best |\n|---|---:|---:|---:|\n", host->name,
             host->vector->name);
  for (uint32_t pixels : {196u, 49u}) {
    Result<Timing> t = time_to_callable(seeded_spec(512, pixels), *host, *parse_schedule(o.schedule), o.runs);
    if (!t) return std::move(t).error();
    fmt::print("| 512x512, 90 %, {} pixels | {:.2f} | {:.2f}..{:.2f} | {:.2f} |\n", pixels, 1e3 * t->median,
               1e3 * t->p10, 1e3 * t->p90, 1e3 * t->best);
  }
  return {};
}

/// glibc gives large blocks back to the system and takes them anew for the next kernel, page fault by page fault.
void keep_freed_memory() {
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD, 256 << 20);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
}

Status run(const Options& o) {
  if (o.keep_memory) keep_freed_memory();
  const PinnedCore pinned;
  if (Status s = print_table(o); !s) return s;
  return print_time_to_callable(o);
}

}  // namespace
}  // namespace espalier

int main(int argc, char** argv) {
  CLI::App app("How many non-zeros per second one core turns into code, and where the time goes.");
  espalier::Options options;
  app.add_option("data", options.data, "mobilenet_v1_1.0_90.npz (default: in $ESPALIER_DATA or ../shared/data)");
  app.add_option("--schedule", options.schedule, "of all kernels")->capture_default_str();
  app.add_flag("--panels", options.panels, "inputs and outputs in panels of the recommended width");
  app.add_option("--runs", options.runs, "timed runs of each job")->check(CLI::PositiveNumber);
  app.add_flag("--keep-memory", options.keep_memory, "let malloc keep freed memory for the next run");
  app.add_option("--target", options.targets, "targets as TARGET/CPU")->delimiter(',');
  CLI11_PARSE(app, argc, argv);
  const espalier::Status status = espalier::run(options);
  if (!status) fmt::print(stderr, "compile_speed: {}\n", status.error().message);
  return status ? 0 : 1;
}
