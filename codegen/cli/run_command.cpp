#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <memory>

#include "backends/jit/jit_library.h"
#include "codegen/cli/arguments.h"
#include "codegen/cli/commands.h"
#include "codegen/cli/kernel_data.h"
#include "codegen/cli/network_commands.h"
#include "codegen/cli/output_directory.h"
#include "codegen/cli/progress.h"
#include "ir/reference_spmm.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

namespace espalier::cli {
namespace {

struct RunArguments {
  InputArguments input;
  TargetArguments target;
  NetworkRunArguments network;
  std::string write_data, check, manifest, json;
};

/// What one row of the table says. Times are 0 when nothing ran.
struct Row {
  const KernelSpec* spec;
  uint64_t code_bytes = 0, weight_bytes = 0;
  double compile_ms = 0, error = 0, gflops = 0;
};

/// A kernel whose pixel count is left to run time runs with the largest.
uint32_t run_pixels(const KernelSpec& spec) { return spec.max_pixels(); }

/// Useful GFLOP/s: the median of several calls, about 20 ms of them.
double time_kernel(const espalier_kernel& kernel, const float* x, float* y, uint32_t pixels) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> seconds;
  double total = 0;
  while (seconds.size() < 5 || (total < 0.02 && seconds.size() < 1000)) {
    const auto start = Clock::now();
    espalier_kernel_run(&kernel, x, y, pixels);
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    total += seconds.back();
  }
  std::nth_element(seconds.begin(), seconds.begin() + static_cast<ptrdiff_t>(seconds.size() / 2), seconds.end());
  const double median = seconds[seconds.size() / 2];
  return 2.0 * static_cast<double>(kernel.nonzeros) * pixels / std::max(median, 1e-9) * 1e-9;
}

void print_header() {
  fmt::print("{:<28} {:>11} {:>7} {:>9} {:>7} {:>10} {:>10} {:>7} {:>8}\n", "layer", "shape", "pixels", "non-zeros",
             "zeros", "code bytes", "compile ms", "error", "GFLOP/s");
}

void print_row(const Row& row) {
  const KernelSpec& s = *row.spec;
  fmt::print("{:<28} {:>11} {:>7} {:>9} {:>6.1f}% {:>10} {:>10.2f} {:>7.3f} {:>8.1f}{}\n", s.name,
             fmt::format("{}x{}", s.matrix.rows(), s.matrix.columns()), run_pixels(s), s.matrix.nonzeros(),
             100 * s.matrix.sparsity(), row.code_bytes, row.compile_ms, row.error, row.gflops,
             row.error <= 1 ? "" : "  WRONG");
}

/// JSON has no infinity and no NaN.
llvm::json::Value number_or_null(double value) {
  return std::isfinite(value) ? llvm::json::Value(value) : llvm::json::Value(nullptr);
}

Status write_json(const std::string& path, const std::vector<Row>& rows) {
  llvm::json::Array list;
  for (const Row& row : rows) {
    const KernelSpec& s = *row.spec;
    list.push_back(llvm::json::Object{{"name", s.name},
                                      {"output_channels", s.matrix.rows()},
                                      {"input_channels", s.matrix.columns()},
                                      {"pixels", run_pixels(s)},
                                      {"input_stride", s.input_stride},
                                      {"output_stride", s.output_stride},
                                      {"nonzeros", static_cast<int64_t>(s.matrix.nonzeros())},
                                      {"code_bytes", static_cast<int64_t>(row.code_bytes)},
                                      {"weight_bytes", static_cast<int64_t>(row.weight_bytes)},
                                      {"compile_ms", row.compile_ms},
                                      {"error", number_or_null(row.error)},
                                      {"gflops", row.gflops}});
  }
  std::string text;
  llvm::raw_string_ostream(text) << llvm::formatv("{0:2}\n", llvm::json::Value(std::move(list)));
  const std::filesystem::path file(path);
  const std::string directory = file.has_parent_path() ? file.parent_path().string() : ".";
  const OutputFile output{file.filename().string(), text};
  return write_files(directory, {&output, 1});
}

Result<Outcome> report(const std::vector<Row>& rows, const RunArguments& a) {
  if (!a.json.empty())
    if (Status s = write_json(a.json, rows); !s) return std::move(s).error();
  const auto wrong = std::count_if(rows.begin(), rows.end(), [](const Row& row) { return !(row.error <= 1); });
  fmt::print("{} kernels, {} within the error bound of the reference\n", rows.size(),
             static_cast<ptrdiff_t>(rows.size()) - wrong);
  return wrong == 0 ? Outcome::kDone : Outcome::kCheckFailed;
}

std::string data_path(const std::string& directory, const KernelSpec& spec, std::string_view which) {
  return (std::filesystem::path(directory) / fmt::format("{}.{}.f32", spec.name, which)).string();
}

/// Runs one kernel in this process and checks every output.
Result<Row> run_kernel(const CompiledKernel& compiled, const espalier_kernel& kernel, const RunArguments& a) {
  const KernelSpec& spec = compiled.input.spec;
  const std::vector<float> x = seeded_input(spec, a.input.seed);
  std::vector<float> y = empty_output(spec);
  Row row{&spec, compiled.code_bytes(), compiled.weight_bytes(), compiled.compile_seconds * 1e3};
  row.gflops = time_kernel(kernel, x.data(), y.data(), run_pixels(spec));
  row.error = error_in_bounds(spec, x, y, run_pixels(spec), compiled.program->output_order);
  if (a.write_data.empty()) return row;
  if (Status s = write_floats(data_path(a.write_data, spec, "x"), x); !s) return std::move(s).error();
  if (Status s = write_floats(data_path(a.write_data, spec, "y"), y); !s) return std::move(s).error();
  return row;
}

Result<Outcome> run_here(const RunArguments& a, const Target& target, std::vector<LibraryKernel> kernels) {
  const auto options = a.target.library_options(kernels, target);
  if (!options) return options.error();
  const auto compiled = compile_library(std::move(kernels), target, *options);
  if (!compiled) return compiled.error();
  std::vector<KernelCode> codes;
  for (const CompiledKernel& k : *compiled) codes.push_back(k.code);
  const auto library = JitLibrary::load(codes, target);
  if (!library) return library.error();
  std::error_code error;
  if (!a.write_data.empty()) std::filesystem::create_directories(a.write_data, error);
  if (error) return system_error("cannot create {}: {}", a.write_data, error.message());
  std::vector<Row> rows;
  print_header();
  for (const CompiledKernel& k : *compiled) {
    if (interrupted()) return system_error("interrupted");
    const auto kernel = (*library)->kernel(k.program->name);
    if (!kernel) return kernel.error();
    auto row = run_kernel(k, **kernel, a);
    if (!row) return std::move(row).error();
    print_row(*row);
    rows.push_back(*row);
  }
  return report(rows, a);
}

/// The order that a manifest has for this kernel.
Result<std::vector<uint32_t>> order_of(const OutputOrders& orders, const KernelSpec& spec) {
  const auto found = orders.find(spec.name);
  if (found == orders.end()) return bad_input("has no kernel {}", spec.name);
  std::vector<uint32_t> sorted = found->second;
  std::sort(sorted.begin(), sorted.end());
  for (uint32_t row = 0; row < sorted.size(); ++row)
    if (sorted[row] != row) return bad_input("has an output_order of kernel {} that is no permutation", spec.name);
  if (!sorted.empty() && sorted.size() != spec.matrix.rows())
    return bad_input("has an output_order of {} rows for kernel {}, which has {}", sorted.size(), spec.name,
                     spec.matrix.rows());
  return found->second;
}

/// Checks outputs that something else computed from seeded_input.
Result<Outcome> check_elsewhere(const RunArguments& a, const std::vector<LibraryKernel>& kernels) {
  const auto orders = a.manifest.empty() ? Result<OutputOrders>(OutputOrders()) : read_output_orders(a.manifest);
  if (!orders) return orders.error();
  std::vector<Row> rows;
  print_header();
  for (const LibraryKernel& k : kernels) {
    auto order = a.manifest.empty() ? Result(std::vector<uint32_t>()) : order_of(*orders, k.spec);
    if (!order) return std::move(order).error().in(a.manifest);
    const auto y = read_floats(data_path(a.check, k.spec, "y"), empty_output(k.spec).size());
    if (!y) return y.error();
    Row row{&k.spec};
    row.error = error_in_bounds(k.spec, seeded_input(k.spec, a.input.seed), *y, run_pixels(k.spec), *order);
    print_row(row);
    rows.push_back(row);
  }
  return report(rows, a);
}

Result<Outcome> run(const RunArguments& a) {
  if (a.input.is_network()) return run_network_file(a.input.file, a.input.seed, a.target, a.network);
  const auto target = a.target.resolve();
  if (!target) return target.error();
  auto kernels = make_kernels(a.input, *target);
  if (!kernels) return std::move(kernels).error();
  return a.check.empty() ? run_here(a, *target, *std::move(kernels)) : check_elsewhere(a, *kernels);
}

}  // namespace

Command add_run_command(CLI::App& app) {
  auto a = std::make_shared<RunArguments>();
  a->input.add_to(app);
  a->target.add_to(app, /*with_target=*/false);
  a->network.add_to(app);
  a->target.add_network_options(app);
  app.add_option("--write-data", a->write_data, "write NAME.x.f32 and NAME.y.f32 (raw fp32) per kernel there");
  app.add_option("--check", a->check, "run nothing; check the NAME.y.f32 files in this directory instead");
  app.add_option("--manifest", a->manifest,
                 "with --check: the manifest.json that says in which order rows were written")
      ->needs("--check");
  app.add_option("--json", a->json, "write the table there as JSON");
  return [a] { return run(*a); };
}

}  // namespace espalier::cli
