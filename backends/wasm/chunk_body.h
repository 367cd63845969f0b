// One chunk of a kernel program as a WebAssembly function body.
#pragma once

#include "backends/wasm/code_writer.h"
#include "ir/kernel_program.h"

namespace espalier::wasm {

/// Writes the body of `void chunk(i32 x, i32 y, i32 w, i32 pixels, i32 i)`, local declarations included, into the
/// cleared writer. Vector registers become v128 locals, every address a local plus a constant offset, cursors, pointers
/// and counters of rolled tiles i32 locals. Errors (kInternal): an operation that the target lacks, named with its tile
/// and place.
Status write_chunk_body(const KernelProgram& program, const Chunk& chunk, CodeWriter& code);

}  // namespace espalier::wasm
