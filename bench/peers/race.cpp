#include "bench/peers/race.h"

#include <algorithm>
#include <list>

#include "codegen/measure/aligned_buffer.h"
#include "codegen/measure/fma_peak.h"
#include "codegen/measure/stream_time.h"
#include "ir/reference_spmm.h"

namespace espalier {
namespace {

constexpr uint64_t kPeakRounds = 1024;

/// A prepared peer on buffers of its own.
struct Runner {
  PreparedPeer peer;
  AlignedBuffer x, y;
  size_t index;  ///< in MatrixResult::peers

  void run() { peer.run(x.data(), y.data()); }
};

std::vector<float> seeded_input(const KernelSpec& plain) {
  std::vector<float> x(plain.input_elements());
  SeededRandom random(1);
  for (float& v : x) v = random.weight();
  return x;
}

void fill(Runner& runner, const KernelSpec& plain, std::span<const float> x) {
  for (uint32_t channel = 0; channel < plain.matrix.columns(); ++channel)
    for (uint32_t pixel = 0; pixel < plain.max_pixels(); ++pixel)
      runner.x.data()[runner.peer.layout.input_index(channel, pixel)] = x[plain.input_index(channel, pixel)];
}

/// The error of a run in units of its bound; `plain` is what the peer computes, on rows without gaps.
double error_of_run(Runner& runner, const KernelSpec& plain) {
  const std::vector<float> x = seeded_input(plain);
  fill(runner, plain, x);
  runner.run();
  std::vector<float> y(plain.output_elements());
  for (uint32_t channel = 0; channel < plain.matrix.rows(); ++channel)
    for (uint32_t pixel = 0; pixel < plain.max_pixels(); ++pixel)
      y[plain.output_index(channel, pixel)] = runner.y.data()[runner.peer.layout.output_index(channel, pixel)];
  return error_in_bounds(plain, x, y, plain.max_pixels());
}

KernelSpec computed_by(const Peer& peer, const KernelSpec& spec) {
  KernelSpec plain = with_stride(spec, spec.max_pixels());
  if (!peer.applies_epilogue) plain.bias.clear(), plain.clamp = {};
  return plain;
}

PeerResult give_up(PeerResult result, Error error) {
  result.outcome = error.kind == ErrorKind::kUnsupported ? Outcome::kUnsupported : Outcome::kFailed;
  result.problem = std::move(error.message);
  return result;
}

/// Adds a runner when the peer's result is right.
PeerResult enter(const Peer& peer, const KernelSpec& spec, const Target& target, size_t index,
                 std::list<Runner>& runners) {
  PeerResult result{.name = peer.name, .detail = {}, .ours = peer.ours, .problem = {}, .measured = {}};
  Result<PreparedPeer> prepared = peer.prepare(spec, target);
  if (!prepared) return give_up(std::move(result), std::move(prepared).error());
  const size_t x_elements = prepared->layout.input_elements, y_elements = prepared->layout.output_elements;
  result.detail = prepared->detail;
  runners.push_back({std::move(*prepared), AlignedBuffer(x_elements), AlignedBuffer(y_elements), index});
  Runner& runner = runners.back();
  if (!runner.x.data() || !runner.y.data()) {
    runners.pop_back();
    return give_up(std::move(result), system_error("no memory for its activations"));
  }
  result.error = error_of_run(runner, computed_by(peer, spec));
  if (result.error <= 1) return result;  // not NaN either
  runners.pop_back();
  result.outcome = Outcome::kWrong;
  result.problem = fmt::format("its result is {:.3g} times the error bound off", result.error);
  return result;
}

/// Times runners, FMA loop and streaming ways, and writes the measurements into `result`.
void measure(std::list<Runner>& runners, const FmaLoop& loop, AlignedBuffer& x, AlignedBuffer& y, double seconds,
             MatrixResult& result) {
  std::vector<std::function<void()>> calls;
  for (Runner& runner : runners) calls.push_back([&runner] { runner.run(); });
  calls.push_back([&] { loop.run(kPeakRounds); });
  for (const StreamWay& way : stream_ways())
    calls.push_back([&, run = way.run] { run(x.data(), x.size(), y.data(), y.size()); });
  const std::vector<Timing> timings = time_interleaved(calls, {.budget_seconds = seconds});

  const auto streams = std::span(timings).subspan(runners.size() + 1);
  const auto stream = std::min_element(streams.begin(), streams.end(),
                                       [](const Timing& a, const Timing& b) { return a.median < b.median; });
  const std::string_view way = stream_ways()[static_cast<size_t>(stream - streams.begin())].name;
  const double gflop = 2e-9 * static_cast<double>(result.nonzeros) * result.pixels;
  const double peak_gflop = 1e-9 * loop.flops_per_round * static_cast<double>(kPeakRounds);
  size_t at = 0;
  for (const Runner& runner : runners)
    result.peers[runner.index].measured = {timings[at++], *stream, way, timings[runners.size()], gflop, peak_gflop};
}

}  // namespace

double MatrixResult::sparsity() const {
  const double places = static_cast<double>(rows) * columns;
  return places > 0 ? 1 - static_cast<double>(nonzeros) / places : 0;
}

double MatrixResult::relative_time(size_t peer) const {
  if (peers[0].outcome != Outcome::kTimed || peers[peer].outcome != Outcome::kTimed) return 0;
  return peers[peer].measured.seconds.median / peers[0].measured.seconds.median;
}

Result<MatrixResult> race(const BenchMatrix& matrix, const Target& target, std::span<const Peer> peers,
                          double seconds) {
  const KernelSpec& spec = matrix.spec;
  const FmaLoop loop = fma_loop(widest_vector_isa());
  if (!loop.run) return unsupported("no FMA peak can be measured here");
  AlignedBuffer x(size_t{spec.matrix.columns()} * spec.max_pixels());
  AlignedBuffer y(size_t{spec.matrix.rows()} * spec.max_pixels());
  if (!x.data() || !y.data()) return system_error("{}: no memory for its activations", spec.name);
  MatrixResult result{matrix.group,           spec.name, spec.matrix.rows(), spec.matrix.columns(), spec.max_pixels(),
                      spec.matrix.nonzeros(), {}};
  std::list<Runner> runners;
  for (size_t i = 0; i < peers.size(); ++i) result.peers.push_back(enter(peers[i], spec, target, i, runners));
  measure(runners, loop, x, y, seconds, result);
  return result;
}

}  // namespace espalier
