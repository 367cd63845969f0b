// The functions around a kernel's chunks: which chunk runs on which pixels.
#pragma once

#include "backends/wasm/object_file.h"
#include "ir/kernel_program.h"

namespace espalier::wasm {

std::string chunk_symbol(const KernelProgram& program, size_t chunk);
std::string weights_symbol(const KernelProgram& program);
std::string indices_symbol(const KernelProgram& program);

/// Adds `NAME` and `NAME.items` (wasm_module.h) to the object: espalier_kernel_run and espalier_kernel_run_items of
/// kernel_abi.h for this kernel. Errors: kLimit when there are so many chunks that the calls could exceed a function.
Status write_call_sequence(const KernelProgram& program, CodeWriter& code, ObjectFile& object);

}  // namespace espalier::wasm
