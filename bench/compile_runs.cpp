#include "bench/compile_runs.h"

#include "backends/assemble.h"
#include "backends/mc/object_writer.h"
#include "backends/wasm/wasm_module.h"
#include "bench/host_kernel.h"
#include "codegen/compile_kernel.h"

namespace espalier {
namespace {

/// Seconds by step of one compilation.
using Steps = std::map<std::string, double>;

/// Calls `f` and adds its time to a step.
template <typename F>
auto timed(double& seconds, F f) {
  const double start = process_seconds();
  auto result = f();
  seconds += process_seconds() - start;
  return result;
}

Result<std::vector<KernelProgram>> compile_all(const std::vector<KernelSpec>& specs, const Target& target,
                                               const Schedule& schedule, Steps& steps) {
  // Processor time between the ends of two passes; the first pass's share holds the checks before it.
  CompileOptions options;
  options.schedule = schedule;
  double before = 0;
  options.observer = [&](std::string_view pass, double, std::string_view) {
    const double now = process_seconds();
    steps[std::string(pass)] += now - before;
    before = now;
  };
  std::vector<KernelProgram> programs;
  for (const KernelSpec& spec : specs) {
    before = process_seconds();
    Result<KernelProgram> program = compile_kernel(spec, target, options);
    if (!program) return std::move(program).error();
    programs.push_back(std::move(*program));
  }
  return programs;
}

Result<std::string> native_object(const std::vector<KernelProgram>& programs, const Target& target, Steps& steps) {
  std::vector<KernelCode> codes;
  for (const KernelProgram& program : programs) {
    Result<KernelCode> code = timed(steps["assemble"], [&] { return assemble(program); });
    if (!code) return std::move(code).error();
    codes.push_back(std::move(*code));
  }
  return timed(steps["write"], [&] { return write_object(codes, target); });
}

Result<std::string> compile_to_bytes(const std::vector<KernelSpec>& specs, const Target& target,
                                     const Schedule& schedule, Steps& steps) {
  Result<std::vector<KernelProgram>> programs = compile_all(specs, target, schedule, steps);
  if (!programs) return std::move(programs).error();
  if (target.isa == Isa::kWasm) return timed(steps["write"], [&] { return write_wasm_module(*programs); });
  return native_object(*programs, target, steps);
}

}  // namespace

Result<CompileRuns> time_compilation(const std::vector<KernelSpec>& specs, const Target& target,
                                     const Schedule& schedule, size_t runs) {
  CompileRuns result;
  for (const KernelSpec& spec : specs) result.nonzeros += spec.matrix.nonzeros();
  std::vector<double> totals;
  std::map<std::string, std::vector<double>> shares;
  for (size_t run = 0; run <= runs; ++run) {
    Steps steps;
    double seconds = 0;
    Result<std::string> bytes = timed(seconds, [&] { return compile_to_bytes(specs, target, schedule, steps); });
    if (!bytes) return std::move(bytes).error();
    result.bytes = bytes->size();
    if (run == 0) continue;
    totals.push_back(seconds);
    for (const auto& [step, spent] : steps) shares[step].push_back(spent / seconds);
  }
  result.total = summarize(std::move(totals));
  for (auto& [step, values] : shares) result.shares[step] = summarize(std::move(values)).median;
  return result;
}

Result<Timing> time_to_callable(const KernelSpec& spec, const Target& target, const Schedule& schedule, size_t runs) {
  std::vector<double> seconds;
  for (size_t run = 0; run <= runs; ++run) {
    Result<HostKernel> host = compile_for_host(spec, target, schedule);
    if (!host) return std::move(host).error();
    if (run > 0) seconds.push_back(host->compile_seconds);
  }
  return summarize(std::move(seconds));
}

}  // namespace espalier
