#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "codegen/cli/commands.h"
#include "ir/import/matrix_file.h"
#include "ir/import/network_file.h"
#include "ir/network/network_cost.h"
#include "ir/network/passes/passes.h"

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

struct Options {
  std::string file;
  bool network = false, simplify = false;
};

std::string operands_of(const Layer& layer) {
  std::string text;
  for (const TensorId input : layer.inputs) text += fmt::format("{}%{}", text.empty() ? "" : " ", input);
  return text;
}

std::string kind_of(const Network& network, const Layer& layer) {
  const std::string kind(kind_name(layer.operation, network.input_shape(layer).c));
  const std::string activation = to_string(layer.activation);
  return activation.empty() ? kind : fmt::format("{} {}", kind, activation);
}

/// Weights, zeros and work, as columns; blanks where there are no weights.
std::string columns_of(const NetworkCost& cost) {
  if (cost.weights == 0) return fmt::format("{:>10} {:>7} {:>13} {:>13}", "", "", "", "");
  return fmt::format("{:>10} {:>6.1f}% {:>13} {:>13}", cost.weights, 100 * cost.sparsity(), cost.multiply_adds,
                     cost.sparse_multiply_adds);
}

void print_row(std::string_view first, std::string_view tensor, std::string_view kind, std::string_view shape,
               std::string_view cost, std::string_view name) {
  fmt::print("{:>6} {:>5} {:<30} {:>17} {}  {}\n", first, tensor, kind, shape, cost, name);
}

void print_layer(const Network& network, size_t index) {
  const Layer& layer = network.layers[index];
  print_row(fmt::to_string(index), fmt::format("%{}", layer.output), kind_of(network, layer),
            to_string(network.output_shape(layer)), columns_of(cost_of(network, layer)),
            fmt::format("{} <- {}", layer.name, operands_of(layer)));
}

void print_ends(const Network& network, std::string_view what, const std::vector<TensorId>& tensors) {
  for (const TensorId id : tensors)
    print_row(what, fmt::format("%{}", id), "", to_string(network.shape_of(id)), columns_of({}),
              network.tensors[id].name);
}

/// The network as the file has it, or as the compiler takes it.
Result<Outcome> inspect_network(const Options& options) {
  Result<Network> network = read_network(options.file);
  if (!network) return std::move(network).error();
  if (options.simplify)
    if (Status s = simplify(*network); !s) return std::move(s).error();
  print_row("layer", "", "kind", "output",
            fmt::format("{:>10} {:>7} {:>13} {:>13}", "weights", "zeros", "multiply-adds", "by non-zeros"),
            "name <- inputs");
  print_ends(*network, "input", network->inputs);
  for (size_t i = 0; i < network->layers.size(); ++i) print_layer(*network, i);
  print_ends(*network, "output", network->outputs);
  print_row("", "", "all layers", "", columns_of(cost_of(*network)), "");
  return Outcome::kDone;
}

}  // namespace

Command add_inspect_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("file", options->file, "matrices: .npy .npz .mtx .smtx .tflite")->required();
  auto* network = app.add_flag("--network", options->network, "print the whole network of a model, layer by layer");
  app.add_flag("--simplify", options->simplify, "with --network: after the passes that compiling begins with")
      ->needs(network);
  return [options] { return options->network ? inspect_network(*options) : inspect(options->file); };
}

}  // namespace espalier::cli
