#include "backends/c_source/file_parts.h"

#include <bit>

#include "backends/c_source/c_writer.h"
#include "backends/text_template.h"

namespace espalier {
namespace {

constexpr size_t kFloatsPerLine = 8;

std::string little_endian_bytes(std::span<const float> values) {
  std::string bytes;
  bytes.reserve(values.size() * sizeof(float));
  for (const float value : values) {
    const uint32_t bits = std::bit_cast<uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(bits >> shift & 0xff);
  }
  return bytes;
}

}  // namespace

Result<std::string> used_preamble(std::string_view text_template, std::string_view body, std::string_view name) {
  const auto preamble = embedded_text(text_template);
  if (!preamble) return preamble.error();
  auto text = substitute(used_helpers(*preamble, body), {{"NAME", name}});
  if (!text) return std::move(text).error().in(text_template);
  return text;
}

std::string weights_array(std::string_view name, std::span<const float> values) {
  if (values.empty()) return fmt::format("static const float {}_weights[1] = {{0.0f}};\n", name);
  std::string out = fmt::format("static const float {}_weights[{}] = {{", name, values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    out += i % kFloatsPerLine == 0 ? "\n  " : " ";
    append_c_float(values[i], out);
    if (i + 1 < values.size()) out += ',';
  }
  return out + "\n};\n";
}

std::string weights_declaration(std::string_view name, size_t count) {
  return fmt::format("/* Defined by {0}.weights.S. */\nextern const float {0}_weights[{1}];\n", name, count);
}

Result<std::vector<OutputFile>> weights_side_files(std::string_view name, std::span<const float> values,
                                                   const Banner& banner) {
  auto assembly = fill_template("c_source/weights.S.in", {{"BANNER", banner_comment(banner)},
                                                          {"NAME", name},
                                                          {"COUNT", std::to_string(values.size())},
                                                          {"BYTES", std::to_string(values.size() * sizeof(float))}});
  if (!assembly) return std::move(assembly).error();
  return std::vector<OutputFile>{{fmt::format("{}.weights.S", name), *std::move(assembly)},
                                 {fmt::format("{}.weights.bin", name), little_endian_bytes(values)}};
}

}  // namespace espalier
