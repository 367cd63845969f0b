#include "bench/mobilenet_layers.h"

#include <cstdlib>

#include "ir/import/matrix_file.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFileName = "mobilenet_v1_1.0_90.npz";

/// One 1x1 convolution of MobileNetV1 1.0 at 224 x 224.
struct LayerShape {
  uint32_t outputs, inputs, side;
};
constexpr LayerShape kShapes[] = {
    {64, 32, 112},  {128, 64, 56},  {128, 128, 56}, {256, 128, 28}, {256, 256, 28}, {512, 256, 14},
    {512, 512, 14}, {512, 512, 14}, {512, 512, 14}, {512, 512, 14}, {512, 512, 14}, {1024, 512, 7},
};

fs::path find_file() {
  std::vector<fs::path> folders;
  if (const char* data = std::getenv("ESPALIER_DATA")) folders.emplace_back(data);
  folders.push_back(fs::path(ESPALIER_SOURCE_DIR) / ".." / "shared" / "data");
  for (const fs::path& folder : folders)
    if (std::error_code ignored; fs::exists(folder / kFileName, ignored)) return folder / kFileName;
  return {};
}

KernelSpec make_spec(size_t index, SparseMatrix matrix, std::vector<float> bias) {
  KernelSpec spec;
  spec.name = fmt::format("contraction_1x1_{}", index);
  spec.matrix = std::move(matrix);
  spec.bias = std::move(bias);
  spec.clamp.low = 0;  // ReLU, as after every layer of MobileNetV1
  spec.pixels = kShapes[index].side * kShapes[index].side;
  spec.input_stride = spec.output_stride = recommended_stride(*spec.pixels);
  return spec;
}

KernelSpec seeded_spec(size_t index) {
  const LayerShape& shape = kShapes[index];
  SeededRandom random(100 + index);
  std::vector<float> bias(shape.outputs);
  for (float& b : bias) b = random.weight();
  return make_spec(index, random_sparse_matrix(shape.outputs, shape.inputs, 0.9, index + 1), std::move(bias));
}

Result<KernelSpec> read_spec(const fs::path& path, size_t index, std::vector<NamedMatrix>& matrices) {
  const std::string name = fmt::format("contraction_1x1_{}", index);
  for (NamedMatrix& m : matrices) {
    if (m.name != name) continue;
    if (m.matrix.rows() != kShapes[index].outputs || m.matrix.columns() != kShapes[index].inputs)
      return bad_input("{}: {} is {} x {}, but MobileNetV1 has {} x {}", path.string(), name, m.matrix.rows(),
                       m.matrix.columns(), kShapes[index].outputs, kShapes[index].inputs);
    return make_spec(index, std::move(m.matrix), std::move(m.bias));
  }
  return bad_input("{}: there is no array {}", path.string(), name);
}

}  // namespace

Result<MobileNetLayers> mobilenet_layers(const fs::path& path) {
  MobileNetLayers layers;
  const fs::path file = path.empty() ? find_file() : path;
  if (file.empty()) {
    layers.source = "seeded random matrices at 90 % zeros in place of " + std::string(kFileName);
    for (size_t i = 0; i < std::size(kShapes); ++i) layers.specs.push_back(seeded_spec(i));
    return layers;
  }
  layers.source = file.filename().string();
  Result<std::vector<NamedMatrix>> matrices = read_matrices(file);
  if (!matrices) return std::move(matrices).error();
  for (size_t i = 0; i < std::size(kShapes); ++i) {
    Result<KernelSpec> spec = read_spec(file, i, *matrices);
    if (!spec) return std::move(spec).error();
    layers.specs.push_back(std::move(*spec));
  }
  return layers;
}

}  // namespace espalier
