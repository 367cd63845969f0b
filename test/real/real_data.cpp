#include "test/real/real_data.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <tuple>

#include "ir/import/matrix_file.h"
#include "test/support/temporary_folder.h"

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

/// One file of the collection and what its first line says.
struct DlmcFile {
  std::string name, sparsity;
  std::filesystem::path path;
  uint32_t rows = 0, columns = 0;
  uint64_t nonzeros = 0;

  auto place() const { return std::tie(rows, columns, name, sparsity); }
};

/// The collection, or the part for one sparsity, unpacked for as long as this lives: 75 MB of text in all.
class UnpackedDlmc {
 public:
  explicit UnpackedDlmc(std::string_view sparsity) {
    matrices_ = root_.path() / "dlmc/rn50/magnitude_pruning";
    const std::string command =
        fmt::format("tar -xJf '{}' -C '{}' dlmc/rn50_batchsizes.txt dlmc/rn50/magnitude_pruning/{}",
                    (data_folder() / "dlmc_rn50_magnitude_70-98.tar.xz").string(), root_.path().string(), sparsity);
    EXPECT_EQ(system(command.c_str()), 0) << command;
    read_pixel_counts();
  }
  /// In the order of rows, columns, name and sparsity.
  std::vector<DlmcFile> files() const {
    std::vector<DlmcFile> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(matrices_))
      if (entry.path().extension() == ".smtx") found.push_back(described(entry.path()));
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.place() < b.place(); });
    return found;
  }

  KernelSpec spec(const DlmcFile& file, uint32_t max_pixels) const {
    const auto pixels = pixel_counts_.find(file.name);
    if (pixels == pixel_counts_.end()) ADD_FAILURE() << file.path << " has no pixel count";
    std::vector<NamedMatrix> matrices = read(file.path);
    if (matrices.size() != 1 || pixels == pixel_counts_.end()) return {};
    KernelSpec spec = spec_of(std::move(matrices[0]), std::min(pixels->second, max_pixels));
    spec.name = c_identifier(fmt::format("{}_{}", file.name, file.sparsity));
    return spec;
  }

 private:
  static DlmcFile described(const std::filesystem::path& path) {
    DlmcFile file{path.stem().string(), path.parent_path().filename().string(), path, 0, 0, 0};
    char comma = 0;
    std::ifstream(path) >> file.rows >> comma >> file.columns >> comma >> file.nonzeros;
    return file;
  }

  /// Lines `name,pixels`.
  void read_pixel_counts() {
    std::ifstream in(root_.path() / "dlmc/rn50_batchsizes.txt");
    for (std::string name, pixels; std::getline(in, name, ',') && std::getline(in, pixels);)
      pixel_counts_[name] = static_cast<uint32_t>(std::stoul(pixels));
  }

  TemporaryFolder root_;
  std::filesystem::path matrices_;
  std::map<std::string, uint32_t> pixel_counts_;
};

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
  std::vector<KernelSpec> specs;
  for (const DlmcFile& file : unpacked.files()) specs.push_back(unpacked.spec(file, max_pixels));
  EXPECT_EQ(specs.size(), 54u);
  return specs;
}

std::vector<KernelSpec> dlmc_sample(size_t count, uint32_t max_pixels, uint64_t max_nonzeros) {
  const UnpackedDlmc unpacked("");
  std::vector<DlmcFile> files = unpacked.files();
  EXPECT_EQ(files.size(), 270u);
  std::erase_if(files, [&](const DlmcFile& file) { return file.nonzeros > max_nonzeros; });
  EXPECT_GE(files.size(), count);
  std::vector<KernelSpec> sample;
  for (size_t i = 0; i < count && !files.empty(); ++i)
    sample.push_back(unpacked.spec(files[i * files.size() / count], max_pixels));
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
