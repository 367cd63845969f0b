#include "codegen/tune/tune.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <optional>
#include <set>
#include <tuple>

#include "backends/assemble.h"
#include "backends/jit/jit_library.h"
#include "backends/mc/code_price.h"
#include "codegen/compile_kernel.h"
#include "codegen/input_loads.h"
#include "codegen/measure/aligned_buffer.h"
#include "codegen/measure/pinned_core.h"
#include "codegen/measure/timing.h"
#include "codegen/version.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SHA256.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

/// A candidate compiled into this process.
struct Finalist {
  Schedule schedule;
  std::unique_ptr<KernelProgram> program;
  std::unique_ptr<JitLibrary> library;
  const espalier_kernel* kernel = nullptr;
};

Result<Finalist> compile(const KernelSpec& spec, const Target& target, const Schedule& schedule) {
  CompileOptions options;
  options.schedule = schedule;
  auto program = compile_kernel(spec, target, options);
  if (!program) return std::move(program).error();
  Finalist f{schedule, std::make_unique<KernelProgram>(*std::move(program)), nullptr, nullptr};
  auto code = assemble(*f.program);
  if (!code) return std::move(code).error();
  auto library = JitLibrary::load({&*code, 1}, target);
  if (!library) return std::move(library).error();
  f.library = *std::move(library);
  auto kernel = f.library->kernel(spec.name);
  if (!kernel) return std::move(kernel).error();
  f.kernel = *kernel;
  return f;
}

constexpr size_t kLastRound = 3;

/// The `count` of `racing` with the best medians.
std::vector<size_t> fastest(const std::vector<size_t>& racing, const std::vector<Timing>& timings, size_t count) {
  std::vector<size_t> order(racing.size()), best;
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return timings[a].median < timings[b].median; });
  for (size_t i = 0; i < std::min(count, order.size()); ++i) best.push_back(racing[order[i]]);
  return best;
}

Result<Schedule> race(const KernelSpec& spec, const Target& target, const std::vector<Schedule>& schedules,
                      double seconds) {
  std::vector<Finalist> finalists;
  for (const Schedule& schedule : schedules) {
    auto finalist = compile(spec, target, schedule);
    if (!finalist) return std::move(finalist).error();
    finalists.push_back(*std::move(finalist));
  }
  AlignedBuffer x(spec.input_elements()), y(spec.output_elements());
  if (!x.data() || !y.data()) return system_error("kernel {}: no memory for its activations", spec.name);
  SeededRandom random(1);
  for (float& v : x.span()) v = random.weight();
  const PinnedCore pinned;
  auto time = [&](const std::vector<size_t>& racing, double share) {
    std::vector<std::function<void()>> calls;
    for (const size_t i : racing)
      calls.push_back([&, k = finalists[i].kernel] { espalier_kernel_run(k, x.data(), y.data(), spec.max_pixels()); });
    return time_interleaved(calls, {.budget_seconds = seconds * share, .min_samples = 7});
  };
  // All once, then the few best again for longer.
  std::vector<size_t> racing(finalists.size());
  std::iota(racing.begin(), racing.end(), size_t{0});
  racing = fastest(racing, time(racing, 0.5), kLastRound);
  return finalists[fastest(racing, time(racing, 0.5), 1)[0]].schedule;
}

/// Cycles with the inner code priced by LLVM's model of the CPU, or else as the table has them.
Result<double> priced_cycles(const KernelSpec& spec, const Target& target, const Schedule& schedule) {
  CompileOptions options;
  options.schedule = schedule;
  const auto program = compile_kernel(spec, target, options);
  if (!program) return program.error();
  const std::vector<TileRows> parts = count_parts(spec.matrix, program->channel_order(), program->schedule);
  const Cost cost = predict(spec, target, program->schedule, parts);
  const auto code = assemble(*program);
  if (!code) return code.error();
  const auto price = price_inner_code(*code, target);
  if (!price) return price.error();
  return *price ? priced_by_llvm(cost, target, (*price)->cycles_per_multiply_add()).cycles() : cost.cycles();
}

Result<Schedule> least_priced(const KernelSpec& spec, const Target& target, const std::vector<Schedule>& schedules) {
  Schedule best;
  double least = HUGE_VAL;
  for (const Schedule& schedule : schedules) {
    const auto cycles = priced_cycles(spec, target, schedule);
    if (!cycles) return cycles.error();
    if (*cycles < least) least = *cycles, best = schedule;
  }
  return best;
}

/// Everything that decides the answer.
std::string key_of(const KernelSpec& spec, const Target& target, const Schedule& wish) {
  llvm::SHA256 hash;
  auto add = [&](const auto& values) {
    hash.update({reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(values[0])});
  };
  add(spec.matrix.row_offsets());
  add(spec.matrix.column_indices());
  const std::string rest =
      fmt::format("{} {} {} {} {} {} {} {} {} {} {} {}", kVersion, target.name, target.cpu->name, spec.matrix.rows(),
                  spec.matrix.columns(), spec.max_pixels(), spec.pixels.has_value(), spec.input_stride,
                  spec.output_stride, spec.input_panel, spec.output_panel, to_string(wish)) +
      fmt::format(" {} {} {} {}", !spec.bias.empty(), spec.clamp.has_low(), spec.clamp.has_high(),
                  static_cast<int>(spec.output_order));
  add(rest);
  const auto digest = hash.final();
  return llvm::toHex({reinterpret_cast<const uint8_t*>(digest.data()), digest.size()}, true);
}

/// What an earlier run found; a damaged file counts as none.
std::optional<Schedule> remembered(const fs::path& file) {
  std::ifstream in(file);
  std::string text;
  if (!std::getline(in, text)) return std::nullopt;
  const auto schedule = parse_schedule(text);
  return schedule ? std::optional(*schedule) : std::nullopt;
}

/// Written beside and renamed, so that another process never reads half a line.
Status remember(const fs::path& file, const Schedule& schedule) {
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  const fs::path beside = file.string() + fmt::format(".{}", ::getpid());
  std::ofstream(beside) << to_string(schedule) << "\n";
  fs::rename(beside, file, error);
  if (error) return system_error("cannot write {}: {}", file.string(), error.message());
  return {};
}

}  // namespace

std::vector<Schedule> tuning_finalists(const std::vector<Candidate>& ranked, size_t count) {
  std::vector<Schedule> chosen;
  std::set<std::string_view> forms;
  std::set<std::tuple<CodeForm, uint32_t, uint32_t>> tiles;
  for (const Candidate& c : ranked) {
    const Schedule& s = c.schedule;
    const bool new_tile = tiles.insert({s.form, s.tile_rows, s.tile_vectors}).second;
    const bool new_form = forms.insert(form_name(s)).second;
    if (new_form || chosen.size() < count / 2 || (new_tile && chosen.size() < count)) chosen.push_back(s);
  }
  return chosen;
}

Result<Schedule> tuned_schedule(const KernelSpec& spec, const Target& target, const Schedule& wish,
                                const TuneOptions& options) {
  const auto ranked = rank_schedules(spec, target, wish);
  if (!ranked) return ranked.error();
  if (ranked->size() == 1) return (*ranked)[0].schedule;
  if (!runs_here(target) && has_price(target))
    return least_priced(spec, target, tuning_finalists(*ranked, options.finalists));
  const fs::path file = fs::path(options.cache_directory) / key_of(spec, target, wish);
  if (!options.cache_directory.empty())
    if (const auto known = remembered(file)) return *known;
  auto best = race(spec, target, tuning_finalists(*ranked, options.finalists), options.seconds);
  if (!best || options.cache_directory.empty()) return best;
  if (Status s = remember(file, *best); !s) return std::move(s).error();
  return best;
}

std::string default_tune_cache() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache && *cache) return fs::path(cache) / "espalier/tune";
  if (const char* home = std::getenv("HOME"); home && *home) return fs::path(home) / ".cache/espalier/tune";
  return {};
}

}  // namespace espalier
