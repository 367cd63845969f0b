#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <optional>

#include "backends/c_source/c_header.h"
#include "codegen/cli/arguments.h"
#include "codegen/cli/commands.h"
#include "codegen/cli/network_commands.h"
#include "codegen/cli/output_directory.h"
#include "codegen/cli/progress.h"
#include "codegen/library/emit_library.h"
#include "codegen/version.h"

namespace espalier::cli {
namespace {

struct CompileArguments {
  InputArguments input;
  TargetArguments target;
  std::string output, emit, library;
  bool weights_in_side_file = false;
};

std::string library_name(const CompileArguments& a) {
  return a.library.empty() ? c_identifier(std::filesystem::path(a.input.file).stem().string()) : a.library;
}

/// The command again, without what cannot change the output (-o, -j, --dump-dir) and with the input's name only, so
/// that equal work gives equal files wherever it is done.
std::string canonical_command(const CompileArguments& a, const Target& target) {
  std::string text =
      fmt::format("espalier compile {} --target {} --cpu {}", std::filesystem::path(a.input.file).filename().string(),
                  target.name, target.cpu->name);
  auto add = [&](std::string_view option, const std::string& value) {
    if (!value.empty()) text += fmt::format(" {} {}", option, value);
  };
  add("--select", a.input.select);
  add("--orientation", a.input.orientation);
  add("--pixels", a.input.pixels);
  add("--input-stride", a.input.input_stride);
  add("--output-stride", a.input.output_stride);
  add("--input-panel", a.input.input_panel);
  add("--output-panel", a.input.output_panel);
  add("--output-order", a.input.output_order);
  add("--clamp", a.input.clamp);
  if (a.input.kernels) text += " --kernels";
  if (a.input.no_bias) text += " --no-bias";
  if (a.input.seed != 1) add("--seed", std::to_string(a.input.seed));
  add("--schedule", a.target.schedule);
  add("--emit", a.emit);
  add("--name", a.library);
  if (a.weights_in_side_file) text += " --weights-in-side-file";
  return text;
}

/// The linker works in a temporary folder that must go away again; all other files are made in memory.
Result<std::vector<OutputFile>> emit(const std::vector<CompiledKernel>& kernels, const Target& target,
                                     const EmitOptions& options) {
  std::optional<HeldInterrupts> held;
  if (target.isa == Isa::kWasm) held.emplace();
  return emit_library(kernels, target, options);
}

std::string not_empty(const std::string& text) { return text.empty() ? "must not be empty" : ""; }

Result<Outcome> compile_matrices(const CompileArguments& a) {
  const auto target = a.target.resolve();
  if (!target) return target.error();
  const auto kinds = parse_emissions(a.emit, *target);
  if (!kinds) return kinds.error();
  if (Status s = check_library_name(library_name(a)); !s) return std::move(s).error();
  auto kernels = make_kernels(a.input, *target);
  if (!kernels) return std::move(kernels).error();
  const auto options = a.target.library_options(*kernels, *target);
  if (!options) return options.error();
  auto hash = hash_file(a.input.file);
  if (!hash) return std::move(hash).error();
  const auto compiled = compile_library(*std::move(kernels), *target, *options);
  if (!compiled) return compiled.error();
  EmitOptions emission{library_name(a), *kinds, a.weights_in_side_file, {}};
  emission.banner = {kVersion, std::filesystem::path(a.input.file).filename().string(), *hash,
                     canonical_command(a, *target)};
  const auto files = emit(*compiled, *target, emission);
  if (!files) return files.error();
  if (Status s = write_files(a.output, *files); !s) return std::move(s).error();
  for (const OutputFile& file : *files) fmt::print("{}/{}  {} bytes\n", a.output, file.name, file.contents.size());
  return Outcome::kDone;
}

Result<Outcome> compile(const CompileArguments& a) {
  if (!a.input.is_network()) return compile_matrices(a);
  return compile_network_file({a.input.file, a.output, a.emit, a.library, a.weights_in_side_file}, a.target);
}

}  // namespace

Command add_compile_command(CLI::App& app) {
  auto a = std::make_shared<CompileArguments>();
  a->input.add_to(app);
  a->target.add_to(app);
  a->target.add_network_options(app);
  app.add_option("-o,--output", a->output, "directory for the files")->required()->check(not_empty);
  app.add_option("--emit", a->emit, "any of object,archive,shared,asm,c,header,wasm,manifest,program (default: by target)");
  app.add_option("--name", a->library, "base name of the files (default: the input's)");
  app.add_flag("--weights-in-side-file", a->weights_in_side_file, "C: weights as NAME.weights.bin, not as text");
  return [a] { return compile(*a); };
}

}  // namespace espalier::cli
