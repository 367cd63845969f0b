// Parts that emitted C files share.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/output_file.h"
#include "ir/error.h"

namespace espalier {

/// A preamble (a template) with `name` for its @NAME@, but without the helpers that `body` does not mention, since
/// compilers warn about unused ones.
Result<std::string> used_preamble(std::string_view text_template, std::string_view body, std::string_view name);

/// `static const float NAME_weights[...] = {...};`, hexadecimal; one zero where there are none, since C has no empty
/// arrays.
std::string weights_array(std::string_view name, std::span<const float> values);

/// The same array, defined elsewhere: by the first of weights_side_files.
std::string weights_declaration(std::string_view name, size_t count);

/// NAME.weights.S, which hands NAME.weights.bin to the assembler, and NAME.weights.bin (fp32, little-endian).
Result<std::vector<OutputFile>> weights_side_files(std::string_view name, std::span<const float> values,
                                                   const Banner& banner);

}  // namespace espalier
