// Objects with the functions of loop programs.
#pragma once

#include <span>
#include <string>

#include "ir/loop/loop_program.h"

namespace espalier {

/// Hidden functions are only for the objects that they will be linked with; the JIT does not find them by name.
enum class LoopVisibility { kDefault, kHidden };

/// A relocatable object for the target (ELF, Mach-O, WebAssembly) with one external function per program, named as the
/// program and with the signature of loop_program.h (WebAssembly: all parameters i32, byte addresses and counts). The
/// code is position independent, calls nothing, has no writable data, and computes the interpreter's bits; with relaxed
/// SIMD the engine chooses how products are rounded.
///
/// Requires verified programs made for `target`. Deterministic. May be called from several threads. Errors: kInternal
/// for a program made for another target; kUnsupported for C targets; kBadInput for two programs of one name; kLimit
/// for a buffer that 32 bits do not address on WebAssembly.
Result<std::string> write_loop_object(std::span<const LoopProgram> programs, const Target& target,
                                      LoopVisibility visibility = LoopVisibility::kDefault);

/// The same as assembly, for people and tests.
Result<std::string> write_loop_assembly(std::span<const LoopProgram> programs, const Target& target);

}  // namespace espalier
