#include "bench/peers/bench_matrices.h"

#include <algorithm>
#include <cmath>

#include "bench/mobilenet_layers.h"
#include "ir/import/matrix_file.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Regex.h"

namespace espalier {
namespace {

struct Shape {
  uint32_t size, pixels;
};
constexpr Shape kShapes[] = {{64, 3136}, {128, 3136}, {256, 784}, {512, 196}, {512, 49}, {1024, 49}};
constexpr double kSparsities[] = {0.7, 0.8, 0.9, 0.95, 0.98};
constexpr double kMobileNetSparsity = 0.9;

bool wanted(const MatrixChoice& choice, double sparsity) {
  return choice.sparsities.empty() || std::any_of(choice.sparsities.begin(), choice.sparsities.end(),
                                                  [&](double s) { return std::abs(s - sparsity) < 1e-9; });
}

std::string percent(double share) { return fmt::format("{:.0f} %", 100 * share); }

KernelSpec seeded_spec(const Shape& shape, double sparsity, uint64_t seed) {
  KernelSpec spec;
  spec.name = fmt::format("seeded_{}_{}_{:.0f}", shape.size, shape.pixels, 100 * sparsity);
  spec.matrix = random_sparse_matrix(shape.size, shape.size, sparsity, seed);
  SeededRandom random(seed);
  for (uint32_t row = 0; row < shape.size; ++row) spec.bias.push_back(random.weight());
  spec.clamp.low = 0;
  spec.pixels = shape.pixels;
  spec.input_stride = spec.output_stride = recommended_stride(shape.pixels);
  return spec;
}

Status add_built_in(const MatrixChoice& choice, BenchMatrices& found) {
  if (wanted(choice, kMobileNetSparsity)) {
    Result<MobileNetLayers> layers = mobilenet_layers(choice.mobilenet);
    if (!layers) return std::move(layers).error();
    found.source = "MobileNetV1 1.0 (" + layers->source + ") and ";
    for (KernelSpec& spec : layers->specs) found.matrices.push_back({"MobileNetV1", std::move(spec)});
  }
  found.source += "seeded 1x1 convolutions of ResNet-50's sizes";
  uint64_t seed = 0;
  for (double sparsity : kSparsities)
    for (const Shape& shape : kShapes)
      if (++seed; wanted(choice, sparsity))
        found.matrices.push_back({"seeded, " + percent(sparsity), seeded_spec(shape, sparsity, seed)});
  return {};
}

KernelSpec spec_of(NamedMatrix&& matrix, const std::string& name, uint32_t pixels) {
  KernelSpec spec;
  spec.name = name, spec.matrix = std::move(matrix.matrix);
  spec.bias = std::move(matrix.bias), spec.clamp = matrix.clamp;
  spec.pixels = matrix.pixels ? matrix.pixels : pixels;
  spec.input_stride = spec.output_stride = recommended_stride(*spec.pixels);
  return spec;
}

Status add_files(const MatrixChoice& choice, BenchMatrices& found) {
  found.source = "matrices of files";
  for (const std::string& file : choice.files) {
    Result<std::vector<NamedMatrix>> matrices = read_matrices(file);
    if (!matrices) return std::move(matrices).error();
    for (NamedMatrix& matrix : *matrices) {
      const std::string group = percent(matrix.matrix.sparsity()), name = c_identifier(matrix.name);
      found.matrices.push_back({group, spec_of(std::move(matrix), name, choice.pixels)});
    }
  }
  return {};
}

}  // namespace

Result<BenchMatrices> bench_matrices(const MatrixChoice& choice) {
  const llvm::Regex pattern(choice.layer);  // std::regex throws
  if (std::string why; !pattern.isValid(why)) return bad_input("--layer '{}': {}", choice.layer, why);
  BenchMatrices found;
  if (Status s = choice.files.empty() ? add_built_in(choice, found) : add_files(choice, found); !s)
    return std::move(s).error();
  std::erase_if(found.matrices, [&](const BenchMatrix& m) { return !pattern.match(m.spec.name); });
  if (found.matrices.empty()) return bad_input("no matrix matches '{}' and the sparsities given", choice.layer);
  return found;
}

}  // namespace espalier
