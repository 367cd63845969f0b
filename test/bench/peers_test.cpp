// The race of bench/peers and its report. Nothing here depends on how fast anything is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/peers/peer_report.h"

namespace espalier {
namespace {

using ::testing::HasSubstr;

Target host() { return *find_target("host"); }

BenchMatrix ragged_matrix() {
  KernelSpec spec;
  spec.name = "ragged";
  spec.matrix = random_sparse_matrix(13, 37, 0.7, 5);
  spec.bias.assign(13, 0.25f);
  spec.clamp = {0, 0.5f};
  spec.pixels = 51;
  spec.input_stride = spec.output_stride = recommended_stride(51);
  return {"70 %", spec};
}

/// A peer that computes the specification term by term, and adds `offset`.
Peer naive_peer(std::string name, float offset) {
  auto prepare = [offset](const KernelSpec& given, const Target&) -> Result<PreparedPeer> {
    const KernelSpec spec = with_stride(given, given.max_pixels());
    auto run = [spec, offset](const float* x, float* y) {
      for (uint32_t row = 0; row < spec.matrix.rows(); ++row)
        for (uint32_t pixel = 0; pixel < spec.max_pixels(); ++pixel) {
          float sum = spec.bias[row];
          for (size_t i = 0; i < spec.matrix.row_columns(row).size(); ++i)
            sum += spec.matrix.row_values(row)[i] * x[spec.input_index(spec.matrix.row_columns(row)[i], pixel)];
          y[spec.output_index(row, pixel)] = std::min(std::max(sum, spec.clamp.low), spec.clamp.high) + offset;
        }
    };
    return PreparedPeer{layout_of(spec), run, {}};
  };
  return {std::move(name), "", true, false, prepare};
}

Peer refusing_peer(ErrorKind kind) {
  return {"refusing", "", true, false,
          [kind](const KernelSpec&, const Target&) -> Result<PreparedPeer> { return Error{kind, "no kernel"}; }};
}

TEST(Peers, AllOfThisBuildAreRightOrSayWhyNotOnRaggedSizes) {
  for (const Peer& peer : all_peers()) {
    const auto result = race(ragged_matrix(), host(), {&peer, 1}, 1e-3);
    if (!result) GTEST_SKIP() << result.error().message;  // no FMA loop for this machine
    const PeerResult& outcome = result->peers[0];
    if (outcome.outcome == Outcome::kUnsupported) {
      EXPECT_FALSE(outcome.problem.empty()) << peer.name;
      continue;
    }
    EXPECT_EQ(outcome.outcome, Outcome::kTimed) << peer.name << ": " << outcome.problem;
    EXPECT_LE(outcome.error, 1) << peer.name;
    EXPECT_GT(outcome.measured.seconds.median, 0) << peer.name;
  }
}

TEST(Peers, OursComeFirstAndYardsticksAreThere) {
  const std::vector<Peer> peers = all_peers();
  ASSERT_GE(peers.size(), 4u);
  EXPECT_EQ(peers[0].name, "ours");
  EXPECT_EQ(peers[1].name, "ours, panels");
  EXPECT_EQ(peers[2].name, "rolled");
  EXPECT_EQ(peers[3].name, "nano");
  for (size_t i = 0; i < peers.size(); ++i) EXPECT_EQ(peers[i].ours, i < 2) << peers[i].name;
}

TEST(Race, ReportsWrongPeersAndDoesNotTimeThem) {
  const Peer peers[] = {naive_peer("right", 0), naive_peer("off", 1e-3f), refusing_peer(ErrorKind::kUnsupported),
                        refusing_peer(ErrorKind::kInternal)};
  const auto result = race(ragged_matrix(), host(), peers, 1e-3);
  if (!result) GTEST_SKIP() << result.error().message;
  EXPECT_EQ(result->peers[0].outcome, Outcome::kTimed);
  EXPECT_EQ(result->relative_time(0), 1);
  EXPECT_EQ(result->peers[1].outcome, Outcome::kWrong);
  EXPECT_GT(result->peers[1].error, 1);
  EXPECT_THAT(result->peers[1].problem, HasSubstr("times the error bound off"));
  EXPECT_EQ(result->peers[1].measured.seconds.samples, 0u);
  EXPECT_EQ(result->relative_time(1), 0);
  EXPECT_EQ(result->peers[2].outcome, Outcome::kUnsupported);
  EXPECT_EQ(result->peers[3].outcome, Outcome::kFailed);
  EXPECT_EQ(result->peers[3].problem, "no kernel");
}

TEST(Race, ChecksPeersWithoutEpilogueAgainstTheProductAlone) {
  BenchMatrix matrix = ragged_matrix();
  Peer with_bias = naive_peer("adds the bias", 0);
  with_bias.applies_epilogue = false;
  const auto result = race(matrix, host(), {&with_bias, 1}, 1e-3);
  if (!result) GTEST_SKIP() << result.error().message;
  EXPECT_EQ(result->peers[0].outcome, Outcome::kWrong);
}

/// A result with given times; 0: the peer has no kernel.
MatrixResult made_up(const std::string& group, const std::string& name, std::vector<double> seconds) {
  MatrixResult result{group, name, 4, 8, 100, 8, {}};
  for (double s : seconds) {
    PeerResult peer;
    peer.name = "p" + std::to_string(result.peers.size());
    peer.ours = result.peers.empty();
    peer.outcome = s > 0 ? Outcome::kTimed : Outcome::kUnsupported;
    if (s == 0) peer.problem = "no kernel";
    peer.measured.seconds.median = s;
    peer.measured.useful_gflop = 2e-9 * 8 * 100;
    peer.measured.peak_gflop = 1e-6, peer.measured.peak.median = 1e-6;
    peer.measured.stream.median = 1e-9;
    result.peers.push_back(peer);
  }
  return result;
}

const std::vector<MatrixResult> kResults = {made_up("70 %", "a", {1e-5, 2e-5, 1e-5}),
                                            made_up("70 %", "b", {1e-5, 8e-5, 0}),
                                            made_up("90 %", "c", {1e-5, 5e-6, 1e-5})};

TEST(PeerReport, TableHasRatesOfOursAndTimesOfOthers) {
  // 1.6e-6 GFLOP in 1e-5 s are 0.16 GFLOP/s, of a peak of 1.
  EXPECT_EQ(peer_table(kResults),
            "| matrix | shape | pixels | % zeros | p0: GFLOP/s | % of bound | p1 | p2 |\n"
            "|---|---|---:|---:|---:|---:|---:|---:|\n"
            "| a | 4x8 | 100 | 75.0 | 0.2 | 16 | 2.00 | 1.00 |\n"
            "| b | 4x8 | 100 | 75.0 | 0.2 | 16 | 8.00 | - |\n"
            "| c | 4x8 | 100 | 75.0 | 0.2 | 16 | 0.50 | 1.00 |\n");
}

TEST(PeerReport, MeansAreGeometricPerGroupAndOverall) {
  EXPECT_EQ(mean_table(kResults),
            "| geometric means | matrices | p1 | p2 |\n|---|---:|---:|---:|\n"
            "| 70 % | 2 | 4.00 | 1.00 (1) |\n| 90 % | 1 | 0.50 | 1.00 |\n| all | 3 | 2.00 | 1.00 (2) |\n");
}

TEST(PeerReport, ProblemsAreSaidOnce) {
  EXPECT_EQ(problem_list(kResults), "* p2 (unsupported, b): no kernel\n");
  EXPECT_EQ(problem_list({kResults.data(), 1}), "");
}

TEST(PeerReport, JsonHoldsEveryPeer) {
  const std::string json = peer_json(kResults, "made up", host());
  EXPECT_THAT(json, HasSubstr("\"source\": \"made up\""));
  EXPECT_THAT(json, HasSubstr("\"relative_time\": 8"));
  EXPECT_THAT(json, HasSubstr("\"problem\": \"no kernel\""));
}

TEST(PeerReport, OfNothingIsEmpty) {
  EXPECT_EQ(peer_table({}), "");
  EXPECT_EQ(mean_table({}), "");
}

TEST(BenchMatrices, SparsityAndNameChoose) {
  MatrixChoice choice;
  choice.sparsities = {0.8, 0.95};
  choice.layer = "^seeded_512";
  const auto found = bench_matrices(choice);
  ASSERT_TRUE(found) << found.error().message;
  std::vector<std::string> names;
  for (const BenchMatrix& m : found->matrices) names.push_back(m.group + ": " + m.spec.name);
  EXPECT_THAT(names, ::testing::ElementsAre("seeded, 80 %: seeded_512_196_80", "seeded, 80 %: seeded_512_49_80",
                                            "seeded, 95 %: seeded_512_196_95", "seeded, 95 %: seeded_512_49_95"));
  EXPECT_NEAR(found->matrices[0].spec.matrix.sparsity(), 0.8, 0.01);
}

TEST(BenchMatrices, SayWhatIsWrong) {
  MatrixChoice nothing;
  nothing.layer = "no such layer";
  EXPECT_EQ(bench_matrices(nothing).error().message, "no matrix matches 'no such layer' and the sparsities given");
  MatrixChoice bad;
  bad.layer = "(";
  EXPECT_THAT(bench_matrices(bad).error().message, HasSubstr("--layer '(': "));
  MatrixChoice missing;
  missing.files = {"no such file.smtx"};
  EXPECT_EQ(bench_matrices(missing).error().kind, ErrorKind::kSystem);
}

}  // namespace
}  // namespace espalier
