// How each micro-operation is written in C for one vector ISA.
#pragma once

#include <array>
#include <string_view>

#include "ir/kernel_program.h"

namespace espalier {

/// C expressions for one VectorIsa. In a pattern, `$` and a letter stand for an operand:
///   $d $a $b  vector registers    $l  lane                       $m  mask of the lanes touched
///   $p        pointer             $e  the element it points at   $n  number of lanes touched
/// An operation that writes d is an expression for its new value, any other a statement; empty means "write nothing",
/// which only a hint may be.
struct Dialect {
  struct Narrow {
    Op op;
    uint8_t lanes;  ///< exactly these lanes, or 0 for every count that has no entry of its own
    std::string_view pattern;
  };
  static constexpr size_t kMaxNarrow = 8;

  std::string_view isa;                ///< VectorIsa::name
  std::string_view type;               ///< of a vector register
  std::string_view mask_type = {};     ///< of a mask; empty without masks
  std::string_view flags;              ///< what the C compiler has to be told
  std::string_view preamble;           ///< template with guard, includes and helpers
  std::string_view load_weights = {};  ///< four weights into every 128-bit part, where a full vector is wider than that
  std::array<std::string_view, kOpCount> full;  ///< by Op, for full vectors
  std::array<Narrow, kMaxNarrow> narrow = {};   ///< for fewer lanes

  /// The pattern of an operation. Errors: kInternal for one that this ISA does not have.
  Result<std::string_view> pattern(const MicroOp& op, uint32_t vector_lanes) const;
};

/// The dialect of a vector ISA. Errors: kUnsupported with the ISA's name.
Result<const Dialect*> find_dialect(std::string_view isa);

}  // namespace espalier
