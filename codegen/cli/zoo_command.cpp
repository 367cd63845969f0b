#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "codegen/cli/commands.h"
#include "ir/export/onnx_file.h"
#include "ir/export/tflite_file.h"
#include "ir/import/bytes.h"
#include "ir/import/published_network.h"
#include "ir/network/network_cost.h"
#include "ir/network/zoo/zoo.h"

namespace espalier::cli {
namespace {

struct Options {
  std::string model, weights, output, store = "dense";
  ZooOptions zoo;
};

Result<Outcome> list_models() {
  for (const ZooModel& model : zoo_models())
    fmt::print("{:<24} {:>4}x{:<4} {}\n", model.name, model.size, model.size, model.description);
  return Outcome::kDone;
}

constexpr const char* kPublishedModel = "mobilenet_v1";

/// The network with the weights of a file; what is not in there is said.
Result<Network> published_network(const Options& options) {
  if (options.model != kPublishedModel)
    return bad_input("--weights is for {}, but the model is '{}'", kPublishedModel, options.model);
  const Result<std::vector<std::byte>> bytes = read_file_bytes(options.weights);
  if (!bytes) return bytes.error();
  Result<PublishedNetwork> made = parse_published_mobilenet_v1(options.weights, *bytes, options.zoo);
  if (!made) return std::move(made).error();
  for (const std::string& name : made->stand_ins)
    fmt::print("{}: has no '{}'; a seeded matrix with {}% zeros in blocks of 4 output channels stands in\n",
               options.weights, name, 100 * options.zoo.sparsity);
  return std::move(made->network);
}

Result<Outcome> write_model(const Options& options) {
  const Result<Network> network =
      options.weights.empty() ? zoo_network(options.model, options.zoo) : published_network(options);
  if (!network) return network.error();
  const std::string file = options.output.empty() ? options.model + ".tflite" : options.output;
  const bool is_onnx = file.ends_with(".onnx");
  const WeightStore store = options.store == "sparse" ? WeightStore::kSparse : WeightStore::kDense;
  if (is_onnx && store == WeightStore::kSparse)
    return bad_input("{}: weights are stored sparsely in .tflite files only", file);
  const Result<std::string> bytes = is_onnx ? onnx_bytes(*network) : tflite_bytes(*network, store);
  if (!bytes) return Error(bytes.error()).in(options.model);
  if (Status s = write_file_bytes(file, as_byte_span(*bytes)); !s) return std::move(s).error();
  const NetworkCost cost = cost_of(*network);
  fmt::print("{}: {} layers, {} weights, {:.1f}% zeros, {} multiply-adds, {} by non-zeros, {} bytes\n", file,
             network->layers.size(), cost.weights, 100 * cost.sparsity(), cost.multiply_adds, cost.sparse_multiply_adds,
             bytes->size());
  return Outcome::kDone;
}

}  // namespace

Command add_zoo_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("model", options->model, "which model; without it, all are listed");
  app.add_option("-o,--output", options->output, "file to write, .tflite or .onnx (default: MODEL.tflite)");
  app.add_option("--store", options->store, ".tflite: pruned weights as dense or sparse tensors")
      ->check(CLI::IsMember({"dense", "sparse"}))
      ->capture_default_str();
  auto* weights = app.add_option("--weights", options->weights,
                                 "an .npz with the arrays of the paper's mobilenet_v1, instead of seeded weights");
  app.add_option("--width", options->zoo.width, "multiplies every count of channels (default: 1)")->excludes(weights);
  app.add_option("--sparsity", options->zoo.sparsity, "share of zeros in pruned layers (default: 0.9)");
  app.add_option("--block", options->zoo.block, "so many neighbouring output channels share their zeros (default: 1)")
      ->excludes(weights);
  app.add_option("--size", options->zoo.size, "height and width of the image (default: the model's own)");
  app.add_option("--seed", options->zoo.seed, "for the weights (default: 1)");
  return [options] { return options->model.empty() ? list_models() : write_model(*options); };
}

}  // namespace espalier::cli
