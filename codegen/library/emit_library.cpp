#include "codegen/library/emit_library.h"

#include <optional>

#include "backends/c_source/c_header.h"
#include "backends/c_source/c_source.h"
#include "backends/c_source/manifest.h"
#include "backends/link/link_objects.h"
#include "backends/mc/assembly_listing.h"
#include "backends/mc/object_writer.h"
#include "backends/text_template.h"
#include "backends/wasm/wasm_listing.h"
#include "backends/wasm/wasm_module.h"
#include "codegen/input_loads.h"

namespace espalier {
namespace {

struct EmissionName {
  std::string_view name;
  Emission kind;
};
constexpr EmissionName kNames[] = {
    {"object", Emission::kObject},
    {"archive", Emission::kArchive},
    {"shared", Emission::kShared},
    {"asm", Emission::kAssembly},
    {"c", Emission::kC},
    {"header", Emission::kHeader},
    {"wasm", Emission::kWasm},
    {"manifest", Emission::kManifest},
    {"program", Emission::kProgram},
};

bool is_native(const Target& target) { return target.isa == Isa::kX86_64 || target.isa == Isa::kAArch64; }

bool can_emit(Emission kind, const Target& target) {
  if (kind == Emission::kObject || kind == Emission::kArchive) return is_native(target);
  if (kind == Emission::kShared) return is_native(target) && target.format == ObjectFormat::kElf;
  if (kind == Emission::kAssembly) return is_native(target) || target.isa == Isa::kWasm;
  if (kind == Emission::kWasm) return target.isa == Isa::kWasm;
  return true;
}

std::string_view default_emissions(const Target& target) {
  if (target.isa == Isa::kWasm) return "wasm,manifest";
  return is_native(target) ? "object,header,manifest" : "c,header,manifest";
}

/// Collects the files of one library, kind by kind.
class LibraryWriter {
 public:
  LibraryWriter(std::span<const CompiledKernel> kernels, const Target& target, const EmitOptions& options)
      : kernels_(kernels), target_(target), options_(options) {}

  Result<std::vector<OutputFile>> run() {
    if (Status s = check_library_name(options_.library); !s) return std::move(s).error();
    for (const Emission kind : options_.kinds) {
      if (kind == Emission::kManifest) continue;
      if (Status s = write(kind); !s) return std::move(s).error();
    }
    if (options_.kinds.contains(Emission::kManifest))
      if (Status s = add(write_manifest(manifest())); !s) return std::move(s).error();
    return std::move(files_);
  }

 private:
  Status add(Result<OutputFile> file) {
    if (!file) return std::move(file).error();
    files_.push_back(*std::move(file));
    return {};
  }
  Status add(std::string name, Result<std::string> contents) {
    if (!contents) return std::move(contents).error();
    files_.push_back({std::move(name), *std::move(contents)});
    return {};
  }

  Status write(Emission kind) {
    switch (kind) {
      case Emission::kObject:
        return add(options_.library + ".o", object());
      case Emission::kArchive:
        return archive();
      case Emission::kShared:
        return shared();
      case Emission::kAssembly:
        return add(options_.library + ".s", assembly());
      case Emission::kC:
        return c_sources();
      case Emission::kHeader:
        return header();
      case Emission::kWasm:
        return add(options_.library + ".wasm", module());
      case Emission::kProgram:
        return programs();
      case Emission::kManifest:
        break;
    }
    return {};
  }

  Result<std::string> object() const {
    std::vector<KernelCode> codes;
    for (const CompiledKernel& k : kernels_) codes.push_back(k.code);
    return write_object(codes, target_);
  }
  Status archive() {
    auto bytes = object();
    if (!bytes) return std::move(bytes).error();
    const ArchiveMember members[] = {{"kernels.o", *std::move(bytes)}};
    return add(options_.library + ".a", make_archive(members, target_.format));
  }
  Status shared() {
    const auto bytes = object();
    if (!bytes) return bytes.error();
    std::vector<std::string> exports;
    for (const CompiledKernel& k : kernels_) exports.push_back(k.program->name);
    return add(options_.library + ".so", link_shared({&*bytes, 1}, exports, options_.library + ".so"));
  }
  Result<std::string> assembly() const { return target_.isa == Isa::kWasm ? module_assembly() : native_assembly(); }
  Result<std::string> native_assembly() const {
    std::string text;
    for (const CompiledKernel& k : kernels_) {
      auto listing = print_assembly(k.code, target_);
      if (!listing) return std::move(listing).error();
      text += *listing;
    }
    return text;
  }
  Result<std::string> module() const {
    std::vector<KernelProgram> programs;
    for (const CompiledKernel& k : kernels_) programs.push_back(*k.program);
    return write_wasm_module(programs);
  }
  Result<std::string> module_assembly() const {
    const auto bytes = module();
    if (!bytes) return bytes.error();
    return print_wasm_assembly(*bytes);
  }
  Status c_sources() {
    for (const CompiledKernel& k : kernels_) {
      CSourceOptions c;
      c.weights_in_side_file = options_.weights_in_side_file;
      c.banner = options_.banner;
      auto sources = write_c_source(*k.program, c);
      if (!sources) return std::move(sources).error();
      for (OutputFile& file : *sources) files_.push_back(std::move(file));
    }
    return options_.kinds.contains(Emission::kHeader) ? Status() : add(kernel_abi_header());
  }
  Status header() {
    std::vector<HeaderKernel> kernels;
    for (const CompiledKernel& k : kernels_)
      kernels.push_back({k.program.get(), k.input.spec.clamp, !k.input.spec.bias.empty()});
    if (Status s = add(write_header(options_.library, kernels, options_.banner)); !s) return s;
    return add(kernel_abi_header());
  }
  Status programs() {
    for (const CompiledKernel& k : kernels_) files_.push_back({k.program->name + ".program", print(*k.program)});
    return {};
  }

  /// The files that hold a kernel: its own, and those of the whole library.
  std::vector<std::string> files_of(const CompiledKernel& kernel) const {
    std::vector<std::string> names;
    for (const OutputFile& file : files_) {
      const bool own = file.name.starts_with(kernel.program->name + ".");
      const bool shared = file.name == options_.library + ".o" || file.name == options_.library + ".wasm" ||
                          file.name == options_.library + ".s" || file.name == options_.library + ".a" ||
                          file.name == options_.library + ".so" || file.name == options_.library + ".h";
      if (own || shared) names.push_back(file.name);
    }
    return names;
  }
  ManifestInput manifest() const {
    ManifestInput input{options_.library, target_, options_.banner, files_, {}};
    for (const CompiledKernel& k : kernels_) input.layers.push_back(manifest_layer(k, files_of(k)));
    return input;
  }

  std::span<const CompiledKernel> kernels_;
  const Target& target_;
  const EmitOptions& options_;
  std::vector<OutputFile> files_;
};

std::string reason(const CompiledKernel& k) {
  const KernelProgram& p = *k.program;
  const auto tiles = count_parts(k.input.spec.matrix, p.channel_order(), p.schedule);
  const Cost cost = predict(k.input.spec, p.target, p.schedule, tiles);
  return fmt::format(
      "{} with register tiles of {} output channels x {} vectors: {:.0f} cycles predicted, {:.0f} % of them "
      "multiply-adds, bound by {}",
      form_name(p.schedule), p.schedule.tile_rows, p.schedule.tile_vectors, cost.cycles(),
      100 * cost.fma / cost.cycles(), cost.bound_by());
}

}  // namespace

ManifestLayer manifest_layer(const CompiledKernel& kernel, std::vector<std::string> files) {
  ManifestLayer layer{.program = kernel.program.get(),
                      .source = kernel.input.source,
                      .reason = reason(kernel),
                      .clamp = kernel.input.spec.clamp,
                      .has_bias = !kernel.input.spec.bias.empty(),
                      .code_bytes = std::nullopt,
                      .files = std::move(files)};
  const SparseMatrix& matrix = kernel.input.spec.matrix;
  const Schedule& schedule = kernel.program->schedule;
  layer.sharing_before = nonzeros_per_input_load(matrix, {}, rows_that_share(schedule));
  layer.sharing_after = nonzeros_per_input_load(count_parts(matrix, kernel.program->channel_order(), schedule));
  if (is_native(kernel.program->target)) layer.code_bytes = kernel.code_bytes();
  return layer;
}

Result<std::set<Emission>> parse_emissions(std::string_view text, const Target& target) {
  std::set<Emission> kinds;
  if (text.empty()) text = default_emissions(target);
  while (true) {
    const size_t comma = text.find(',');
    const std::string_view name = text.substr(0, comma);
    const auto* found = std::find_if(std::begin(kNames), std::end(kNames), [&](auto& n) { return n.name == name; });
    if (found == std::end(kNames))
      return bad_input(
          "cannot emit '{}', known kinds are object, archive, shared, asm, c, header, wasm, manifest, program", name);
    if (!can_emit(found->kind, target)) return unsupported("target {} has no {} to emit", target.name, name);
    kinds.insert(found->kind);
    if (comma == std::string_view::npos) return kinds;
    text = text.substr(comma + 1);
  }
}

Result<std::vector<OutputFile>> emit_library(std::span<const CompiledKernel> kernels, const Target& target,
                                             const EmitOptions& options) {
  return LibraryWriter(kernels, target, options).run();
}

}  // namespace espalier
