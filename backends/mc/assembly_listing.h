// Assembly listings of compiled kernels, for people.
#pragma once

#include <string>

#include "backends/mc/kernel_code.h"
#include "ir/error.h"
#include "ir/target.h"

namespace espalier {

/// One labelled block per chunk, `NAME.chunk.i:  # rows a..b, non-zeros, bytes`, then one line per instruction with its
/// byte offset from the label. Errors: kUnsupported when this LLVM lacks the target.
Result<std::string> print_assembly(const KernelCode& code, const Target& target);

}  // namespace espalier
