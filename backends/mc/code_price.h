// What LLVM's machine-code analyser, the library behind llvm-mca, says of emitted code.
#pragma once

#include <optional>

#include "backends/mc/kernel_code.h"
#include "ir/error.h"
#include "ir/target.h"

namespace espalier {

/// Inner code of a kernel: the loop without loops inside that multiplies most, or of straight code the first few
/// thousand instructions.
struct CodePrice {
  double cycles = 0;        ///< of one turn, with everything in L1 and every branch foreseen
  double instructions = 0;  ///< of one turn
  double multiply_adds = 0;

  double cycles_per_multiply_add() const { return cycles / multiply_adds; }
};

/// Whether LLVM's scheduling model of the target's CPU (Cpu::llvm_name) describes it.
bool has_price(const Target& target);

/// Prices native code by that model; nothing where there is none (has_price), nothing is multiplied, or `nano` and
/// mixtures have many loops. About 1 ms for a loop, 20 for straight code. Errors: kUnsupported when this LLVM lacks the
/// target.
Result<std::optional<CodePrice>> price_inner_code(const KernelCode& code, const Target& target);

}  // namespace espalier
