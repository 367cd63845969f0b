// How a kernel is to be computed, as a user can print it and set it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ir/error.h"

namespace espalier {

enum class CodeForm : uint8_t { kUnrolled };

/// The free choices of one kernel. 0 means "let the compiler choose"; a schedule printed after compilation has none
/// left.
///
/// Text: `unrolled:rows=8,vectors=3,k=128,chunk=768,pixels=512,prefetch=1`; every field but the form is optional.
/// No choice changes an output bit: every output is summed over ascending input channels.
struct Schedule {
  CodeForm form = CodeForm::kUnrolled;
  uint32_t tile_rows = 0;       ///< output channels held in registers at once
  uint32_t tile_vectors = 0;    ///< pixel vectors held in registers at once
  uint32_t k_block = 0;         ///< input channels per chunk
  uint32_t chunk_nonzeros = 0;  ///< bound on non-zeros in one chunk of code (one function)
  uint32_t pixel_block = 0;     ///< pixels that all chunks pass over before the next pixels (elements)
  int32_t prefetch = -1;        ///< 1: fetch the next pixel block into L2 ahead; 0: do not; -1: the compiler chooses

  bool operator==(const Schedule&) const = default;
};

/// The text form above, with all fields that are not 0 (or -1).
std::string to_string(const Schedule& schedule);

/// Parses the text form. Errors (kBadInput): unknown form or field, a value that is no number in 1..2^31-1, a field
/// twice.
Result<Schedule> parse_schedule(std::string_view text);

}  // namespace espalier
