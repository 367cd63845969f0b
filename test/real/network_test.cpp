// Whole networks of the real models through the reference executor, against what an independent interpreter gave.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "ir/export/onnx_file.h"
#include "ir/export/tflite_file.h"
#include "ir/import/network_file.h"
#include "ir/import/npz.h"
#include "ir/import/published_network.h"
#include "ir/network/network_cost.h"
#include "ir/network/passes/passes.h"
#include "ir/network/run_reference.h"
#include "test/real/real_data.h"
#include "test/support/random_network.h"

namespace espalier::test {
namespace {

/// Of the output's range, as the issue asks.
constexpr double kTolerance = 1e-3;

/// One recorded array [images, ...].
struct Recorded {
  std::vector<float> values;
  size_t images = 0;

  std::vector<float> image(size_t i) const {
    const size_t size = values.size() / images;
    return {values.begin() + i * size, values.begin() + (i + 1) * size};
  }
  double range() const {
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    return double{*high} - double{*low};
  }
};

class Recording {
 public:
  explicit Recording(const std::filesystem::path& path) {
    const auto bytes = read_file_bytes(path);
    EXPECT_TRUE(bytes) << bytes.error().message;
    auto members = parse_npz(path.string(), *bytes);
    EXPECT_TRUE(members) << members.error().message;
    if (members) members_ = *std::move(members);
  }
  Recorded operator[](const std::string& name) const {
    const NpyArray* array = find_member(members_, name);
    EXPECT_NE(array, nullptr) << name;
    return array == nullptr ? Recorded() : Recorded{*array->floats(), array->shape[0]};
  }

 private:
  std::vector<NpzMember> members_;
};

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    largest = std::max(largest, std::abs(double{a[i]} - double{b[i]}));
  return largest;
}

void expect_recorded_outputs(const Network& network, const Recording& recording) {
  const Recorded input = recording["input"];
  ASSERT_EQ(input.images, 2u);
  for (size_t image = 0; image < input.images; ++image) {
    const std::vector<float> pixels = input.image(image);
    const auto outputs = run_reference(network, {&pixels, 1});
    ASSERT_TRUE(outputs) << outputs.error().message;
    for (size_t i = 0; i < outputs->size(); ++i) {
      const Recorded wanted = recording[fmt::format("output{}", i)];
      const double error = largest_difference((*outputs)[i], wanted.image(image)) / wanted.range();
      EXPECT_LE(error, kTolerance) << "output " << i << " of image " << image;
    }
  }
}

Network imported(const std::filesystem::path& path, size_t outputs) {
  auto network = read_network(path);
  EXPECT_TRUE(network) << network.error().message;
  if (!network) return {};
  EXPECT_EQ(network->outputs.size(), outputs);
  return *std::move(network);
}

TEST(RealNetworks, HandLandmarksComeOutAsRecorded) {
  if (const std::string why = data_missing(); !why.empty()) GTEST_SKIP() << why;
  const Network network = imported(data_folder() / "hand_landmark_sparse.tflite", 3);
  expect_recorded_outputs(network, Recording(data_folder() / "hand_landmark_sparse.io.npz"));
}

Network simplified(Network network) {
  const Status status = simplify(network);
  EXPECT_TRUE(status) << status.error().message;
  return network;
}

/// The only output for one image.
std::vector<float> answer(const Network& network, const std::vector<float>& image) {
  const auto outputs = run_reference(network, {&image, 1});
  EXPECT_TRUE(outputs) << outputs.error().message;
  return outputs ? (*outputs)[0] : std::vector<float>();
}

size_t count_of(const Network& network, std::string_view kind) {
  size_t count = 0;
  for (const Layer& layer : network.layers)
    count += kind_name(layer.operation, network.input_shape(layer).c) == kind ? 1 : 0;
  return count;
}

/// Input channels of the depthwise convolutions on 7x7 pixels: the last stage.
std::vector<uint32_t> last_stage_widths(const Network& network) {
  std::vector<uint32_t> widths;
  for (const Layer& layer : network.layers)
    if (const auto* c = layer.as<Convolution>(); c && c->groups > 1 && network.input_shape(layer).h == 7)
      widths.push_back(network.input_shape(layer).c);
  return widths;
}

TEST(RealNetworks, HandLandmarksStayWhenDeadChannelsGo) {
  if (const std::string why = data_missing(); !why.empty()) GTEST_SKIP() << why;
  const Network network = simplified(imported(data_folder() / "hand_landmark_sparse.tflite", 3));
  EXPECT_EQ(count_of(network, "pad"), 0u);
  EXPECT_EQ(count_of(network, "activation"), 0u);
  // 1152 each in the file; 534 to 674 rows are empty, or make what nobody reads.
  EXPECT_EQ(last_stage_widths(network), (std::vector<uint32_t>{485, 478, 547, 618}));
  expect_recorded_outputs(network, Recording(data_folder() / "hand_landmark_sparse.io.npz"));
}

TEST(RealNetworks, FaceDetectionStaysWhenSimplified) {
  if (const std::string why = data_missing(); !why.empty()) GTEST_SKIP() << why;
  if (const std::string why = face_model_missing(); !why.empty()) GTEST_SKIP() << why;
  const Network network = simplified(imported(getenv("ESPALIER_FACE_MODEL"), 2));
  EXPECT_EQ(count_of(network, "pad"), 0u);
  EXPECT_EQ(count_of(network, "depthwise_convolution"), 42u);
  expect_recorded_outputs(network, Recording(data_folder() / "face_detection_full_range_sparse.io.npz"));
}

TEST(RealNetworks, FaceDetectionComesOutAsRecorded) {
  if (const std::string why = data_missing(); !why.empty()) GTEST_SKIP() << why;
  if (const std::string why = face_model_missing(); !why.empty()) GTEST_SKIP() << why;
  const Network network = imported(getenv("ESPALIER_FACE_MODEL"), 2);
  expect_recorded_outputs(network, Recording(data_folder() / "face_detection_full_range_sparse.io.npz"));
}

/// The paper's MobileNetV1 on a small image.
TEST(RealNetworks, ThePapersMobilenetGoesThroughItsFilesUnchanged) {
  if (const std::string why = data_missing(); !why.empty()) GTEST_SKIP() << why;
  const auto bytes = read_file_bytes(data_folder() / "mobilenet_v1_1.0_90.npz");
  ASSERT_TRUE(bytes) << bytes.error().message;
  const auto made = parse_published_mobilenet_v1("mobilenet_v1_1.0_90.npz", *bytes, {.size = 64});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->stand_ins, std::vector<std::string>{"contraction_1x1_12"});
  EXPECT_EQ(cost_of(made->network).weights, 4209088u);
  const std::vector<float> image = random_input(64 * 64 * 3, 7), wanted = answer(made->network, image);
  const auto [low, high] = std::minmax_element(wanted.begin(), wanted.end());
  const double tolerance = 1e-6 * (double{*high} - double{*low});
  const auto expect_back = [&](std::string_view name, const Result<std::string>& file) {
    ASSERT_TRUE(file) << file.error().message;
    const auto back = parse_network(name, as_byte_span(*file));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_LE(largest_difference(answer(*back, image), wanted), tolerance) << name;
    EXPECT_LE(largest_difference(answer(simplified(*back), image), wanted), tolerance) << name;
  };
  expect_back("paper.tflite", tflite_bytes(made->network));
  const auto onnx = onnx_bytes(made->network);
  if (onnx || onnx.error().kind != ErrorKind::kUnsupported) expect_back("paper.onnx", onnx);
}

}  // namespace
}  // namespace espalier::test
