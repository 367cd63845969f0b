// LoopPrograms as LLVM IR, and LLVM IR as objects.
#pragma once

#include <string>

#include "ir/loop/loop_program.h"

namespace llvm {
class Function;
class Module;
}  // namespace llvm

namespace espalier::loops {

/// Sets the module's triple and data layout; before any function is added. Errors: kUnsupported for a target that LLVM
/// has no code for (C, or one that this LLVM was built without).
Status prepare_module(llvm::Module& module, const Target& target);

/// Adds the function of a verified program to a prepared module: external, named as the program, with the signature of
/// loop_program.h. Calls nothing; no-alias but for x0 and y of a program in place. On WebAssembly, integer registers
/// are 32 bits. Errors: kUnsupported as above; kLimit for a buffer that 32 bits do not address there; kBadInput for a
/// second function of one name.
Result<llvm::Function*> lower_loop_program(const LoopProgram& program, llvm::Module& module);

/// Optimises the module and compiles it to an object (ELF, Mach-O, WebAssembly; position independent). Deterministic.
/// Threads: several at once if each module has its own context. Errors: kInternal where the module does not verify or
/// the code needs a function or symbol that the module does not have, unless `may_import` (modules that call kernels).
Result<std::string> compile_module(llvm::Module& module, const Target& target, bool may_import = false);

}  // namespace espalier::loops
