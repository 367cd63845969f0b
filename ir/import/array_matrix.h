// Dense arrays of .npy and .npz files as weight matrices.
#pragma once

#include "ir/import/named_matrix.h"
#include "ir/import/npz.h"

namespace espalier {

/// The weight arrays of a plain (not scipy) .npz file, or of one .npy file.
///
/// Which arrays are matrices W[output, input]:
///   2 dimensions            [output, input], as PyTorch and JAX exports have it;
///   4 dimensions, two of 1  [1, 1, input, output] (TensorFlow), [output, input, 1, 1] (PyTorch) or
///                           [output, 1, 1, input] (TFLite); the first of these that fits.
/// A 1-dimensional array `<name>_bias`, `<name>.bias` or `<name>/bias` (a final `_kernel`, `_weight`, `_weights`,
/// `.weight`,
/// `/kernel` of the name left out, too) is the bias. Where 2 dimensions come with a bias whose length is the second and
/// not the first, they are [input, output] (Keras). `transpose` overrides all of this for 2 dimensions, and means [1,
/// 1, output, input] and so on for 4. Errors (kBadInput) on decoding: a bias of another length, values not finite.
Result<std::vector<WeightSource>> array_sources(std::vector<NpzMember> members, const ImportOptions& options);

/// One matrix out of scipy.sparse.save_npz's keys: format (csr, csc, coo, bsr), shape, data, and indices + indptr or
/// row + col. Duplicate places are summed, indices may be unsorted, as scipy has it. Errors: kBadInput for missing
/// keys, wrong lengths, offsets and indices; kUnsupported for dia and other formats. Source:
/// scipy/sparse/_matrix_io.py.
Result<std::vector<WeightSource>> scipy_sources(std::string name, std::vector<NpzMember> members);

/// Whether these are scipy.sparse.save_npz's keys.
bool is_scipy(std::span<const NpzMember> members);

}  // namespace espalier
