// The C header of a library of kernels, whatever form the kernels were emitted in.
#pragma once

#include <span>
#include <string_view>

#include "backends/output_file.h"
#include "ir/kernel_program.h"

namespace espalier {

/// Errors (kBadInput): a name that is no file name made of letters, digits, `_`, `-` and `.`, or that begins with `.`.
Status check_library_name(std::string_view library);

/// What the header says about a kernel beyond its program.
struct HeaderKernel {
  const KernelProgram* program = nullptr;
  Clamp clamp;
  bool has_bias = false;
};

/// LIBRARY.h, for C99 and C++: per kernel a comment (formula, shapes, strides, units, pixel counts, value range,
/// alignment, CPU features, work items), macros NAME_OUTPUT_CHANNELS, NAME_INPUT_CHANNELS, NAME_INPUT_STRIDE,
/// NAME_OUTPUT_STRIDE, NAME_MAX_PIXELS, NAME_INPUT_ELEMENTS and NAME_OUTPUT_ELEMENTS (NAME in capitals; elements of the
/// buffers), the descriptor `extern const espalier_kernel NAME`, and `static inline void NAME_run(x, y)`, with a third
/// parameter `size_t pixels` where the pixel count is left to run time.
/// Errors (kBadInput): two kernels whose names differ in nothing but capitals, and those of
/// check_library_name.
Result<OutputFile> write_header(std::string_view library, std::span<const HeaderKernel> kernels, const Banner& banner);

}  // namespace espalier
