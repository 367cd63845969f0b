// bench/peers: our kernels and others on the same matrices, in turns, on one core.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>

#include "bench/peers/peer_report.h"
#include "codegen/measure/pinned_core.h"

namespace espalier {
namespace {

struct Options {
  MatrixChoice choice;
  std::string json;
  double seconds = 1;
};

void declare(CLI::App& app, Options& o) {
  app.add_option("mobilenet", o.choice.mobilenet,
                 "mobilenet_v1_1.0_90.npz (default: in $ESPALIER_DATA or ../shared/data)");
  app.add_option("--data", o.choice.files, "matrices of these files instead (.smtx, .mtx, .npz, .tflite ...)");
  app.add_option("--pixels", o.choice.pixels, "pixels for files that do not say")->check(CLI::PositiveNumber);
  app.add_option("--layer", o.choice.layer, "only matrices whose name matches this regular expression");
  app.add_option("--sparsity", o.choice.sparsities, "only these shares of zeros, e.g. 0.9,0.95")->delimiter(',');
  app.add_option("--seconds", o.seconds, "time for all peers on one matrix")->check(CLI::PositiveNumber);
  app.add_option("--json", o.json, "also write the results to this file");
}

void print_heading(const std::string& source, const Target& target, std::span<const Peer> peers) {
  fmt::print("{}, {} with {}, one core, bias and ReLU. Times by that of ours in plain CHW.\n\n", source,
             target.cpu->name, target.vector->name);
  for (const Peer& peer : peers) fmt::print("* {}: {}\n", peer.name, peer.about);
  std::fflush(stdout);
}

void print_results(std::span<const MatrixResult> results) {
  fmt::print("\n{}\n{}", peer_table(results), mean_table(results));
  if (const std::string problems = problem_list(results); !problems.empty()) fmt::print("\nNot timed:\n\n{}", problems);
}

Status write_json(const std::string& path, const std::string& text) {
  if (path.empty()) return {};
  std::ofstream out(path);
  out << text;
  out.close();
  if (!out) return system_error("{}: cannot write", path);
  return {};
}

Status run(const Options& o) {
  Result<Target> target = find_target("host");
  if (!target) return std::move(target).error();
  Result<BenchMatrices> chosen = bench_matrices(o.choice);
  if (!chosen) return std::move(chosen).error();
  const std::vector<Peer> peers = all_peers();
  print_heading(chosen->source, *target, peers);
  const PinnedCore pinned;
  std::vector<MatrixResult> results;
  for (const BenchMatrix& matrix : chosen->matrices) {
    Result<MatrixResult> result = race(matrix, *target, peers, o.seconds);
    if (!result) return std::move(result).error();
    results.push_back(std::move(*result));
  }
  print_results(results);
  return write_json(o.json, peer_json(results, chosen->source, *target));
}

}  // namespace
}  // namespace espalier

int main(int argc, char** argv) {
  CLI::App app("Our kernels and others on the same matrices, in turns, on one core.");
  espalier::Options options;
  espalier::declare(app, options);
  CLI11_PARSE(app, argc, argv);
  const espalier::Status status = espalier::run(options);
  if (!status) fmt::print(stderr, "peers: {}\n", status.error().message);
  return status ? 0 : 1;
}
