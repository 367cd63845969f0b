// What a native backend makes of a kernel program, and what the object writer, the listing and the JIT consume.
#pragma once

#include <string>
#include <vector>

#include "ir/kernel_program.h"

namespace espalier {

/// Machine code of one kernel: one position-independent blob without relocations per chunk of the program, in order.
/// `program` must outlive it.
struct KernelCode {
  const KernelProgram* program = nullptr;
  std::vector<std::string> chunks;

  /// Of what is emitted: chunks of equal code count once.
  size_t code_bytes() const;
};

}  // namespace espalier
