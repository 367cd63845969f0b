// LoopPrograms through LLVM IR: the one place where LLVM chooses instructions and registers.
#pragma once

#include <span>
#include <string>

#include "ir/loop/loop_program.h"

namespace llvm {
class Function;
class Module;
}  // namespace llvm

namespace espalier {

/// Adds the function of a verified program to a module, external, named program.name. Its parameters are those of
/// LoopProgram's comment; pointers do not alias, but x0 and y where the program is in_place. No operation may be fused,
/// reassociated or approximated: the function computes the interpreter's bits. Errors: kInternal for an operation that
/// the target lacks.
Result<llvm::Function*> lower_loop_program(const LoopProgram& program, llvm::Module& module);

/// Optimises lightly and writes an object (ELF, Mach-O or WebAssembly) that refers to no library. Position-independent
/// on native targets. Deterministic. May be called from several threads, each with a context of its own. Errors:
/// kUnsupported for a target that this LLVM lacks, kInternal with LLVM's words.
Result<std::string> compile_module(llvm::Module& module, const Target& target);

/// Both, for programs of one target whose names differ.
Result<std::string> write_loop_object(std::span<const LoopProgram> programs, const Target& target);

}  // namespace espalier
