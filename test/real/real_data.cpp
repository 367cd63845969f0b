#include "test/real/real_data.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <tuple>

#include "ir/import/matrix_file.h"

namespace espalier::test {
namespace {

constexpr uint32_t kMobilenetPixels[] = {12544, 3136, 3136, 784, 784, 196, 196, 196, 196, 196, 196, 49};

std::vector<NamedMatrix> read(const std::filesystem::path& path, const ImportOptions& options = {}) {
  auto matrices = read_matrices(path, options);
  EXPECT_TRUE(matrices) << matrices.error().message;
  return matrices ? *std::move(matrices) : std::vector<NamedMatrix>();
}

KernelSpec spec_of(NamedMatrix named, uint32_t pixels) {
  KernelSpec spec;
  spec.name = c_identifier(named.name);
  spec.matrix = std::move(named.matrix);
  spec.bias = std::move(named.bias);
  spec.clamp = named.clamp;
  spec.pixels = spec.input_stride = spec.output_stride = pixels;
  return spec;
}

/// The archive's part for one sparsity, unpacked for as long as this lives: 20 to 60 MB of text.
class UnpackedDlmc {
 public:
  explicit UnpackedDlmc(std::string_view sparsity) {
    std::string pattern = (std::filesystem::temp_directory_path() / "espalier-dlmc-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    const std::string command =
        fmt::format("tar -xJf '{}' -C '{}' dlmc/rn50_batchsizes.txt dlmc/rn50/magnitude_pruning/{}",
                    (data_folder() / "dlmc_rn50_magnitude_70-98.tar.xz").string(), root_.string(), sparsity);
    EXPECT_EQ(system(command.c_str()), 0) << command;
    matrices_ = root_ / "dlmc/rn50/magnitude_pruning" / sparsity;
  }
  ~UnpackedDlmc() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  UnpackedDlmc(const UnpackedDlmc&) = delete;
  UnpackedDlmc& operator=(const UnpackedDlmc&) = delete;

  std::vector<std::filesystem::path> files() const {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(matrices_)) found.push_back(entry.path());
    std::sort(found.begin(), found.end());
    return found;
  }

  /// Lines `name,pixels`.
  std::map<std::string, uint32_t> pixel_counts() const {
    std::map<std::string, uint32_t> counts;
    std::ifstream in(root_ / "dlmc/rn50_batchsizes.txt");
    for (std::string name, pixels; std::getline(in, name, ',') && std::getline(in, pixels);)
      counts[name] = static_cast<uint32_t>(std::stoul(pixels));
    return counts;
  }

 private:
  std::filesystem::path root_, matrices_;
};

bool by_shape_then_name(const KernelSpec& a, const KernelSpec& b) {
  const auto key = [](const KernelSpec& s) { return std::tuple(s.matrix.rows(), s.matrix.columns(), s.name); };
  return key(a) < key(b);
}

}  // namespace

std::filesystem::path data_folder() {
  const char* chosen = getenv("ESPALIER_DATA");
  return chosen ? chosen : ESPALIER_SOURCE_DIR "/../shared/data";
}

std::string data_missing() {
  if (std::filesystem::exists(data_folder() / "mobilenet_v1_1.0_90.npz")) return {};
  return "no folder ../shared/data and none named by ESPALIER_DATA";
}

std::vector<KernelSpec> mobilenet_layers() {
  std::vector<KernelSpec> layers;
  for (const uint32_t pixels : kMobilenetPixels) {
    ImportOptions options;
    options.select = fmt::format("contraction_1x1_{}", layers.size());
    for (NamedMatrix& named : read(data_folder() / "mobilenet_v1_1.0_90.npz", options)) {
      layers.push_back(spec_of(std::move(named), pixels));
      layers.back().clamp.low = 0;
    }
  }
  EXPECT_EQ(layers.size(), std::size(kMobilenetPixels));
  return layers;
}

std::vector<KernelSpec> dlmc_matrices(std::string_view sparsity, uint32_t max_pixels) {
  const UnpackedDlmc unpacked(sparsity);
  const auto pixels = unpacked.pixel_counts();
  std::vector<KernelSpec> specs;
  for (const std::filesystem::path& file : unpacked.files()) {
    const auto count = pixels.find(file.stem().string());
    if (count == pixels.end()) ADD_FAILURE() << file << " has no pixel count";
    for (NamedMatrix& named : read(file)) {
      specs.push_back(spec_of(std::move(named), std::min(count->second, max_pixels)));
      specs.back().name = c_identifier(fmt::format("{}_{}", specs.back().name, sparsity));
    }
  }
  EXPECT_EQ(specs.size(), 54u);
  return specs;
}

std::vector<KernelSpec> dlmc_sample(size_t count, uint32_t max_pixels, uint64_t max_nonzeros) {
  std::vector<KernelSpec> all, sample;
  for (const char* sparsity : kDlmcSparsities)
    for (KernelSpec& spec : dlmc_matrices(sparsity, max_pixels))
      if (spec.matrix.nonzeros() <= max_nonzeros) all.push_back(std::move(spec));
  std::sort(all.begin(), all.end(), by_shape_then_name);
  EXPECT_GE(all.size(), count);
  for (size_t i = 0; i < count && !all.empty(); ++i) sample.push_back(std::move(all[i * all.size() / count]));
  return sample;
}

std::string face_model_missing() {
  const char* path = getenv("ESPALIER_FACE_MODEL");
  if (!path) return "ESPALIER_FACE_MODEL does not name face_detection_full_range_sparse.tflite";
  return std::filesystem::exists(path) ? "" : fmt::format("ESPALIER_FACE_MODEL names {}, which is not there", path);
}

std::vector<KernelSpec> face_layers() {
  std::vector<KernelSpec> layers;
  for (NamedMatrix& named : read(getenv("ESPALIER_FACE_MODEL"))) {
    if (named.kind != "conv1x1" || named.matrix.sparsity() <= 0.5) continue;
    EXPECT_GT(named.pixels, 0u) << named.name;
    const uint32_t pixels = named.pixels;
    layers.push_back(spec_of(std::move(named), pixels));
    layers.back().name = fmt::format("face_{}", layers.size() - 1);
  }
  EXPECT_EQ(layers.size(), 46u);
  return layers;
}

KernelSpec with_pixels(KernelSpec spec, uint32_t max_pixels) {
  spec.pixels = spec.input_stride = spec.output_stride = std::min(*spec.pixels, max_pixels);
  return spec;
}

std::vector<float> input_for(const KernelSpec& spec, uint64_t seed) {
  SeededRandom random(seed);
  std::vector<float> x(size_t{spec.matrix.columns()} * spec.input_stride);
  for (float& value : x) value = random.weight();
  return x;
}

}  // namespace espalier::test
