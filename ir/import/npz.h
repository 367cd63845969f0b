// NumPy's .npz files: a zip archive of .npy arrays.
#pragma once

#include "ir/import/npy.h"

namespace espalier {

struct NpzMember {
  std::string name;  ///< the archive's name without `.npy`
  NpyArray array;
};

/// All arrays of an .npz file in the order of its directory. Members that do not end in `.npy` are no arrays and are
/// passed over. Errors: parse_zip's, unpack_zip_member's and parse_npy's, each with file and member in front.
Result<std::vector<NpzMember>> parse_npz(std::string_view file_name, Bytes bytes);

/// The member of that name, or null.
const NpyArray* find_member(std::span<const NpzMember> members, std::string_view name);

}  // namespace espalier
