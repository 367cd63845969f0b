#include "bench/peers/peer_report.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

namespace espalier {
namespace {

constexpr std::string_view kOutcomes[] = {"timed", "unsupported", "wrong", "failed"};
constexpr std::string_view kMarks[] = {"", "-", "wrong", "failed"};

std::string rate_cells(const PeerResult& p) {
  const auto mark = kMarks[static_cast<size_t>(p.outcome)];
  if (p.outcome != Outcome::kTimed) return fmt::format(" {} | |", mark);
  return fmt::format(" {:.1f} | {:.0f} |", p.measured.gflops(), 100 * p.measured.share_of_bound());
}

std::string time_cell(const MatrixResult& result, size_t peer) {
  const PeerResult& p = result.peers[peer];
  if (const double time = result.relative_time(peer); time > 0) return fmt::format(" {:.2f} |", time);
  return fmt::format(" {} |", kMarks[static_cast<size_t>(p.outcome)]);
}

std::string row(const MatrixResult& r) {
  std::string text =
      fmt::format("| {} | {}x{} | {} | {:.1f} |", r.name, r.rows, r.columns, r.pixels, 100 * r.sparsity());
  for (size_t i = 0; i < r.peers.size(); ++i) text += r.peers[i].ours ? rate_cells(r.peers[i]) : time_cell(r, i);
  return text + "\n";
}

/// Geometric mean of a peer's relative times, and of how many.
struct Mean {
  double logarithms = 0;
  size_t count = 0;
};

std::string mean_cell(std::span<const MatrixResult* const> results, size_t peer) {
  Mean mean;
  for (const MatrixResult* r : results)
    if (const double time = r->relative_time(peer); time > 0) mean.logarithms += std::log(time), ++mean.count;
  if (mean.count == 0) return " - |";
  const std::string value = fmt::format("{:.2f}", std::exp(mean.logarithms / static_cast<double>(mean.count)));
  return mean.count == results.size() ? fmt::format(" {} |", value) : fmt::format(" {} ({}) |", value, mean.count);
}

std::string mean_row(const std::string& group, std::span<const MatrixResult* const> results) {
  std::string text = fmt::format("| {} | {} |", group, results.size());
  for (size_t peer = 1; peer < results[0]->peers.size(); ++peer) text += mean_cell(results, peer);
  return text + "\n";
}

std::vector<std::string> groups_of(std::span<const MatrixResult> results) {
  std::vector<std::string> groups;
  for (const MatrixResult& r : results)
    if (std::find(groups.begin(), groups.end(), r.group) == groups.end()) groups.push_back(r.group);
  return groups;
}

llvm::json::Object json_timing(const Timing& t) {
  return llvm::json::Object{{"median", t.median},
                            {"p10", t.p10},
                            {"p90", t.p90},
                            {"best", t.best},
                            {"samples", static_cast<int64_t>(t.samples)}};
}

llvm::json::Object json_peer(const MatrixResult& result, size_t peer) {
  const PeerResult& p = result.peers[peer];
  llvm::json::Object object{
      {"name", p.name}, {"detail", p.detail}, {"outcome", std::string(kOutcomes[static_cast<size_t>(p.outcome)])}};
  if (p.outcome != Outcome::kTimed) {
    object["problem"] = p.problem;
    return object;
  }
  object["seconds"] = json_timing(p.measured.seconds);
  object["gflops"] = p.measured.gflops();
  object["share_of_bound"] = p.measured.share_of_bound();
  object["relative_time"] = result.relative_time(peer);
  object["error_in_bounds"] = p.error;
  return object;
}

llvm::json::Object json_matrix(const MatrixResult& r) {
  llvm::json::Array peers;
  const PeerResult* timed = nullptr;
  for (size_t i = 0; i < r.peers.size(); ++i) {
    peers.push_back(json_peer(r, i));
    if (r.peers[i].outcome == Outcome::kTimed) timed = &r.peers[i];
  }
  llvm::json::Object object{{"name", r.name},
                            {"group", r.group},
                            {"output_channels", r.rows},
                            {"input_channels", r.columns},
                            {"pixels", r.pixels},
                            {"nonzeros", static_cast<int64_t>(r.nonzeros)},
                            {"sparsity", r.sparsity()},
                            {"peers", std::move(peers)}};
  if (timed) {
    object["fma_peak_gflops"] = timed->measured.fma_peak_gflops();
    object["stream_seconds"] = json_timing(timed->measured.stream);
  }
  return object;
}

}  // namespace

std::string peer_table(std::span<const MatrixResult> results) {
  if (results.empty()) return {};
  std::string text = "| matrix | shape | pixels | % zeros |", line = "|---|---|---:|---:|";
  for (const PeerResult& p : results[0].peers) {
    text += p.ours ? fmt::format(" {}: GFLOP/s | % of bound |", p.name) : fmt::format(" {} |", p.name);
    line += p.ours ? "---:|---:|" : "---:|";
  }
  text += "\n" + line + "\n";
  for (const MatrixResult& r : results) text += row(r);
  return text;
}

std::string mean_table(std::span<const MatrixResult> results) {
  if (results.empty()) return {};
  std::string text = "| geometric means | matrices |", line = "|---|---:|";
  for (size_t i = 1; i < results[0].peers.size(); ++i)
    text += fmt::format(" {} |", results[0].peers[i].name), line += "---:|";
  text += "\n" + line + "\n";
  std::vector<const MatrixResult*> all;
  for (const MatrixResult& r : results) all.push_back(&r);
  for (const std::string& group : groups_of(results)) {
    std::vector<const MatrixResult*> members;
    std::copy_if(all.begin(), all.end(), std::back_inserter(members), [&](const auto* r) { return r->group == group; });
    text += mean_row(group, members);
  }
  return text + mean_row("all", all);
}

std::string problem_list(std::span<const MatrixResult> results) {
  std::string text;
  std::set<std::pair<std::string, std::string>> said;
  for (const MatrixResult& r : results)
    for (const PeerResult& p : r.peers)
      if (p.outcome != Outcome::kTimed && said.emplace(p.name, p.problem).second)
        text +=
            fmt::format("* {} ({}, {}): {}\n", p.name, kOutcomes[static_cast<size_t>(p.outcome)], r.name, p.problem);
  return text;
}

std::string peer_json(std::span<const MatrixResult> results, const std::string& source, const Target& target) {
  llvm::json::Array matrices;
  for (const MatrixResult& r : results) matrices.push_back(json_matrix(r));
  llvm::json::Object report{{"source", source},
                            {"target", std::string(target.name)},
                            {"cpu", std::string(target.cpu->name)},
                            {"vectors", std::string(target.vector->name)},
                            {"matrices", std::move(matrices)}};
  return llvm::formatv("{0:2}\n", llvm::json::Value(std::move(report))).str();
}

}  // namespace espalier
