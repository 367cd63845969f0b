// WebAssembly objects and modules from kernel programs.
#pragma once

#include <span>
#include <string>

#include "ir/kernel_program.h"

namespace espalier {

/// Bytes that V8, and so most engines in use, accept in one function body.
inline constexpr uint64_t kMaxWasmFunctionBytes = 7'654'321;
/// Bytes that V8 accepts in one module, and so the bound on all code and data together.
inline constexpr uint64_t kMaxWasmModuleBytes = uint64_t{1} << 30;

/// A relocatable WebAssembly object for wasm-ld, or for a program that clang compiles. It defines, per kernel NAME:
///
///     NAME(x, y, pixels)                              the whole call
///     NAME.items(x, y, pixels, first_item, last_item) work items [first_item, last_item) of the call
///     NAME.chunk.<i>(x, y, w, pixels, i)              one chunk (internal: see kernel_abi.h for order and ranges)
///
/// Units: x, y and w are byte addresses (i32) of fp32, i one of index entries, pixels a count of elements, items as in
/// kernel_abi.h. Layout, aliasing, alignment and over-read as in kernel_abi.h. Nothing is imported but the linear
/// memory; nothing is checked. Threads: functions have no state, so items may run in any order, also in several
/// instances. Arithmetic: f32x4.mul, then f32x4.add, for CPU `simd128`; f32x4.relaxed_madd for `relaxed`, whose
/// rounding is the engine's choice (one or two, but the same everywhere in one engine).
///
/// Requires verified programs. Deterministic: the same programs give the same bytes. May be called from several
/// threads. Errors: kInternal for a program made for another target or with operations that its ISA lacks; kBadInput
/// for two kernels of one name or a name that WebAssembly modules reserve; kLimit, with both values, for a buffer that
/// 32 bits do not address, a chunk or a call sequence above kMaxWasmFunctionBytes, and a module above
/// kMaxWasmModuleBytes.
Result<std::string> write_wasm_object(std::span<const KernelProgram> programs);

/// A complete module: that object linked by lld in this process, all functions exported, no imports. Also exports
/// `memory` (growable; holds weights and indices from its start) and the global `__heap_base`, the first free byte. A
/// custom section `espalier` holds a JSON description that runtime/js reads, so that the module needs no file beside
/// it:
///
///     {"abi_version": 3, "features": ["simd128"], "kernels": [{"name": ..., "output_channels": ..., ...}]}
///
/// lld reads and writes files: a private directory under the system's temporary directory, removed before the return.
/// Threads: calls wait for each other. Errors as above, and kSystem when that directory cannot be used.
Result<std::string> write_wasm_module(std::span<const KernelProgram> programs);

}  // namespace espalier
