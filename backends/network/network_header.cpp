#include "backends/network/network_header.h"

#include "backends/c_source/c_header.h"
#include "backends/c_source/header_text.h"
#include "backends/text_template.h"
#include "espalier/network_abi.h"

namespace espalier {
namespace {

/// Names come from the model; a comment must not end early.
std::string in_comment(std::string text) {
  for (size_t at = 0; (at = text.find("*/", at)) != std::string::npos;) text.replace(at, 2, "* /");
  return text;
}

std::string described(std::string_view role, const std::vector<NetworkValue>& values) {
  std::string lines;
  for (size_t i = 0; i < values.size(); ++i)
    lines += fmt::format(" *          {}{}  {}  {}\n", role, i, to_string(values[i].shape), in_comment(values[i].name));
  return lines;
}

std::string element_macros(const std::string& macro, std::string_view role, const std::vector<NetworkValue>& values) {
  std::string lines;
  for (size_t i = 0; i < values.size(); ++i)
    lines += fmt::format("#define {}_{}{}_ELEMENTS {}\n", macro, role, i, values[i].shape.elements());
  return lines;
}

std::string listed(std::string_view before, std::string_view role, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += fmt::format("{}{}{}{}", i == 0 ? "" : ", ", before, role, i);
  return text;
}

std::string parameters(const NetworkProgram& program) {
  std::string text;
  for (size_t i = 0; i < program.inputs.size(); ++i) text += fmt::format(", const float* input{}", i);
  for (size_t i = 0; i < program.outputs.size(); ++i) text += fmt::format(", float* output{}", i);
  return text;
}

}  // namespace

Result<OutputFile> write_network_header(std::string_view library, const NetworkProgram& p, const Banner& banner) {
  if (Status s = check_library_name(library); !s) return std::move(s).error();
  const std::string macro = macro_name(p.name);
  const uint64_t workspace = (p.arena_elements + p.scratch_elements) * sizeof(float);
  auto text =
      fill_template("header/network.h.in",
                    {{"BANNER", banner_comment(banner)},
                     {"NAME", p.name},
                     {"LIBRARY", library},
                     {"MACRO", macro},
                     {"GUARD", fmt::format("ESPALIER_NETWORK_{}_H", macro_name(library))},
                     {"ABI_VERSION", std::to_string(ESPALIER_NETWORK_ABI_VERSION)},
                     {"LAYERS", std::to_string(p.layers.size())},
                     {"STEPS", std::to_string(p.steps.size())},
                     {"INPUTS", described("input", p.inputs)},
                     {"OUTPUTS", described("output", p.outputs)},
                     {"WORKSPACE", std::to_string(workspace)},
                     {"ARENA", std::to_string(p.arena_elements * sizeof(float))},
                     {"LIVE", std::to_string(p.largest_live_elements * sizeof(float))},
                     {"SCRATCH", std::to_string(p.scratch_elements * sizeof(float))},
                     {"WEIGHTS", std::to_string(p.weight_bytes())},
                     {"NEEDS", needed_features(p.target.vector->features)},
                     {"MACROS", element_macros(macro, "INPUT", p.inputs) + element_macros(macro, "OUTPUT", p.outputs)},
                     {"PARAMETERS", parameters(p)},
                     {"INPUT_NAMES", listed("", "input", p.inputs.size())},
                     {"OUTPUT_NAMES", listed("", "output", p.outputs.size())}});
  if (!text) return std::move(text).error();
  return OutputFile{fmt::format("{}.h", library), *std::move(text)};
}

}  // namespace espalier
