// The files that a compiled library becomes.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>

#include "backends/c_source/manifest.h"
#include "backends/output_file.h"
#include "codegen/library/compile_library.h"

namespace espalier {

/// What can be written. Text names: object, archive, shared, asm, c, header, wasm, manifest, program.
enum class Emission : uint8_t { kObject, kArchive, kShared, kAssembly, kC, kHeader, kWasm, kManifest, kProgram };

/// Parses "object,header"; empty text gives the target's default: object (or wasm, or c), header and manifest.
/// Errors: kBadInput for an unknown name, kUnsupported for a kind that `target` has not.
Result<std::set<Emission>> parse_emissions(std::string_view text, const Target& target);

struct EmitOptions {
  std::string library;  ///< base name of the files
  std::set<Emission> kinds;
  bool weights_in_side_file = false;
  Banner banner;
};

/// The files, by the order of Emission and then of the kernels; the manifest last. Equal input gives equal bytes.
///   LIBRARY.o  LIBRARY.a  LIBRARY.so  LIBRARY.s  NAME.c  LIBRARY.h + espalier/kernel_abi.h  LIBRARY.wasm  NAME.program  manifest.json
/// Errors: those of check_library_name (backends/c_source/c_header.h) and of the writers.
Result<std::vector<OutputFile>> emit_library(std::span<const CompiledKernel> kernels, const Target& target,
                                             const EmitOptions& options);

/// What a manifest says about one kernel. `files` hold it.
ManifestLayer manifest_layer(const CompiledKernel& kernel, std::vector<std::string> files);

}  // namespace espalier
