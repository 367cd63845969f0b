// manifest.json: the one description of what was emitted, which typings, reports, tests and tools read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backends/output_file.h"
#include "ir/kernel_program.h"
#include "ir/network_program/network_program.h"

namespace espalier {

/// What the manifest says about a kernel beyond its program.
struct ManifestLayer {
  const KernelProgram* program = nullptr;
  std::string source;  ///< where the matrix came from, e.g. "model.tflite: conv2d_17"; may be empty
  std::string reason;  ///< why this form and schedule, a sentence for a person; may be empty
  Clamp clamp;
  bool has_bias = false;
  std::optional<uint64_t> code_bytes;  ///< machine code; absent where Espalier emitted none (C source)
  std::vector<std::string> files;      ///< names of the files that hold this kernel
  double sharing_before = 1;           ///< non-zeros per input load in the matrix's own order of rows
  double sharing_after = 1;            ///< the same as compiled
};

struct ManifestInput {
  std::string library;
  Target target;
  Banner banner;                  ///< generator version, input and its hash, command line
  std::vector<OutputFile> files;  ///< everything emitted but the manifest itself; names, sizes and hashes are listed
  std::vector<ManifestLayer> layers;
  const NetworkProgram* network = nullptr;  ///< where the kernels are those of a network
};

/// manifest.json, as templates/manifest.schema.json describes it. A function of its input alone: no time, no machine,
/// fixed order of keys. Numbers are integers; clamp bounds are numbers, null where there is none.
/// Texts that are not UTF-8 get U+FFFD for their bad bytes.
Result<OutputFile> write_manifest(const ManifestInput& input);

/// manifest.schema.json, to lie beside a manifest.
Result<OutputFile> manifest_schema();

}  // namespace espalier
