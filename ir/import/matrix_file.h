// Weight matrices out of any file that Espalier reads.
#pragma once

#include "ir/import/bytes.h"
#include "ir/import/named_matrix.h"

namespace espalier {

/// Reads every matrix (or the selected one) of a .npy, .npz (plain or scipy.sparse), .mtx, .smtx or .tflite file. The
/// format is told by the first bytes, and by the file name's ending where these say nothing. Zeros stored in dense
/// weights are zeros.
///
/// Files are untrusted: every size is checked before memory is asked for, and nothing in them is executed.
/// Errors: kBadInput, kUnsupported and kLimit of the format's reader; kBadInput for an unknown format, a file without
/// any matrix and a selection that nothing or several things match; kSystem. Every message starts with the file's name.
Result<std::vector<NamedMatrix>> read_matrices(const std::filesystem::path& path, const ImportOptions& options = {});

/// read_matrices of bytes in memory.
Result<std::vector<NamedMatrix>> parse_matrices(std::string_view file_name, Bytes bytes,
                                                const ImportOptions& options = {});

/// One line per weight array, also of those that are no matrices (depthwise and larger convolutions).
Result<std::vector<WeightListing>> list_weights(const std::filesystem::path& path);
Result<std::vector<WeightListing>> parse_weight_list(std::string_view file_name, Bytes bytes);

/// A C identifier for a name: characters other than letters, digits and '_' become '_' (runs become one), a leading
/// digit and a name reserved in C or C++ (ir/c_names.h) get `m_` in front, at most 96 characters stay, and nothing left
/// becomes "matrix".
std::string c_identifier(std::string_view name);

/// One distinct C identifier per name: c_identifier, with _2, _3, ... on later ones that would repeat, also with `_run`
/// behind, the name of a kernel's function in C.
std::vector<std::string> c_identifiers(std::span<const std::string> names);

}  // namespace espalier
