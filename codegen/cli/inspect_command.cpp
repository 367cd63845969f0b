#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "codegen/cli/commands.h"
#include "ir/import/matrix_file.h"

namespace espalier::cli {
namespace {

std::string shape_of(const WeightListing& weight) {
  std::string text;
  for (const uint64_t size : weight.shape) text += fmt::format("{}{}", text.empty() ? "" : "x", size);
  return text;
}

double zero_share(const WeightListing& weight) {
  double elements = 1;
  for (const uint64_t size : weight.shape) elements *= static_cast<double>(size);
  return elements == 0 ? 0 : 100 * (1 - static_cast<double>(weight.nonzeros) / elements);
}

Result<Outcome> inspect(const std::string& file) {
  const auto weights = list_weights(file);
  if (!weights) return weights.error();
  fmt::print("{:>5}  {:<16} {:>16} {:>10} {:>7}  name\n", "index", "kind", "shape", "non-zeros", "zeros");
  for (const WeightListing& w : *weights)
    fmt::print("{:>5}  {:<16} {:>16} {:>10} {:>6.1f}%  {}{}\n", w.index, w.kind, shape_of(w), w.nonzeros, zero_share(w),
               w.name, w.is_matrix ? "" : "  (no matrix)");
  return Outcome::kDone;
}

}  // namespace

Command add_inspect_command(CLI::App& app) {
  auto file = std::make_shared<std::string>();
  app.add_option("file", *file, "matrices: .npy .npz .mtx .smtx .tflite")->required();
  return [file] { return inspect(*file); };
}

}  // namespace espalier::cli
