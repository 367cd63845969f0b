// Relocatable objects (ELF, Mach-O) of compiled kernels.
#pragma once

#include <span>
#include <string>

#include "backends/mc/kernel_code.h"
#include "ir/error.h"
#include "ir/target.h"

namespace espalier {

/// Writes one object with, per kernel NAME (Mach-O puts an underscore in front of every symbol):
///
///   NAME          global, an espalier_kernel (espalier/kernel_abi.h)       .data.rel.ro.NAME  __DATA,__const
///   NAME.chunks   local, its espalier_chunk[chunk_count]                   .data.rel.ro.NAME  __DATA,__const
///   NAME.chunk.i  local function, the code of chunk i, 64-byte aligned     .text.NAME         __TEXT,__text
///   NAME.weights  local, float[weights_count], 64-byte aligned             .rodata.NAME       __TEXT,__const
///   NAME.groups   local, espalier_row_group[group_count], 64-byte aligned  .rodata.NAME       __TEXT,__const
///   NAME.name     local, zero-terminated                                   .rodata.NAME       __TEXT,__const
///
/// so a linker that drops what nothing refers to (--gc-sections, -dead_strip) keeps the kernels in use only.
///
/// The only relocations are the pointers of the first two, so the object links into position-dependent and
/// position-independent programs and into shared objects alike. Equal input gives equal bytes.
///
/// Errors: kBadInput when two kernels have one name; kUnsupported for a target without native objects, or that this
/// LLVM lacks; kInternal when a kernel's code does not match its program.
Result<std::string> write_object(std::span<const KernelCode> kernels, const Target& target);

}  // namespace espalier
