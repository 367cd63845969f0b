#include "codegen/cli/arguments.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <thread>

#include "codegen/cli/progress.h"
#include "codegen/layout.h"
#include "codegen/tune/tune.h"
#include "ir/import/network_file.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SHA256.h"

namespace espalier::cli {
namespace {

Result<uint32_t> parse_count(std::string_view option, std::string_view text) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0 || value > 0x7fffffff)
    return bad_input("{} is '{}', but must be a number in 1..2147483647", option, text);
  return value;
}

Result<float> parse_bound(std::string_view text) {
  const std::string copy(text);
  char* end = nullptr;
  const float value = std::strtof(copy.c_str(), &end);
  if (copy.empty() || *end != 0 || std::isnan(value))
    return bad_input("--clamp has bound '{}', but must have numbers", text);
  return value;
}

/// CLI11 takes a minus sign for 2^64 minus the number.
std::string is_seed(const std::string& text) {
  uint64_t seed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole ? "" : fmt::format("is '{}', but must be a whole number below 2^64", text);
}

/// "relu", "relu6", "none" or "LOW,HIGH".
Result<Clamp> parse_clamp(std::string_view text) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (text == "none") return Clamp{};
  if (text == "relu") return Clamp{0, kInfinity};
  if (text == "relu6") return Clamp{0, 6};
  const size_t comma = text.find(',');
  if (comma == std::string_view::npos)
    return bad_input("--clamp is '{}', but must be none, relu, relu6 or LOW,HIGH", text);
  const auto low = parse_bound(text.substr(0, comma)), high = parse_bound(text.substr(comma + 1));
  if (!low) return low.error();
  if (!high) return high.error();
  return Clamp{*low, *high};
}

/// The pixel counts of one kernel, from --pixels or the file.
struct Pixels {
  std::optional<uint32_t> fixed;  // none: left to run time
  uint32_t most = 0;
};

Result<Pixels> parse_pixels(const InputArguments& arguments, const NamedMatrix& matrix) {
  constexpr std::string_view kAny = "any:";
  const std::string_view text = arguments.pixels;
  if (text.empty() && matrix.pixels == 0)
    return bad_input("{}: {} comes without a pixel count, give --pixels N or --pixels any:MOST", arguments.file,
                     matrix.name);
  if (text.empty()) return Pixels{matrix.pixels, matrix.pixels};
  const bool any = text.starts_with(kAny);
  const auto count = parse_count(any ? "MOST of --pixels any:MOST" : "--pixels", any ? text.substr(kAny.size()) : text);
  if (!count) return count.error();
  return Pixels{any ? std::optional<uint32_t>() : *count, *count};
}

Result<uint32_t> parse_stride(std::string_view option, std::string_view text, uint32_t pixels, uint32_t lanes) {
  if (text.empty()) return pixels;
  if (text == "auto") return recommended_stride(pixels, lanes);
  return parse_count(option, text);
}

Result<ImportOptions> import_options(const InputArguments& arguments) {
  ImportOptions options;
  options.select = arguments.select;
  options.seed = arguments.seed;
  if (arguments.orientation.empty()) return options;
  if (arguments.orientation != "out-in" && arguments.orientation != "in-out")
    return bad_input("--orientation is '{}', but must be out-in or in-out", arguments.orientation);
  options.transpose = arguments.orientation == "in-out";
  return options;
}

/// One buffer's options: --input-stride and --input-panel, or those of the output; it has only one of both.
struct LayoutOptions {
  std::string_view which;
  const std::string &stride, &panel;

  bool wants_panel_chosen() const { return panel == "auto"; }
  Status apply(uint32_t pixels, uint32_t lanes, uint32_t recommended, uint32_t& stride_out, uint32_t& panel_out) const {
    if (panel.empty()) {
      const auto parsed = parse_stride(fmt::format("--{}-stride", which), stride, pixels, lanes);
      if (!parsed) return parsed.error();
      stride_out = *parsed;
      return {};
    }
    if (!stride.empty()) return bad_input("--{0}-panel is given, but so is --{0}-stride, which images have", which);
    const auto width =
        wants_panel_chosen() ? Result<uint32_t>(recommended) : parse_count(fmt::format("--{}-panel", which), panel);
    if (!width) return width.error();
    stride_out = panel_out = *width;
    return {};
  }
};

Status apply_layouts(const InputArguments& a, const Target& target, uint32_t pixels, KernelSpec& spec) {
  const LayoutOptions input{"input", a.input_stride, a.input_panel}, output{"output", a.output_stride, a.output_panel};
  uint32_t panel = 0;
  if (input.wants_panel_chosen() || output.wants_panel_chosen()) {
    const auto recommended = recommended_panel(spec, target);
    if (!recommended) return recommended.error();
    panel = *recommended;
  }
  const uint32_t lanes = target.vector->lanes;
  if (Status s = input.apply(pixels, lanes, panel, spec.input_stride, spec.input_panel); !s) return s;
  return output.apply(pixels, lanes, panel, spec.output_stride, spec.output_panel);
}

Result<OutputOrder> parse_output_order(std::string_view text) {
  if (text.empty() || text == "natural") return OutputOrder::kNatural;
  if (text == "clustered") return OutputOrder::kClustered;
  return bad_input("--output-order is '{}', but must be natural or clustered", text);
}

Result<KernelSpec> make_spec(const InputArguments& arguments, const Target& target, NamedMatrix matrix,
                             std::string name) {
  KernelSpec spec;
  spec.name = std::move(name);
  const auto pixels = parse_pixels(arguments, matrix);
  if (!pixels) return pixels.error();
  spec.pixels = pixels->fixed;
  spec.clamp = matrix.clamp;
  if (!arguments.clamp.empty()) {
    const auto clamp = parse_clamp(arguments.clamp);
    if (!clamp) return clamp.error();
    spec.clamp = *clamp;
  }
  const auto order = parse_output_order(arguments.output_order);
  if (!order) return order.error();
  spec.output_order = *order;
  if (!arguments.no_bias) spec.bias = std::move(matrix.bias);
  spec.matrix = std::move(matrix.matrix);
  if (Status s = apply_layouts(arguments, target, pixels->most, spec); !s) return std::move(s).error();
  return validated(std::move(spec));
}

}  // namespace

bool InputArguments::is_network() const {
  const bool has_kernel_options = !select.empty() || !orientation.empty() || !pixels.empty() || !clamp.empty() ||
                                  !input_stride.empty() || !output_stride.empty() || !input_panel.empty() ||
                                  !output_panel.empty() || !output_order.empty() || no_bias;
  return !kernels && !has_kernel_options && is_network_file(file);
}

void InputArguments::add_to(CLI::App& app) {
  app.add_option("file", file, "a network (.tflite, .onnx), or matrices: .npy .npz .mtx .smtx .tflite")->required();
  app.add_flag("--kernels", kernels, "of a network: its pruned matrices as separate kernels");
  app.add_option("--select", select, "one matrix, by name or by number (default: all)");
  app.add_option("--orientation", orientation, "of .npy/.npz arrays: out-in or in-out (default: by rule)");
  app.add_option("--pixels", pixels, "pixel count N, or any:MOST to leave it to run time (default: the file's)");
  app.add_option("--input-stride", input_stride, "elements from one input row to the next, or auto (default: pixels)");
  app.add_option("--output-stride", output_stride,
                 "elements from one output row to the next, or auto (default: pixels)");
  app.add_option("--input-panel", input_panel,
                 "pixels of an input panel, or auto; the input is then [panels][channels][pixels]");
  app.add_option("--output-panel", output_panel, "pixels of an output panel, or auto");
  app.add_option("--output-order", output_order,
                 "rows of the output: natural, or clustered as the compiler likes them; the kernel then says which");
  app.add_option("--clamp", clamp, "none, relu, relu6 or LOW,HIGH (default: the file's)");
  app.add_flag("--no-bias", no_bias, "leave the file's biases out");
  app.add_option("--seed", seed, "for values of pattern-only files and for inputs")
      ->check(is_seed)
      ->capture_default_str();
}

const std::map<std::string, StripPolicy> kStripPolicies = {
    {"auto", StripPolicy::kWhereItPays}, {"never", StripPolicy::kNever}, {"always", StripPolicy::kAlways}};

void TargetArguments::add_to(CLI::App& app, bool with_target) {
  if (with_target) app.add_option("--target", target, "see `espalier targets`")->capture_default_str();
  app.add_option("--cpu", cpu, "CPU or vector instruction set (default: the target's)");
  app.add_option("--schedule", schedule,
                 "auto, unrolled, nano, loop or dense, e.g. unrolled:rows=8,vectors=3,k=128,chunk=768; +dense, +nano "
                 "for rows apart");
  app.add_option("--max-code-bytes", max_code_bytes,
                 "bound on code and weights of all kernels together (default: 14 bytes per non-zero, or 256 KiB)");
  app.add_option("-O", optimize, "s: small code, 7 bytes per non-zero (-Os)")->check(CLI::IsMember({"s"}));
  app.add_flag("--tune", tune,
               "time the best few schedules on this machine and take the fastest; for another CPU price them by LLVM's "
               "model of it");
  app.add_option("--tune-cache", tune_cache, "where --tune keeps what it found (default: the user's cache)");
  app.add_option("--dump-dir", dump_directory, "write plan, program and time after every pass there");
  app.add_option("-j,--jobs", jobs, "threads (default: one per core); never changes the output");
}

void TargetArguments::add_network_options(CLI::App& app) {
  app.add_option_function<std::string>(
         "--strips", [this](const std::string& text) { strips = kStripPolicies.at(text); },
         "network: run expansions, depthwise convolutions and projections strip by strip: auto, never or always")
      ->check(CLI::IsMember(kStripPolicies));
}

Status TargetArguments::tune_schedules(const std::vector<LibraryKernel>& kernels, const Target& target,
                                       LibraryOptions& options) const {
  TuneOptions tuning;
  tuning.cache_directory = tune_cache.empty() ? default_tune_cache() : tune_cache;
  for (const LibraryKernel& kernel : kernels) {
    if (interrupted()) return system_error("interrupted");
    const auto schedule = tuned_schedule(kernel.spec, target, options.schedule, tuning);
    if (!schedule) return schedule.error();
    options.schedules.push_back(*schedule);
  }
  return {};
}

Result<LibraryOptions> TargetArguments::library_options(const std::vector<LibraryKernel>& kernels,
                                                        const Target& target) const {
  LibraryOptions options;
  if (!schedule.empty()) {
    auto parsed = parse_schedule(schedule);
    if (!parsed) return std::move(parsed).error();
    options.schedule = *parsed;
  }
  options.jobs = jobs ? jobs : std::max(1u, std::thread::hardware_concurrency());
  options.dump_directory = dump_directory;
  options.progress = progress_reporter(kernels.size());
  options.budget = {max_code_bytes, optimize == "s"};
  if (tune && (max_code_bytes || !optimize.empty()))
    return bad_input("--tune looks for the fastest schedule, so it does not go with --max-code-bytes or -Os");
  if (tune)
    if (Status s = tune_schedules(kernels, target, options); !s) return std::move(s).error();
  return options;
}

Result<std::vector<LibraryKernel>> make_kernels(const InputArguments& arguments, const Target& target) {
  const auto options = import_options(arguments);
  if (!options) return options.error();
  auto matrices = read_matrices(arguments.file, *options);
  if (!matrices) return std::move(matrices).error();
  std::vector<std::string> names;
  for (const NamedMatrix& m : *matrices) names.push_back(m.name);
  const std::vector<std::string> identifiers = c_identifiers(names);
  const std::string file = std::filesystem::path(arguments.file).filename().string();
  std::vector<LibraryKernel> kernels;
  for (size_t i = 0; i < matrices->size(); ++i) {
    auto spec = make_spec(arguments, target, std::move((*matrices)[i]), identifiers[i]);
    if (!spec) return std::move(spec).error();
    kernels.push_back({*std::move(spec), fmt::format("{}: {}", file, names[i])});
  }
  return kernels;
}

Result<std::string> hash_file(const std::string& path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer) return system_error("cannot read {}: {}", path, buffer.getError().message());
  const llvm::StringRef bytes = (*buffer)->getBuffer();
  const auto digest = llvm::SHA256::hash({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  return "sha256:" + llvm::toHex(digest, /*LowerCase=*/true);
}

}  // namespace espalier::cli
