// Text formats for sparse matrices: Matrix Market (.mtx) and the Deep Learning Matrix Collection's .smtx.
#pragma once

#include "ir/import/bytes.h"
#include "ir/import/named_matrix.h"

namespace espalier {

/// Matrix Market: coordinate (real, integer, pattern) and array (real, integer); general, symmetric and skew-symmetric.
/// Symmetric files hold the lower triangle. Values of pattern files are seeded; a mirrored entry has the same one.
/// Entries of one place are summed. Errors: kBadInput with the line; kUnsupported for complex and hermitian; kLimit.
/// Source: Boisvert, Pozo, Remington, "The Matrix Market exchange formats" (NISTIR 5935, 1996).
Result<NamedMatrix> parse_mtx(std::string_view file_name, Bytes bytes, uint64_t seed = 1);

/// DLMC: line 1 `rows, columns, nonzeros`, line 2 rows + 1 row offsets, line 3 the column indices; values are seeded in
/// that order. Errors: kBadInput with the line; kLimit. Source: Gale, Zaharia, Young, Elsen, "Sparse GPU kernels for
/// deep learning" (2020), the collection's README.
Result<NamedMatrix> parse_smtx(std::string_view file_name, Bytes bytes, uint64_t seed = 1);

}  // namespace espalier
