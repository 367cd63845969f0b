// Texts from templates/, embedded at build time, and the substitution that fills them in.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "backends/output_file.h"
#include "ir/error.h"

namespace espalier {

/// The text of templates/`name` (or of the ABI headers, as "kernel_abi.h" and "network_abi.h").
/// Errors: kInternal when no such text was embedded.
Result<std::string_view> embedded_text(std::string_view name);

/// One `@KEY@` and what stands for it.
struct Substitution {
  std::string_view key;  ///< capitals, digits and underscores, without the @ signs
  std::string_view value;
};

/// `text` with every `@KEY@` replaced, in one pass: values are not searched again. An `@` that starts no `@KEY@` stays.
/// Errors: kInternal naming a key that has no value.
Result<std::string> substitute(std::string_view text, std::initializer_list<Substitution> substitutions);

/// embedded_text, then substitute; errors name the template.
Result<std::string> fill_template(std::string_view name, std::initializer_list<Substitution> substitutions);

/// A preamble without the helpers nobody calls, since compilers warn about them. A block from a line `//? name name...`
/// to a line `//.` stays if `body` mentions one of the names; both marks go.
std::string used_helpers(std::string_view preamble, std::string_view body);

/// A C comment (with newline) that says what made a file and from what. Texts of the user's cannot end the comment.
std::string banner_comment(const Banner& banner);

/// `espalier/kernel_abi.h`, byte for byte the one this build was made with; emitted C and headers include it.
Result<OutputFile> kernel_abi_header();
/// `espalier/network_abi.h`, the same for networks.
Result<OutputFile> network_abi_header();

}  // namespace espalier
