#include "bench/choice_race.h"

#include <algorithm>
#include <fstream>
#include <set>

#include "bench/host_kernel.h"
#include "codegen/measure/aligned_buffer.h"
#include "codegen/measure/timing.h"
#include "codegen/tune/tune.h"

namespace espalier {
namespace {

/// What is predicted to take longer than this, by the best, is left out: its compilation would take longer than the
/// race.
constexpr double kHopeless = 2.5;

/// The best by prediction, then the best of each form and tile that is not among them, up to `most`.
std::vector<Candidate> entrants(const std::vector<Candidate>& ranked, size_t most) {
  std::vector<Candidate> chosen;
  std::set<std::tuple<CodeForm, uint32_t, uint32_t>> tiles;
  auto tile_of = [](const Schedule& s) { return std::tuple(s.form, s.tile_rows, s.tile_vectors); };
  for (const Candidate& c : ranked)
    if (chosen.size() < most / 2) chosen.push_back(c), tiles.insert(tile_of(c.schedule));
  for (const Candidate& c : ranked)
    if (chosen.size() < most && c.cost.cycles() < kHopeless * ranked[0].cost.cycles() &&
        tiles.insert(tile_of(c.schedule)).second)
      chosen.push_back(c);
  return chosen;
}

/// Compiles all, then times them.
Status time_all(ChoiceRace& race, const KernelSpec& spec, const Target& target, double seconds) {
  std::vector<HostKernel> hosts;
  for (const TimedCandidate& c : race.candidates) {
    auto host = compile_for_host(spec, target, c.candidate.schedule);
    if (!host) return std::move(host).error();
    hosts.push_back(std::move(*host));
  }
  AlignedBuffer x(spec.input_elements()), y(spec.output_elements());
  SeededRandom random(1);
  for (float& v : x.span()) v = random.weight();
  std::vector<std::function<void()>> calls;
  for (const HostKernel& host : hosts)
    calls.push_back([&, kernel = host.kernel] { espalier_kernel_run(kernel, x.data(), y.data(), *spec.pixels); });
  const auto timings = time_interleaved(calls, {.budget_seconds = seconds, .min_samples = 9});
  for (size_t i = 0; i < timings.size(); ++i) race.candidates[i].seconds = timings[i].p10;
  return {};
}

std::string json_of(const TimedCandidate& t) {
  const Cost& c = t.candidate.cost;
  return fmt::format(
      R"({{"schedule":"{}","seconds":{:.4e},"cycles":{:.4e},"fma":{:.4e},"chain":{:.4e},"loads":{:.4e},"issue":{:.4e},)"
      R"("fetch":{:.4e},"traffic":{:.4e},"exits":{:.4e},"code_bytes":{:.0f}}})",
      to_string(t.candidate.schedule), t.seconds, c.cycles(), c.fma, c.chain, c.loads, c.issue, c.fetch, c.traffic,
      c.exits, c.code_bytes);
}

std::string json_of(const ChoiceRace& r) {
  std::string candidates;
  for (const TimedCandidate& c : r.candidates) candidates += (candidates.empty() ? "" : ",\n  ") + json_of(c);
  return fmt::format(
      R"({{"name":"{}","layout":"{}","rows":{},"columns":{},"pixels":{},"panel":{},"nonzeros":{},"candidates":[)"
      "\n  {}]}}",
      r.name, r.layout, r.rows, r.columns, r.pixels, r.panel, r.nonzeros, candidates);
}

}  // namespace

Result<ChoiceRace> race_candidates(KernelSpec spec, const Target& target, const std::string& layout,
                                   const ChoiceRaceOptions& options) {
  auto laid_out = in_layout(spec, target, layout);
  if (!laid_out) return laid_out.error();
  const SparseMatrix& m = laid_out->matrix;
  const auto ranked = rank_schedules(*laid_out, target, {});
  if (!ranked) return ranked.error();
  ChoiceRace race{laid_out->name,
                  layout,
                  m.rows(),
                  m.columns(),
                  *laid_out->pixels,
                  laid_out->input_panel,
                  m.nonzeros(),
                  m.sparsity(),
                  {},
                  0,
                  0};
  for (const Candidate& c : entrants(*ranked, options.candidates)) race.candidates.push_back({c, 0});
  if (Status s = time_all(race, *laid_out, target, options.seconds); !s) return std::move(s).error();
  const std::vector<Schedule> finalists = tuning_finalists(*ranked, TuneOptions{}.finalists);
  for (size_t i = 0; i < race.candidates.size(); ++i) {
    const TimedCandidate& c = race.candidates[i];
    if (c.seconds < race.candidates[race.best].seconds) race.best = i;
    const bool is_tuned = std::find(finalists.begin(), finalists.end(), c.candidate.schedule) != finalists.end();
    if (is_tuned && c.seconds < race.candidates[race.tuned].seconds) race.tuned = i;
  }
  return race;
}

Status write_races(const std::string& path, const std::vector<ChoiceRace>& races) {
  if (path.empty()) return {};
  std::ofstream out(path);
  for (size_t i = 0; i < races.size(); ++i) out << (i ? ",\n" : "[") << json_of(races[i]);
  out << "]\n";
  out.close();
  if (!out) return system_error("{}: cannot write", path);
  return {};
}

}  // namespace espalier
