#include "codegen/network/emit_network.h"

#include "backends/c_source/c_source.h"
#include "backends/c_source/manifest.h"
#include "backends/link/link_objects.h"
#include "backends/mc/object_writer.h"
#include "backends/network/network_header.h"
#include "backends/network/network_object.h"
#include "backends/network/network_source.h"
#include "backends/network/wasm_network.h"
#include "backends/text_template.h"

namespace espalier {
namespace {

/// Collects the files of one network.
class NetworkWriter {
 public:
  NetworkWriter(const CompiledNetwork& network, const EmitOptions& options)
      : network_(network), program_(network.program), options_(options) {}

  Result<std::vector<OutputFile>> run() {
    for (const Emission kind : options_.kinds)
      if (Status s = write(kind); !s) return std::move(s).error();
    if (options_.kinds.contains(Emission::kC) || options_.kinds.contains(Emission::kHeader))
      if (Status s = add_abi_headers(); !s) return std::move(s).error();
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
  Status add(std::string_view ending, Result<std::string> contents) {
    if (!contents) return std::move(contents).error();
    files_.push_back({options_.library + std::string(ending), *std::move(contents)});
    return {};
  }

  Status write(Emission kind) {
    switch (kind) {
      case Emission::kObject:
      case Emission::kArchive:
      case Emission::kShared:
        return linked(kind);
      case Emission::kWasm:
        return add(".wasm", write_wasm_network(program_));
      case Emission::kC:
        return c_sources();
      case Emission::kHeader:
        return add(write_network_header(options_.library, program_, options_.banner));
      case Emission::kProgram:
        return programs();
      case Emission::kAssembly:
      case Emission::kManifest:
        break;
    }
    return {};
  }

  /// The kernels' object and that of everything else, made into one file.
  Status linked(Emission kind) {
    const auto objects = network_objects(network_);
    if (!objects) return objects.error();
    const std::string exports[] = {program_.name};
    if (kind == Emission::kShared) return add(".so", link_shared(*objects, exports, options_.library + ".so"));
    if (kind == Emission::kArchive) {
      std::vector<ArchiveMember> members;
      for (const std::string& object : *objects)
        members.push_back({members.empty() ? "kernels.o" : "network.o", object});
      return add(".a", make_archive(members, program_.target.format));
    }
    if (objects->size() == 1) return add(".o", objects->front());
    if (program_.target.format != ObjectFormat::kElf)
      return unsupported("target {} has no single object of a network to emit; emit a static library: --emit archive",
                         program_.target.name);
    return add(".o", link_relocatable(*objects, exports));
  }

  Status c_sources() {
    for (const CompiledKernel& k : network_.kernels) {
      CSourceOptions c;
      c.weights_in_side_file = options_.weights_in_side_file;
      c.banner = options_.banner;
      auto sources = write_c_source(*k.program, c);
      if (!sources) return std::move(sources).error();
      for (OutputFile& file : *sources) files_.push_back(std::move(file));
    }
    auto sources = write_network_source(options_.library, program_, options_.weights_in_side_file, options_.banner);
    if (!sources) return std::move(sources).error();
    for (OutputFile& file : *sources) files_.push_back(std::move(file));
    return {};
  }

  Status add_abi_headers() {
    if (Status s = add(kernel_abi_header()); !s) return s;
    return add(network_abi_header());
  }

  Status programs() {
    for (const CompiledKernel& k : network_.kernels)
      files_.push_back({k.program->name + ".program", print(*k.program)});
    for (const LoopProgram& loop : program_.loops) files_.push_back({loop.name + ".loops", print(loop)});
    return {};
  }

  ManifestInput manifest() const {
    ManifestInput input{options_.library, program_.target, options_.banner, files_, {}, &program_};
    for (const CompiledKernel& k : network_.kernels) {
      std::vector<std::string> files;
      for (const OutputFile& file : files_)
        if (file.name.starts_with(k.program->name + ".") || file.name.starts_with(options_.library + "."))
          files.push_back(file.name);
      input.layers.push_back(manifest_layer(k, std::move(files)));
    }
    return input;
  }

  const CompiledNetwork& network_;
  const NetworkProgram& program_;
  const EmitOptions& options_;
  std::vector<OutputFile> files_;
};

}  // namespace

Result<std::vector<std::string>> network_objects(const CompiledNetwork& network) {
  std::vector<std::string> objects;
  if (!network.kernels.empty()) {
    auto kernels = write_object(codes_of(network), network.program.target);
    if (!kernels) return std::move(kernels).error();
    objects.push_back(*std::move(kernels));
  }
  auto rest = write_network_object(network.program);
  if (!rest) return std::move(rest).error();
  objects.push_back(*std::move(rest));
  return objects;
}

Result<std::vector<OutputFile>> emit_network(const CompiledNetwork& network, const EmitOptions& options) {
  return NetworkWriter(network, options).run();
}

}  // namespace espalier
