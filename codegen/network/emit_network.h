// The files that a compiled network becomes.
#pragma once

#include "codegen/library/emit_library.h"
#include "codegen/network/compile_network.h"

namespace espalier {

/// The native objects that make up a network: of its kernels (if it has any), and of everything else with the
/// descriptor. Errors: those of write_object and write_network_object.
Result<std::vector<std::string>> network_objects(const CompiledNetwork& network);

/// The files: LIBRARY.o, LIBRARY.a, LIBRARY.so, LIBRARY.wasm, LIBRARY.c and one .c per kernel, LIBRARY.h with the ABI
/// headers, manifest.json. Equal input gives equal bytes.
Result<std::vector<OutputFile>> emit_network(const CompiledNetwork& network, const EmitOptions& options);

}  // namespace espalier
