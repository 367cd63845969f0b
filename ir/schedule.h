// How a kernel is to be computed, as a user can print it and set it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ir/error.h"

namespace espalier {

/// How the code of a kernel is organised (docs/forms.md). Forms differ in speed and size; `nano` sums in an order of
/// its own, and `dense` multiplies by zeros too (which changes sums of infinities and NaN only).
enum class CodeForm : uint8_t {
  kChosen,    ///< let the compiler choose
  kUnrolled,  ///< straight code for every non-zero
  kNano,      ///< row tiles with one counted loop per pattern of rows that share a column
  kLoop,      ///< one row, or a few with a column each in every turn; one counted loop over their non-zeros
  kDense,     ///< row tiles with a counted loop over all input channels
};

/// Whether loops over non-zeros point to the rows of the input.
constexpr bool has_pointers(CodeForm form) { return form == CodeForm::kLoop || form == CodeForm::kNano; }

/// Rows that take another form than the rest of the kernel, and its tiles. 0 means "let the compiler choose".
struct SchedulePart {
  CodeForm form = CodeForm::kDense;  ///< kDense takes full rows, kNano those whose columns are equal to other rows'
  uint32_t least = 0;  ///< dense: percent of a row that are non-zeros, at least; nano takes whole tiles of equal rows
  uint32_t tile_rows = 0, tile_vectors = 0, k_block = 0, chunk_nonzeros = 0;  ///< as of a Schedule

  bool operator==(const SchedulePart&) const = default;
};

/// What is fetched before it is used: nothing, the next pixel block (into L2), or, by loops over non-zeros, the rows of
/// their own pixel tile, all at once before the first is used, so that their misses overlap.
enum class Prefetch : int32_t { kNone, kNext, kOwn };

/// The free choices of one kernel. 0 (or -1) means "let the compiler choose"; a schedule printed after compilation has
/// none left.
///
/// Text: `unrolled:rows=8,vectors=3,k=128,chunk=768,pixels=512,prefetch=1,cluster=1,tail=0`; `auto` is the form left
/// open, and every field is optional. Parts follow the whole, each with what it takes:
/// `unrolled:rows=8,vectors=3,pixels=512+dense:least=60,rows=8,vectors=2`. Sums: unrolled, loop and dense add ascending
/// input channels. nano adds, K block by K block, the columns that more rows share first (by pattern: most rows first,
/// then the lower pattern number, bit r for row r of the tile), ascending within a pattern.
struct Schedule {
  CodeForm form = CodeForm::kChosen;
  uint32_t tile_rows = 0;       ///< output channels held in registers at once
  uint32_t tile_vectors = 0;    ///< pixel vectors held in registers at once
  uint32_t k_block = 0;         ///< input channels per chunk
  uint32_t chunk_nonzeros = 0;  ///< bound on non-zeros in one chunk of code (one function)
  uint32_t pixel_block = 0;     ///< pixels that all chunks pass over before the next pixels (elements)
  int32_t prefetch = -1;        ///< -1: the compiler chooses; the others are Prefetch
  int32_t cluster = -1;         ///< 1: put rows with like columns into one tile; 0: keep their order; -1: chosen
  int32_t tail = -1;  ///< unrolled only. 1: loops compute the pixels that full tiles leave over; 0: more straight code
  std::vector<SchedulePart> parts = {};  ///< a row goes to the first part that takes it, or to none

  bool fetches(Prefetch what) const { return prefetch == static_cast<int32_t>(what); }
  bool operator==(const Schedule&) const = default;
};

/// "auto", "unrolled", "nano", "loop", "dense".
std::string_view form_name(CodeForm form);
/// The form, or "mixed".
std::string_view form_name(const Schedule& schedule);

/// A part as a schedule of its own, with the fields that belong to the whole; with `part` == parts.size() the rest.
Schedule schedule_of_part(const Schedule& schedule, size_t part);
/// Whether every output is the sum over ascending input channels.
bool sums_in_order(const Schedule& schedule);

/// The text form above, with all fields that are not 0 (or -1); "auto" for the open form.
std::string to_string(const Schedule& schedule);

/// Parses the text form. Errors (kBadInput): unknown form or field, a value that is no number in 1..2^31-1, a field
/// twice, tail of another form than unrolled, a part that is neither dense nor nano or there twice.
Result<Schedule> parse_schedule(std::string_view text);

}  // namespace espalier
