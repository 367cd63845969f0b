// bench/compile_speed: how many non-zeros per second one core turns into code.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "bench/compile_runs.h"
#include "bench/mobilenet_layers.h"
#include "codegen/measure/pinned_core.h"

namespace espalier {
namespace {

struct Options {
  std::string data;
  size_t runs = 15;
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

constexpr const char* kSteps[] = {"choose_schedule", "plan_pixel_tiles", "plan_chunks", "build_stream",
                                  "lower_unrolled",  "verify",           "assemble",    "write"};

void print_heading() {
  fmt::print("| target | matrices | non-zeros | million nz/s (best) | ms (p10..p90) | bytes/nz |");
  for (const char* step : kSteps) fmt::print(" {} |", step);
  fmt::print("\n|---|---|---:|---:|---:|---:|");
  for (size_t i = 0; i < std::size(kSteps); ++i) fmt::print("---:|");
  fmt::print("\n");
}

void print_row(const std::string& target, const Job& job, const CompileRuns& r) {
  const double nonzeros = static_cast<double>(r.nonzeros);
  fmt::print("| {} | {} | {} | {:.2f} ({:.2f}) | {:.2f} ({:.2f}..{:.2f}) | {:.1f} |", target, job.name, r.nonzeros,
             r.million_nonzeros_per_second(), nonzeros / r.total.best * 1e-6, 1e3 * r.total.median, 1e3 * r.total.p10,
             1e3 * r.total.p90, static_cast<double>(r.bytes) / nonzeros);
  for (const char* step : kSteps) {
    const auto share = r.shares.find(step);
    fmt::print(" {} |", share == r.shares.end() ? "" : fmt::format("{:.0f} %", 100 * share->second));
  }
  fmt::print("\n");
  std::fflush(stdout);
}

Status print_table(const Options& o) {
  Result<std::vector<Job>> jobs = make_jobs(o);
  if (!jobs) return std::move(jobs).error();
  print_heading();
  for (const std::string& name : o.targets) {
    Result<Target> target = parse_target(name);
    if (!target) return std::move(target).error();
    for (const Job& job : *jobs) {
      Result<CompileRuns> runs = time_compilation(job.specs, *target, o.runs);
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
    Result<Timing> t = time_to_callable(seeded_spec(512, pixels), *host, o.runs);
    if (!t) return std::move(t).error();
    fmt::print("| 512x512, 90 %, {} pixels | {:.2f} | {:.2f}..{:.2f} | {:.2f} |\n", pixels, 1e3 * t->median,
               1e3 * t->p10, 1e3 * t->p90, 1e3 * t->best);
  }
  return {};
}

Status run(const Options& o) {
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
  app.add_option("--runs", options.runs, "timed runs of each job")->check(CLI::PositiveNumber);
  app.add_option("--target", options.targets, "targets as TARGET/CPU")->delimiter(',');
  CLI11_PARSE(app, argc, argv);
  const espalier::Status status = espalier::run(options);
  if (!status) fmt::print(stderr, "compile_speed: {}\n", status.error().message);
  return status ? 0 : 1;
}
