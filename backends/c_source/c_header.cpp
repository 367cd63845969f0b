#include "backends/c_source/c_header.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "backends/c_source/header_text.h"
#include "backends/text_template.h"
#include "espalier/kernel_abi.h"
#include "espalier/runtime.h"

namespace espalier {
namespace {

/// Where the channels of a buffer stand, for a comment.
std::string layout(char buffer, char row, uint32_t channels, uint32_t stride, uint32_t panel) {
  if (panel == 0) return fmt::format("row {0} at {1} + {0} * {2}", row, buffer, stride);
  return fmt::format("in panels of {0} pixels: row {1} of pixel p at {2} + p / {0} * {3} + {1} * {0} + p % {0}", panel,
                     row, buffer, uint64_t{channels} * panel);
}

/// A line for those who have to know; most kernels have none.
std::string output_order_note(const KernelProgram& p) {
  if (p.output_order.empty()) return {};
  return fmt::format("\n * Order    row m of Y is output channel {}.output_order[m]", p.name);
}

std::string formula(const HeaderKernel& kernel) {
  const std::string sum =
      fmt::format("{}sum over k ascending of W[m, k] * X[k, p]", kernel.has_bias ? "bias[m] + " : "");
  const Clamp& c = kernel.clamp;
  if (c.has_low() && c.has_high()) return fmt::format("Y[m, p] = min(max({}, {}), {})", sum, c.low, c.high);
  if (c.has_low()) return fmt::format("Y[m, p] = max({}, {})", sum, c.low);
  if (c.has_high()) return fmt::format("Y[m, p] = min({}, {})", sum, c.high);
  return "Y[m, p] = " + sum;
}

bool multiplies_zeros(const Schedule& s) {
  return s.form == CodeForm::kDense ||
         std::any_of(s.parts.begin(), s.parts.end(), [](auto& part) { return part.form == CodeForm::kDense; });
}

std::string values(const Clamp& c, const Schedule& schedule) {
  if (c.has_low() && c.has_high())
    return fmt::format("X any; Y in [{}, {}], where NaN becomes {}", c.low, c.high, c.low);
  if (c.has_low()) return fmt::format("X any; Y at least {}, which NaN becomes", c.low);
  if (c.has_high()) return fmt::format("X any; Y at most {}, which NaN becomes", c.high);
  return fmt::format("X any; Y unbounded, NaN and infinities propagate from inputs that a {} multiplies",
                     multiplies_zeros(schedule) ? "weight, maybe a zero," : "non-zero");
}

Result<std::string> kernel_text(const HeaderKernel& kernel) {
  const KernelProgram& p = *kernel.program;
  const uint32_t pixels = p.max_pixels();
  const std::string macro = macro_name(p.name);
  return fill_template(
      "header/kernel.h.in",
      {{"NAME", p.name},
       {"MACRO", macro},
       {"FORMULA", formula(kernel)},
       {"BIAS_NOTE", kernel.has_bias ? ", like the bias" : "; no bias"},
       {"NONZEROS", std::to_string(p.nonzeros)},
       {"OUTPUT_CHANNELS", std::to_string(p.output_channels)},
       {"INPUT_CHANNELS", std::to_string(p.input_channels)},
       {"INPUT_LAYOUT", layout('x', 'k', p.input_channels, p.input_stride, p.input_panel)},
       {"OUTPUT_LAYOUT", layout('y', 'm', p.output_channels, p.output_stride, p.output_panel)},
       {"ORDER", output_order_note(p)},
       {"BETWEEN", p.output_panel ? "padding of the last panel may be written" : "between rows, y is left alone"},
       {"INPUT_STRIDE", std::to_string(p.input_stride)},
       {"OUTPUT_STRIDE", std::to_string(p.output_stride)},
       {"MAX_PIXELS", std::to_string(pixels)},
       {"PIXEL_RULE", p.pixels ? fmt::format("always {}", pixels) : fmt::format("1..{}, chosen at each call", pixels)},
       {"INPUT_ELEMENTS",
        std::to_string(espalier_buffer_elements(p.input_channels, pixels, p.input_stride, p.input_panel))},
       {"OUTPUT_ELEMENTS",
        std::to_string(espalier_buffer_elements(p.output_channels, pixels, p.output_stride, p.output_panel))},
       {"VALUES", values(kernel.clamp, p.schedule)},
       {"NEEDS", needed_features(p.target.vector->features)},
       {"ITEMS",
        fmt::format("{} row groups x blocks of {} pixels as independent work items", p.groups.size(), p.pixel_block)},
       {"PIXELS_PARAMETER", p.pixels ? "" : ", size_t pixels"},
       {"PIXELS_ARGUMENT", p.pixels ? macro + "_MAX_PIXELS" : "pixels"}});
}

/// Kernel NAME has the function NAME_run, which must not be another kernel.
Status check_functions(std::string_view library, std::span<const HeaderKernel> kernels) {
  std::set<std::string_view> names;
  for (const HeaderKernel& kernel : kernels) names.insert(kernel.program->name);
  for (const std::string_view name : names)
    if (const std::string function = fmt::format("{}_run", name); names.contains(function))
      return bad_input("header {}.h: kernel {} and the function of kernel {} would share a name", library, function,
                       name);
  return {};
}

Status check_names(std::string_view library, std::span<const HeaderKernel> kernels) {
  if (Status s = check_library_name(library); !s) return s;
  std::map<std::string, std::string_view> seen;
  for (const HeaderKernel& kernel : kernels) {
    const auto [other, inserted] = seen.emplace(macro_name(kernel.program->name), kernel.program->name);
    if (!inserted)
      return bad_input("header {}.h: kernels {} and {} would share the macros {}_*", library, other->second,
                       kernel.program->name, other->first);
  }
  return check_functions(library, kernels);
}

}  // namespace

Status check_library_name(std::string_view library) {
  const bool plain = std::all_of(library.begin(), library.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '-' || c == '.';
  });
  if (library.empty() || !plain || library.front() == '.')
    return bad_input("library name '{}' must be made of letters, digits, '_', '-' and '.'", library);
  return {};
}

Result<OutputFile> write_header(std::string_view library, std::span<const HeaderKernel> kernels, const Banner& banner) {
  if (Status s = check_names(library, kernels); !s) return std::move(s).error();
  std::string texts;
  for (const HeaderKernel& kernel : kernels) {
    auto text = kernel_text(kernel);
    if (!text) return std::move(text).error();
    texts += *text;
  }
  auto text =
      fill_template("header/library.h.in", {{"BANNER", banner_comment(banner)},
                                            {"LIBRARY", library},
                                            {"GUARD", fmt::format("ESPALIER_KERNELS_{}_H", macro_name(library))},
                                            {"ABI_VERSION", std::to_string(ESPALIER_ABI_VERSION)},
                                            {"KERNELS", texts}});
  if (!text) return std::move(text).error();
  return OutputFile{fmt::format("{}.h", library), std::move(*text)};
}

}  // namespace espalier
