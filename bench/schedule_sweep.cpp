#include "bench/schedule_sweep.h"

#include <algorithm>

#include "bench/host_kernel.h"
#include "codegen/measure/aligned_buffer.h"
#include "codegen/measure/pinned_core.h"
#include "codegen/measure/timing.h"

namespace espalier {
namespace {

constexpr size_t kFinalists = 8;

std::vector<uint32_t> or_default(const std::vector<uint32_t>& values) {
  return values.empty() ? std::vector<uint32_t>{0} : values;
}

std::vector<Schedule> combinations(const SweepGrid& grid) {
  std::vector<Schedule> all;
  for (CodeForm form : grid.forms)
   for (uint32_t rows : or_default(grid.rows))
    for (uint32_t vectors : or_default(grid.vectors))
      for (uint32_t k : or_default(grid.k_block))
        for (uint32_t chunk : or_default(grid.chunk))
          for (uint32_t pixels : or_default(grid.pixels))
            all.push_back({form, rows, vectors, k, chunk, pixels});
  return all;
}

/// Times kernels of one specification on one pair of buffers.
class Race {
 public:
  explicit Race(const KernelSpec& spec)
      : spec_(spec),
        x_(spec.input_elements()),
        y_(spec.output_elements()) {
    SeededRandom random(1);
    for (float& v : x_.span()) v = random.weight();
  }

  std::vector<Timing> run(const std::vector<const HostKernel*>& kernels, double budget_seconds) {
    std::vector<std::function<void()>> calls;
    for (const HostKernel* host : kernels)
      calls.push_back(
          [this, kernel = host->kernel] { espalier_kernel_run(kernel, x_.data(), y_.data(), spec_.max_pixels()); });
    return time_interleaved(calls, {.budget_seconds = budget_seconds, .min_samples = 5});
  }

  double gflops(const Timing& t) const {
    return 2e-9 * static_cast<double>(spec_.matrix.nonzeros()) * spec_.max_pixels() / t.median;
  }

 private:
  const KernelSpec& spec_;
  PinnedCore pinned_;
  AlignedBuffer x_, y_;
};

SweepEntry entry_of(const Race& race, const Schedule& schedule, const Timing& timing, const Timing& own) {
  return {schedule, race.gflops(timing), own.median / timing.median};
}

void sort_by_speedup(std::vector<SweepEntry>& entries) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const SweepEntry& a, const SweepEntry& b) { return a.speedup > b.speedup; });
}

/// Every schedule that compiles and that no earlier one resolved to, against the own choice.
std::vector<SweepEntry> qualify(Race& race, const HostKernel& own, const KernelSpec& spec, const Target& target,
                                const SweepGrid& grid) {
  std::vector<Schedule> seen = {own.program->schedule};
  std::vector<SweepEntry> entries;
  for (const Schedule& schedule : combinations(grid)) {
    auto host = compile_for_host(spec, target, schedule);
    if (!host || std::find(seen.begin(), seen.end(), host->program->schedule) != seen.end()) continue;
    seen.push_back(host->program->schedule);
    const auto timings = race.run({&own, &*host}, grid.budget_seconds);
    entries.push_back(entry_of(race, host->program->schedule, timings[1], timings[0]));
  }
  sort_by_speedup(entries);
  return entries;
}

}  // namespace

Result<std::vector<SweepEntry>> sweep_schedules(const KernelSpec& spec, const Target& target, const SweepGrid& grid) {
  Result<HostKernel> own = compile_for_host(spec, target);
  if (!own) return std::move(own).error();
  Race race(spec);
  std::vector<SweepEntry> entries = qualify(race, *own, spec, target, grid);

  std::vector<HostKernel> finalists;
  std::vector<const HostKernel*> racing = {&*own};
  finalists.reserve(kFinalists);
  for (size_t i = 0; i < std::min(kFinalists, entries.size()); ++i)
    if (auto host = compile_for_host(spec, target, entries[i].schedule)) {
      finalists.push_back(std::move(*host));
      racing.push_back(&finalists.back());
    }
  const auto timings = race.run(racing, grid.budget_seconds * 4 * static_cast<double>(racing.size()));
  entries.erase(entries.begin(), entries.begin() + static_cast<ptrdiff_t>(finalists.size()));
  for (size_t i = 0; i < racing.size(); ++i)
    entries.push_back(entry_of(race, racing[i]->program->schedule, timings[i], timings[0]));
  sort_by_speedup(entries);
  return entries;
}

}  // namespace espalier
