// The functions of a C file: chunks and the parts of their tiles.
#pragma once

#include <string>
#include <vector>

#include "backends/c_source/dialect.h"
#include "ir/kernel_program.h"

namespace espalier {

/// Appends the C of all chunks of a verified program to `out`: static functions `NAME_chunk_<c>` with the signature of
/// espalier_chunk_function, in order, each after the functions for its tiles' parts (see split_tile),
/// `NAME_chunk_<c>_tile_<t>_part_<p>`. `part_limit` is the number of micro-operations at which a straight tile's body is
/// cut; rolled tiles are small and stay whole. Chunks of equal loops share the first one's function; what is returned
/// says which chunk's function each chunk has. Errors: kInternal for an operation that the dialect does not have.
Result<std::vector<size_t>> write_chunks(const KernelProgram& program, const Dialect& dialect, size_t part_limit,
                                         std::string& out);

/// Appends a float as a C99 constant that reads back bit for bit: `0x1.8p+0f`, `-0.0f`, `(1.0f / 0.0f)`. Not for NaN.
void append_c_float(float value, std::string& out);

}  // namespace espalier
