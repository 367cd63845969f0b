// bench/choice: how far the schedule that the cost model picks is from the fastest of all candidates.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>

#include "bench/choice_race.h"
#include "codegen/measure/pinned_core.h"

namespace espalier {
namespace {

struct Options {
  MatrixChoice matrices;
  std::vector<std::string> layouts{"chw", "panels"};
  ChoiceRaceOptions race;
  std::string json;
};

void declare(CLI::App& app, Options& o) {
  app.add_option("mobilenet", o.matrices.mobilenet,
                 "mobilenet_v1_1.0_90.npz (default: in $ESPALIER_DATA or ../shared/data)");
  app.add_option("--data", o.matrices.files, "matrices of these files instead (.smtx, .mtx, .npz, .tflite ...)");
  app.add_option("--pixels", o.matrices.pixels, "pixels for files that do not say")->check(CLI::PositiveNumber);
  app.add_option("--layer", o.matrices.layer, "only matrices whose name matches this regular expression");
  app.add_option("--sparsity", o.matrices.sparsities, "only these shares of zeros, e.g. 0.9,0.95")->delimiter(',');
  app.add_option("--layout", o.layouts,
                 "any of chw, panels (of the recommended width) and panels of a number of pixels")
      ->delimiter(',')
      ->check(CLI::IsMember({"chw", "panels"}) | CLI::PositiveNumber);
  app.add_option("--candidates", o.race.candidates, "schedules to time for each matrix");
  app.add_option("--seconds", o.race.seconds, "time for all candidates of one matrix")->check(CLI::PositiveNumber);
  app.add_option("--json", o.json, "also write every candidate's prediction and time to this file");
}

void print_race(const ChoiceRace& r) {
  const TimedCandidate& best = r.candidates[r.best];
  fmt::print("| {} | {} | {}x{} | {} | {:.0f} | {:.1f} | {:.1f} | {:.1f} | `{}` | `{}` |\n", r.name, r.layout, r.rows,
             r.columns, r.pixels, 100 * r.sparsity, r.gflops(best), 100 * (r.loss_of_choice() - 1),
             100 * (r.loss_of_tuning() - 1), to_string(r.candidates[0].candidate.schedule),
             to_string(best.candidate.schedule));
  std::fflush(stdout);
}

double percentile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<size_t>(share * static_cast<double>(values.size())))];
}

void print_summary(const std::vector<ChoiceRace>& races, const std::string& layout) {
  std::vector<double> chosen, tuned;
  for (const ChoiceRace& r : races)
    if (r.layout == layout)
      chosen.push_back(100 * (r.loss_of_choice() - 1)), tuned.push_back(100 * (r.loss_of_tuning() - 1));
  if (chosen.empty()) return;
  fmt::print("| {} | {} | {:.1f} | {:.1f} | {:.1f} | {:.1f} |\n", layout, chosen.size(), percentile(chosen, 0.5),
             percentile(chosen, 0.95), percentile(tuned, 0.5), percentile(tuned, 0.95));
}

Status run(const Options& o) {
  Result<Target> target = find_target("host");
  if (!target) return std::move(target).error();
  Result<BenchMatrices> chosen = bench_matrices(o.matrices);
  if (!chosen) return std::move(chosen).error();
  fmt::print("{}, {} with {}, one core.\n\n", chosen->source, target->cpu->name, target->vector->name);
  fmt::print(
      "| matrix | layout | shape | pixels | % zeros | best GFLOP/s | choice slower by % | tuned slower by % "
      "| choice | best |\n|---|---|---|---:|---:|---:|---:|---:|---|---|\n");
  const PinnedCore pinned;
  std::vector<ChoiceRace> races;
  for (const BenchMatrix& matrix : chosen->matrices)
    for (const std::string& layout : o.layouts) {
      Result<ChoiceRace> race = race_candidates(matrix.spec, *target, layout, o.race);
      if (!race) return std::move(race).error();
      races.push_back(std::move(*race));
      print_race(races.back());
    }
  fmt::print(
      "\n| layout | matrices | choice slower by %: median | 95th percentile | tuned: median | 95th percentile |\n"
      "|---|---:|---:|---:|---:|---:|\n");
  for (const std::string& layout : o.layouts) print_summary(races, layout);
  return write_races(o.json, races);
}

}  // namespace
}  // namespace espalier

int main(int argc, char** argv) {
  CLI::App app("How far the schedule that the cost model picks is from the fastest of all candidates.");
  espalier::Options options;
  espalier::declare(app, options);
  CLI11_PARSE(app, argc, argv);
  const espalier::Status status = espalier::run(options);
  if (!status) fmt::print(stderr, "choice: {}\n", status.error().message);
  return status ? 0 : 1;
}
