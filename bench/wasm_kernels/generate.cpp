// Compiles the layers of bench/wasm_kernels for WebAssembly: FOLDER/CPU.wasm for every CPU, FOLDER/layers.json and the
// yardstick's weights, FOLDER/weights.bin.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>

#include "backends/wasm/wasm_module.h"
#include "bench/aarch64_kernels/yardstick_weights.h"
#include "bench/wasm_kernels/kernel_set.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

namespace espalier {
namespace {

namespace json = llvm::json;

struct Options {
  std::string folder;
  MatrixChoice choice;
  std::vector<std::string> cpus{"simd128", "relaxed"};
  KernelSetOptions kernels;
};

void declare(CLI::App& app, Options& o) {
  o.choice.sparsities = {0.7, 0.8, 0.9, 0.95, 0.98};
  app.add_option("folder", o.folder, "where to write modules, layers.json and weights.bin")->required();
  app.add_option("--mobilenet", o.choice.mobilenet,
                 "mobilenet_v1_1.0_90.npz (default: in $ESPALIER_DATA or ../shared/data)");
  app.add_option("--data", o.choice.files, "matrices of these files instead (.smtx, .mtx, .npz, .tflite ...)");
  app.add_option("--pixels", o.choice.pixels, "pixels for files that do not say")->check(CLI::PositiveNumber);
  app.add_option("--layer", o.choice.layer, "only layers whose name matches this regular expression");
  app.add_option("--sparsity", o.choice.sparsities, "only these shares of zeros, e.g. 0.7,0.9")->delimiter(',');
  app.add_option("--cpu", o.cpus, "CPUs of wasm32 to compile for")->delimiter(',');
  app.add_option("--panel", o.kernels.panels,
                 "pixels of a panel (default, and 0: the compiler's recommendation); may be repeated");
  app.add_option("--schedule", o.kernels.schedules, "a schedule to compile every layer with; may be repeated");
}

Status write_file(const std::filesystem::path& path, std::string_view contents) {
  std::ofstream out(path, std::ios::binary);
  out << contents;
  if (!out.flush()) return system_error("{}: cannot write", path.string());
  return {};
}

/// Collects arrays of 4-byte elements; what is added is described by its place.
class WeightFile {
 public:
  template <typename T>
  json::Object add(const std::vector<T>& values) {
    static_assert(sizeof(T) == 4);
    const auto offset = static_cast<int64_t>(bytes_.size());
    bytes_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
    return json::Object{{"offset", offset}, {"length", static_cast<int64_t>(values.size())}};
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

/// JSON has no infinities; null is none.
json::Value bound(float value) { return std::isinf(value) ? json::Value(nullptr) : json::Value(value); }

json::Object yardstick_of(const KernelSpec& spec, WeightFile& file) {
  const YardstickWeights w = yardstick_weights(spec);
  return json::Object{{"values", file.add(w.values)},
                      {"steps", file.add(w.steps)},
                      {"counts", file.add(w.counts)},
                      {"first_input", static_cast<int64_t>(w.first_input)}};
}

json::Object describe(const BenchMatrix& matrix, WeightFile& file) {
  const KernelSpec& s = matrix.spec;
  return json::Object{{"name", s.name},
                      {"group", matrix.group},
                      {"rows", static_cast<int64_t>(s.matrix.rows())},
                      {"columns", static_cast<int64_t>(s.matrix.columns())},
                      {"pixels", static_cast<int64_t>(s.max_pixels())},
                      {"stride", static_cast<int64_t>(s.input_stride)},
                      {"nonzeros", static_cast<int64_t>(s.matrix.nonzeros())},
                      {"low", bound(s.clamp.low)},
                      {"high", bound(s.clamp.high)},
                      {"yardstick", yardstick_of(s, file)}};
}

json::Object describe(const BenchKernel& k, std::string_view cpu) {
  return json::Object{{"layer", static_cast<int64_t>(k.layer)},
                      {"cpu", std::string(cpu)},
                      {"panel", static_cast<int64_t>(k.kernel.input.spec.input_panel)},
                      {"kernel", k.kernel.input.spec.name},
                      {"wish", k.wish},
                      {"schedule", to_string(k.kernel.program->schedule)}};
}

Status write_module(const std::vector<BenchMatrix>& layers, const Target& target, const Options& o,
                    json::Array& descriptions) {
  const auto set = kernel_set(layers, target, o.kernels);
  if (!set) return set.error();
  std::vector<KernelProgram> programs;
  for (const BenchKernel& k : *set) {
    programs.push_back(*k.kernel.program);
    descriptions.push_back(describe(k, target.cpu->name));
  }
  const auto module = write_wasm_module(programs);
  if (!module) return module.error();
  return write_file(std::filesystem::path(o.folder) / fmt::format("{}.wasm", target.cpu->name), *module);
}

Status run(const Options& o) {
  const Result<BenchMatrices> chosen = bench_matrices(o.choice);
  if (!chosen) return chosen.error();
  json::Array layers, kernels, cpus;
  WeightFile weights;
  for (const BenchMatrix& matrix : chosen->matrices) layers.push_back(describe(matrix, weights));
  for (const std::string& cpu : o.cpus) {
    const Result<Target> target = find_target("wasm32", cpu);
    if (!target) return target.error();
    cpus.push_back(json::Object{{"name", cpu}, {"isa", std::string(target->vector->name)}});
    if (Status s = write_module(chosen->matrices, *target, o, kernels); !s) return s;
  }
  if (Status s = write_file(std::filesystem::path(o.folder) / "weights.bin", weights.bytes()); !s) return s;
  const json::Value all = json::Object{{"source", chosen->source},
                                       {"cpus", std::move(cpus)},
                                       {"layers", std::move(layers)},
                                       {"kernels", std::move(kernels)}};
  return write_file(std::filesystem::path(o.folder) / "layers.json", llvm::formatv("{0:2}\n", all).str());
}

}  // namespace
}  // namespace espalier

int main(int argc, char** argv) {
  CLI::App app("Compiles the layers of bench/wasm_kernels for WebAssembly engines.");
  espalier::Options options;
  espalier::declare(app, options);
  CLI11_PARSE(app, argc, argv);
  const espalier::Status status = espalier::run(options);
  if (!status) fmt::print(stderr, "generate_wasm_kernels: {}\n", status.error().message);
  return status ? 0 : 1;
}
