#pragma once

#include "backends/mc/kernel_code.h"

namespace espalier {

/// Machine code for a program of a native target (x86-64, AArch64); `program` must outlive the result. Errors:
/// kUnsupported for targets without native code; those of the target's assembler.
Result<KernelCode> assemble(const KernelProgram& program);

}  // namespace espalier
