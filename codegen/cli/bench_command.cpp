#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <memory>

#include "backends/jit/jit_library.h"
#include "codegen/cli/arguments.h"
#include "codegen/cli/commands.h"
#include "codegen/measure/measure_kernel.h"

namespace espalier::cli {
namespace {

struct BenchArguments {
  InputArguments input;
  TargetArguments target;
  double seconds = 0.3;
};

/// CLI11's own ranges let NaN pass.
std::string is_time(const std::string& text) {
  char* end = nullptr;
  const double seconds = std::strtod(text.c_str(), &end);
  const bool positive = *end == 0 && seconds > 0 && std::isfinite(seconds);
  return positive ? "" : fmt::format("is '{}', but must be a number of seconds above 0", text);
}

void print_header() {
  fmt::print("{:<28} {:>11} {:>7} {:>9} {:>8} {:>15} {:>7} {:>8} {:>8} {:>7} {:>8} {:>8}  schedule\n", "layer", "shape",
             "pixels", "non-zeros", "GFLOP/s", "p10..p90", "% peak", "peak", "stream", "% bound", "code/nz",
             "weights/nz");
}

void print_row(const CompiledKernel& compiled, uint32_t pixels, const KernelMeasurement& m) {
  const KernelProgram& p = *compiled.program;
  const double nonzeros = std::max(1.0, static_cast<double>(p.nonzeros));
  fmt::print("{:<28} {:>11} {:>7} {:>9} {:>8.1f} {:>15} {:>6.1f}% {:>8.1f} {:>8.1f} {:>6.1f}% {:>8.1f} {:>10.1f}  {}\n",
             p.name, fmt::format("{}x{}", p.output_channels, p.input_channels), pixels, p.nonzeros, m.gflops(),
             fmt::format("{:.1f}..{:.1f}", m.useful_gflop / m.seconds.p90, m.useful_gflop / m.seconds.p10),
             100 * m.share_of_peak(), m.fma_peak_gflops(), m.stream_gflops(), 100 * m.share_of_bound(),
             static_cast<double>(compiled.code_bytes()) / nonzeros,
             static_cast<double>(compiled.weight_bytes()) / nonzeros, to_string(p.schedule));
}

Result<Outcome> bench(const BenchArguments& a) {
  const auto target = a.target.resolve();
  if (!target) return target.error();
  auto kernels = make_kernels(a.input, *target);
  if (!kernels) return std::move(kernels).error();
  const auto options = a.target.library_options(*kernels, *target);
  if (!options) return options.error();
  const auto compiled = compile_library(*std::move(kernels), *target, *options);
  if (!compiled) return compiled.error();
  std::vector<KernelCode> codes;
  for (const CompiledKernel& k : *compiled) codes.push_back(k.code);
  const auto library = JitLibrary::load(codes, *target);
  if (!library) return library.error();
  MeasureOptions measure;
  measure.timing.budget_seconds = a.seconds;
  measure.seed = a.input.seed;
  print_header();
  for (const CompiledKernel& k : *compiled) {
    const auto kernel = (*library)->kernel(k.program->name);
    if (!kernel) return kernel.error();
    const uint32_t pixels = k.input.spec.max_pixels();
    const auto m = measure_kernel(*kernel, pixels, measure);
    if (!m) return m.error();
    print_row(k, pixels, *m);
  }
  fmt::print(
      "GFLOP/s: useful, median; peak: FMA rate of this core; stream: reading X and writing Y once; % bound: of the "
      "smaller of the two; all measured in turns on one core\n");
  return Outcome::kDone;
}

}  // namespace

Command add_bench_command(CLI::App& app) {
  auto a = std::make_shared<BenchArguments>();
  a->input.add_to(app);
  a->target.add_to(app, /*with_target=*/false);
  app.add_option("--seconds", a->seconds, "time to spend on each kernel")->check(is_time)->capture_default_str();
  return [a] { return bench(*a); };
}

}  // namespace espalier::cli
