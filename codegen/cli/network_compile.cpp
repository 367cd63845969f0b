#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "codegen/cli/network_commands.h"
#include "codegen/cli/output_directory.h"
#include "codegen/cli/progress.h"
#include "codegen/network/emit_network.h"
#include "codegen/version.h"
#include "ir/import/matrix_file.h"

namespace espalier::cli {
namespace {

std::string file_name(const std::string& path) { return std::filesystem::path(path).filename().string(); }

/// The command again, without what cannot change the output and with the input's name only.
std::string canonical_command(const NetworkCompileArguments& a, const TargetArguments& options, const Target& target) {
  std::string text =
      fmt::format("espalier compile {} --target {} --cpu {}", file_name(a.file), target.name, target.cpu->name);
  auto add = [&](std::string_view option, const std::string& value) {
    if (!value.empty()) text += fmt::format(" {} {}", option, value);
  };
  add("--schedule", options.schedule);
  if (options.strips == StripPolicy::kNever) text += " --strips never";
  if (options.strips == StripPolicy::kAlways) text += " --strips always";
  add("--emit", a.emit);
  add("--name", a.name);
  if (a.weights_in_side_file) text += " --weights-in-side-file";
  return text;
}

Result<CompiledNetwork> compiled(const NetworkCompileArguments& a, const TargetArguments& options,
                                 const Target& target) {
  const auto network = read_simplified(a.file);
  if (!network) return network.error();
  const std::string name = c_identifier(a.name.empty() ? std::filesystem::path(a.file).stem().string() : a.name);
  auto plan = plan_network(*network, target, name, options.strips);
  if (!plan) return std::move(plan).error().in(a.file);
  const auto library = options.library_options(plan->kernels, target);
  if (!library) return library.error();
  return compile_network(*std::move(plan), *library);
}

}  // namespace

Result<Outcome> compile_network_file(const NetworkCompileArguments& a, const TargetArguments& options) {
  const auto target = options.resolve();
  if (!target) return target.error();
  const auto kinds = parse_emissions(a.emit, *target);
  if (!kinds) return kinds.error();
  if (kinds->contains(Emission::kAssembly))
    return unsupported("a network has no asm to emit; its kernels have: --kernels");
  EmitOptions emission{a.name.empty() ? network_identifier(a.file) : a.name, *kinds, a.weights_in_side_file, {}};
  auto hash = hash_file(a.file);
  if (!hash) return std::move(hash).error();
  const auto network = compiled(a, options, *target);
  if (!network) return network.error();
  emission.banner = {kVersion, file_name(a.file), *hash, canonical_command(a, options, *target)};
  const HeldInterrupts held;  // linkers work in a temporary folder that must go away again
  const auto files = emit_network(*network, emission);
  if (!files) return files.error();
  if (Status s = write_files(a.output, *files); !s) return std::move(s).error();
  for (const OutputFile& file : *files) fmt::print("{}/{}  {} bytes\n", a.output, file.name, file.contents.size());
  return Outcome::kDone;
}

}  // namespace espalier::cli
