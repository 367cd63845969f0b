// A kernel as C99 that compiles anywhere without Espalier.
#pragma once

#include <vector>

#include "backends/output_file.h"
#include "ir/kernel_program.h"

namespace espalier {

struct CSourceOptions {
  /// The weights in NAME.weights.bin (little-endian fp32), which NAME.weights.S hands to the assembler, instead of as
  /// hex floats in the C file: for large kernels, whose weights take a C compiler longer than their code.
  bool weights_in_side_file = false;
  /// Micro-operations at which a tile's body is cut into functions (see split_tile); no output bit depends on it.
  /// Longer functions compile slower, and worse: of a 128x128 layer at 90 % zeros with 9,822 FMAs and prefetches, gcc
  /// 12 for AVX2 made 18,446 stack accesses in parts of 1500 (it keeps the addresses of prefetches) and none in parts
  /// of 400.
  size_t part_limit = 400;
  Banner banner;
};

/// C99 for one verified program: NAME.c, and with weights_in_side_file NAME.weights.S and NAME.weights.bin. The C file
/// defines `const espalier_kernel NAME` (runtime/include/espalier/kernel_abi.h) with static chunk functions, includes
/// only that header and the ISA's intrinsics, calls nothing and allocates nothing:
///
///     cc -std=c99 -O2 -I DIR -c DIR/NAME.c           (DIR also holds espalier/kernel_abi.h: kernel_abi_header())
///
/// Written with intrinsics of the program's vector ISA, or for "portable" with GNU vectors where the compiler has them
/// and loops where not. Computes the bits of interpret(), but for the sign of zeros that a clamp at 0 yields, unless
/// the C compiler is told to be inexact (-ffast-math, clang's -ffp-contract=fast). Errors: kUnsupported for a vector
/// ISA without a dialect; kInternal for a program that would not verify (operation that the ISA does not have, stream
/// value that is not a number).
Result<std::vector<OutputFile>> write_c_source(const KernelProgram& program, const CSourceOptions& options = {});

}  // namespace espalier
