// The two real networks, emitted in every way, against recorded outputs.
#include "test/networks/emitted_network.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>

#include "espalier/runtime.h"
#include "ir/import/network_file.h"
#include "ir/import/npz.h"
#include "ir/network/passes/passes.h"
#include "test/real/real_data.h"
#include "test/support/command.h"
#include "test/wasm/node_runner.h"

namespace espalier::test {
namespace {

/// Of an output's range over the recorded images.
constexpr double kTolerance = 1e-3;

/// A model, and what it gave elsewhere.
struct RealNetwork {
  Network network;
  std::vector<NpzMember> recorded;
  size_t images = 0;

  std::vector<float> image(const std::string& name, size_t i) const {
    const NpyArray* array = find_member(recorded, name);
    const std::vector<float> all = *array->floats();
    const size_t size = all.size() / images;
    return {all.begin() + i * size, all.begin() + (i + 1) * size};
  }
  double range(const std::string& name) const {
    const std::vector<float> all = *find_member(recorded, name)->floats();
    const auto [low, high] = std::ranges::minmax(all);
    return double{high} - double{low};
  }
};

RealNetwork read(const std::filesystem::path& model, const std::filesystem::path& recording) {
  auto network = read_network(model);
  EXPECT_TRUE(network) << network.error().message;
  const auto bytes = read_file_bytes(recording);
  EXPECT_TRUE(bytes) << bytes.error().message;
  auto members = parse_npz(recording.string(), *bytes);
  EXPECT_TRUE(members) << members.error().message;
  EXPECT_TRUE(simplify(*network));
  RealNetwork real{*std::move(network), *std::move(members)};
  real.images = find_member(real.recorded, "input")->shape[0];
  return real;
}

using Run = std::function<Arrays(const TestNetwork&)>;

/// The first image; `all`: every one.
void expect_recorded(const RealNetwork& real, const Target& target, const Run& run, bool all = false) {
  for (size_t image = 0; image < (all ? real.images : 1); ++image) {
    const TestNetwork network(real.network, target, {real.image("input", image)});
    const Arrays outputs = run(network);
    ASSERT_EQ(outputs.size(), real.network.outputs.size());
    for (size_t i = 0; i < outputs.size(); ++i) {
      const std::string name = fmt::format("output{}", i);
      const std::vector<float> wanted = real.image(name, image);
      ASSERT_EQ(outputs[i].size(), wanted.size());
      double largest = 0;
      for (size_t e = 0; e < wanted.size(); ++e)
        largest = std::max(largest, std::abs(double{outputs[i][e]} - double{wanted[e]}));
      EXPECT_LE(largest / real.range(name), kTolerance) << name << " of image " << image;
    }
  }
}

enum class Model { kHand, kFace };

class EmittedNetworks : public testing::TestWithParam<Model> {
 protected:
  void SetUp() override {
    if (const std::string why = data_missing(); !why.empty()) GTEST_SKIP() << why;
    if (GetParam() == Model::kFace)
      if (const std::string why = face_model_missing(); !why.empty()) GTEST_SKIP() << why;
    real_ = GetParam() == Model::kHand
                ? read(data_folder() / "hand_landmark_sparse.tflite", data_folder() / "hand_landmark_sparse.io.npz")
                : read(getenv("ESPALIER_FACE_MODEL"), data_folder() / "face_detection_full_range_sparse.io.npz");
  }
  RealNetwork real_;
};

TEST_P(EmittedNetworks, GiveRecordedOutputsHere) {
  if (!(espalier_host_cpu_features() & ESPALIER_CPU_AVX2)) GTEST_SKIP() << "this machine has no AVX2";
  for (const unsigned threads : {1u, 2u})
    expect_recorded(real_, *find_target("host"), [&](const TestNetwork& n) { return run_here(n, threads); }, true);
}

TEST_P(EmittedNetworks, GiveRecordedOutputsUnderQemu) {
  if (!have_program("qemu-aarch64") || !have_program("aarch64-linux-gnu-gcc"))
    GTEST_SKIP() << "no qemu-aarch64 or no aarch64-linux-gnu-gcc";
  expect_recorded(real_, *find_target("aarch64-linux"), run_in_emulator);
}

TEST_P(EmittedNetworks, GiveRecordedOutputsUnderNode) {
  for (const auto& [cpu, feature] : {std::pair{"simd128", "simd128"}, {"relaxed", "relaxed-simd"}}) {
    const auto node = node_with(feature);
    if (!node) GTEST_SKIP() << "no node with " << feature;
    expect_recorded(real_, *find_target("wasm32", cpu), [&](const TestNetwork& n) { return run_in_node(n, *node); });
  }
}

TEST_P(EmittedNetworks, GiveRecordedOutputsAsC) {
  if (!have_program("gcc")) GTEST_SKIP() << "no gcc";
  expect_recorded(real_, *find_target("c99"), [](const TestNetwork& n) { return run_as_c(n, "gcc -O0"); });
}

INSTANTIATE_TEST_SUITE_P(Models, EmittedNetworks, testing::Values(Model::kHand, Model::kFace),
                         [](const auto& chosen) { return chosen.param == Model::kHand ? "Hand" : "Face"; });

}  // namespace
}  // namespace espalier::test
