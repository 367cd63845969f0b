// The Python dictionary at the head of a .npy file.
#pragma once

#include "ir/import/npy.h"

namespace espalier {

struct NpyHeader {
  std::string descr;  ///< e.g. `<f4`
  bool fortran_order = false;
  std::vector<uint64_t> shape;
};

/// Parses `{'descr': '<f4', 'fortran_order': False, 'shape': (64, 32), }`: the three keys in any order, each once.
/// Nothing is evaluated. Errors: kBadInput with the byte of the header where it goes wrong; kUnsupported for a
/// structured descr.
Result<NpyHeader> parse_npy_header(std::string_view text);

}  // namespace espalier
