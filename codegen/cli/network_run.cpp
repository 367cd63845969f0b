#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "backends/jit/jit_network.h"
#include "codegen/cli/network_commands.h"
#include "codegen/cli/progress.h"
#include "codegen/measure/aligned_buffer.h"
#include "codegen/network/emit_network.h"
#include "espalier/threads.h"
#include "ir/import/matrix_file.h"
#include "ir/import/network_file.h"
#include "ir/import/npy.h"
#include "ir/network/network_cost.h"
#include "ir/network/passes/passes.h"
#include "ir/network/run_reference.h"

namespace espalier::cli {
namespace {

using Clock = std::chrono::steady_clock;
using Arrays = std::vector<std::vector<float>>;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double now_in_seconds() { return seconds_since(Clock::time_point()); }

/// A pool of the runtime that ends with its scope.
class Pool {
 public:
  ~Pool() { espalier_pool_destroy(pool_); }
  Status create(unsigned threads) {
    char message[160] = "";
    if (espalier_pool_create(threads, &pool_, message, sizeof message) != ESPALIER_OK)
      return system_error("cannot run on {} threads: {}", threads, message);
    return {};
  }
  espalier_workers workers() const { return espalier_pool_workers(pool_); }

 private:
  espalier_pool* pool_ = nullptr;
};

/// One loaded network with its memory.
class NetworkRun {
 public:
  NetworkRun(const espalier_network& network, const Arrays& inputs, const NetworkProgram& program, unsigned threads)
      : network_(network),
        memory_(espalier_context_bytes(&network, threads)),
        context_(espalier_context_in(&network, threads, memory_.data())) {
    for (const auto& input : inputs) inputs_.push_back(input.data());
    for (const NetworkValue& output : program.outputs) outputs_.emplace_back(output.shape.elements());
    for (auto& output : outputs_) output_places_.push_back(output.data());
  }

  Status run(const espalier_workers& workers) {
    char message[160] = "";
    if (espalier_network_run_on(&network_, context_.workspace, inputs_.data(), output_places_.data(), &workers, message,
                                sizeof message) != ESPALIER_OK)
      return internal_error("cannot run: {}", message);
    return {};
  }

  /// Seconds per layer: of each the median over `runs`.
  std::vector<double> profile(unsigned runs) {
    std::vector<std::vector<double>> samples(network_.layer_count);
    context_.clock = now_in_seconds;
    for (unsigned i = 0; i < runs; ++i) {
      espalier_context_run(&context_, inputs_.data(), output_places_.data());
      for (uint32_t l = 0; l < network_.layer_count; ++l) samples[l].push_back(context_.layer_seconds[l]);
    }
    std::vector<double> medians;
    for (auto& of_layer : samples) {
      std::nth_element(of_layer.begin(), of_layer.begin() + runs / 2, of_layer.end());
      medians.push_back(of_layer[runs / 2]);
    }
    return medians;
  }

  const Arrays& outputs() const { return outputs_; }

 private:
  const espalier_network& network_;
  std::vector<char> memory_;
  espalier_context context_;
  std::vector<const float*> inputs_;
  Arrays outputs_;
  std::vector<float*> output_places_;
};

/// Median seconds of a run: `repeat` of them, or as many as half a second holds, at least 5.
Result<double> time_runs(NetworkRun& run, const espalier_workers& workers, unsigned repeat) {
  std::vector<double> seconds;
  const auto begin = Clock::now();
  while (repeat != 0 ? seconds.size() < repeat : seconds.size() < 5 || (seconds_since(begin) < 0.5)) {
    const auto start = Clock::now();
    if (Status s = run.run(workers); !s) return std::move(s).error();
    seconds.push_back(seconds_since(start));
  }
  std::nth_element(seconds.begin(), seconds.begin() + static_cast<ptrdiff_t>(seconds.size() / 2), seconds.end());
  return seconds[seconds.size() / 2];
}

void print_outputs(const NetworkProgram& program, const Arrays& outputs) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    const auto [low, high] = std::minmax_element(outputs[i].begin(), outputs[i].end());
    fmt::print("output {}  {:<16} {:>12.5g} to {:<12.5g} {}\n", i, to_string(program.outputs[i].shape), *low, *high,
               program.outputs[i].name);
  }
}

/// Per output, the largest difference over the range of the reference.
Result<Outcome> compare(const Network& network, const Arrays& inputs, const Arrays& outputs) {
  const auto reference = run_reference(network, inputs);
  if (!reference) return reference.error();
  bool good = true;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const std::vector<float>& wanted = (*reference)[i];
    const auto [low, high] = std::minmax_element(wanted.begin(), wanted.end());
    double largest = 0;
    for (size_t e = 0; e < wanted.size(); ++e) {
      const double difference = std::abs(double{wanted[e]} - double{outputs[i][e]});
      if (!(difference <= largest)) largest = difference;
    }
    const double range = std::max(double{*high} - double{*low}, 1e-30), share = largest / range;
    const bool is_close = wanted.size() == 1 ? largest <= 1e-3 * std::max(1.0, std::abs(double{*low})) : share <= 1e-3;
    good = good && is_close;
    fmt::print("output {}  largest difference from the reference {:.3g} of a range of {:.5g}{}\n", i, largest,
               wanted.size() == 1 ? 0 : range, is_close ? "" : "  WRONG");
  }
  return good ? Outcome::kDone : Outcome::kCheckFailed;
}

std::string form_of(const CompiledNetwork& compiled, size_t layer) {
  std::string text;
  for (const NetworkStep& step : compiled.program.steps)
    if (step.layer == layer && step.is_kernel)
      text = std::string(form_name(compiled.program.kernels[step.program]->schedule));
  return text;
}

void print_profile(const CompiledNetwork& compiled, const std::vector<double>& seconds) {
  const NetworkProgram& program = compiled.program;
  const double total = std::accumulate(seconds.begin(), seconds.end(), 0.0);
  fmt::print("{:>5} {:>9} {:>6} {:>12} {:>8}  {:<9} name\n", "layer", "us", "share", "multiply-adds", "GFLOP/s",
             "form");
  for (size_t layer = 0; layer < program.layers.size(); ++layer) {
    uint64_t work = 0;
    for (const NetworkStep& step : program.steps)
      if (step.layer == layer) work += step.multiply_adds;
    fmt::print("{:>5} {:>9.1f} {:>5.1f}% {:>12} {:>8.1f}  {:<9} {}\n", layer, seconds[layer] * 1e6,
               100 * seconds[layer] / total, work, 2e-9 * static_cast<double>(work) / std::max(seconds[layer], 1e-9),
               form_of(compiled, layer), program.layers[layer]);
  }
  fmt::print("{:>5} {:>9.1f}\n", "all", total * 1e6);
}

Status write_outputs(const std::string& directory, const NetworkProgram& program, const Arrays& outputs) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return system_error("cannot create {}: {}", directory, error.message());
  for (size_t i = 0; i < outputs.size(); ++i) {
    const Shape& s = program.outputs[i].shape;
    const auto path = std::filesystem::path(directory) / fmt::format("output{}.npy", i);
    if (Status status = write_npy(path, NpyArray::from_floats({s.n, s.h, s.w, s.c}, outputs[i])); !status)
      return status;
  }
  return {};
}

void print_summary(const CompiledNetwork& compiled, double compile_seconds) {
  const NetworkProgram& program = compiled.program;
  uint64_t code = 0;
  for (const CompiledKernel& kernel : compiled.kernels) code += kernel.code_bytes();
  fmt::print("{} layers in {} steps, {} sparse kernels ({} bytes of code), {} other functions\n", program.layers.size(),
             program.steps.size(), program.kernels.size(), code, program.loops.size());
  fmt::print("{} bytes of weights, {} of activations (most alive at once {}), compiled in {:.0f} ms\n",
             program.weight_bytes(), program.arena_elements * sizeof(float),
             program.largest_live_elements * sizeof(float), compile_seconds * 1e3);
}

}  // namespace

void NetworkRunArguments::add_to(CLI::App& app) {
  input.add_to(app);
  app.add_option("--output-dir", output_directory, "network: write outputN.npy there");
  app.add_flag("--compare", compare, "network: check the outputs against the reference executor");
  app.add_flag("--profile", profile, "network: print the time of every layer, on one thread");
  app.add_option("--threads", threads, "network: threads to run on")->check(CLI::Range(1, 256))->capture_default_str();
  app.add_option("--repeat", repeat, "network: timed runs (default: half a second of them)");
}

Result<Network> read_simplified(const std::string& file) {
  auto network = read_network(file);
  if (!network) return network;
  if (Status s = simplify(*network); !s) return std::move(s).error().in(file);
  return network;
}

std::string network_identifier(const std::string& file) {
  return c_identifier(std::filesystem::path(file).stem().string());
}

Result<Outcome> run_network_file(const std::string& file, uint64_t seed, const TargetArguments& target_arguments,
                                 const NetworkRunArguments& a) {
  const auto target = target_arguments.resolve();
  if (!target) return target.error();
  const auto network = read_simplified(file);
  if (!network) return network.error();
  const auto inputs = network_inputs(a.input, *network, seed);
  if (!inputs) return inputs.error();
  const auto start = Clock::now();
  auto plan = plan_network(*network, *target, network_identifier(file), target_arguments.strips);
  if (!plan) return std::move(plan).error().in(file);
  const auto options = target_arguments.library_options(plan->kernels, *target);
  if (!options) return options.error();
  const auto compiled = compile_network(*std::move(plan), *options);
  if (!compiled) return compiled.error();
  const auto objects = network_objects(*compiled);
  if (!objects) return objects.error();
  const auto loaded = JitNetwork::load(*objects, compiled->program.name, *target);
  if (!loaded) return loaded.error();
  print_summary(*compiled, seconds_since(start));
  Pool pool;
  if (Status s = pool.create(a.threads); !s) return std::move(s).error();
  NetworkRun run((*loaded)->network(), *inputs, compiled->program, a.threads);
  const auto seconds = time_runs(run, pool.workers(), a.repeat);
  if (!seconds) return seconds.error();
  print_outputs(compiled->program, run.outputs());
  fmt::print("{:.3f} ms a run on {} thread{}\n", *seconds * 1e3, a.threads, a.threads == 1 ? "" : "s");
  if (!a.output_directory.empty())
    if (Status s = write_outputs(a.output_directory, compiled->program, run.outputs()); !s) return std::move(s).error();
  Outcome outcome = Outcome::kDone;
  if (a.compare) {
    const auto compared = compare(*network, *inputs, run.outputs());
    if (!compared) return compared.error();
    outcome = *compared;
  }
  if (a.profile) print_profile(*compiled, run.profile(a.repeat ? a.repeat : 51));
  return outcome;
}

}  // namespace espalier::cli
