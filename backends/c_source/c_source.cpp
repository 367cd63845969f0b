#include "backends/c_source/c_source.h"

#include <cmath>

#include "backends/c_source/c_writer.h"
#include "backends/c_source/dialect.h"
#include "backends/c_source/file_parts.h"
#include "backends/text_template.h"
#include "espalier/kernel_abi.h"

namespace espalier {
namespace {

constexpr size_t kNumbersPerLine = 16;
constexpr std::string_view kNoInline =
    "\n/* Kept apart: compilers take quadratic time over long functions. */\n"
    "#if defined(__GNUC__)\n#define ESPALIER_NOINLINE __attribute__((noinline))\n#else\n"
    "#define ESPALIER_NOINLINE\n#endif\n";

std::string tables(const KernelProgram& p, const std::vector<size_t>& functions) {
  std::string out;
  auto at = std::back_inserter(out);
  if (!p.groups.empty()) {
    fmt::format_to(at, "static const espalier_row_group {}_groups[{}] = {{\n", p.name, p.groups.size());
    for (const RowGroup& g : p.groups)
      fmt::format_to(at, "  {{{}u, {}u, {}u, {}u}},\n", g.first_row, g.rows, g.first_chunk, g.chunks);
    out += "};\n\n";
  }
  if (!p.chunks.empty()) {
    fmt::format_to(at, "static const espalier_chunk {}_chunks[{}] = {{\n", p.name, p.chunks.size());
    for (size_t c = 0; c < p.chunks.size(); ++c)
      fmt::format_to(at, "  {{{}_chunk_{}, {}u, {}u}},\n", p.name, functions[c], p.chunks[c].stream_offset,
                     p.chunks[c].index_offset * p.index_bytes);
    out += "};\n\n";
  }
  return out;
}

void append_numbers(const std::vector<uint32_t>& numbers, std::string& out) {
  for (size_t i = 0; i < numbers.size(); ++i) {
    out += i % kNumbersPerLine == 0 ? "\n  " : " ";
    out += std::to_string(numbers[i]);
    if (i + 1 < numbers.size()) out += ',';
  }
  out += "\n};\n";
}

std::string output_order_array(const KernelProgram& p) {
  if (p.output_order.empty()) return {};
  std::string out = fmt::format("static const uint32_t {}_output_order[{}] = {{", p.name, p.output_order.size());
  append_numbers(p.output_order, out);
  return out;
}

std::string indices_array(const KernelProgram& p) {
  if (p.indices.empty()) return {};
  std::string out =
      fmt::format("static const uint{}_t {}_indices[{}] = {{", p.index_bytes * 8, p.name, p.indices.size());
  append_numbers(p.indices, out);
  return out;
}

Result<OutputFile> c_file(const KernelProgram& p, const Dialect& dialect, const CSourceOptions& options,
                          bool side_file) {
  std::string functions;
  const auto chunk_functions = write_chunks(p, dialect, options.part_limit, functions);
  if (!chunk_functions) return chunk_functions.error();
  auto preamble = used_preamble(dialect.preamble, functions, p.name);
  if (!preamble) return std::move(preamble).error();
  const std::string max_pixels = std::to_string(p.max_pixels());
  const std::string note = side_file ? fmt::format("\n * Link with {}.weights.S, which has the weights.", p.name) : "";
  auto text = fill_template(
      "c_source/kernel.c.in",
      {{"BANNER", banner_comment(options.banner)},
       {"NAME", p.name},
       {"ISA", dialect.isa == "portable" ? "any machine" : dialect.isa},
       {"FLAGS", dialect.flags.empty() ? "" : fmt::format("{} ", dialect.flags)},
       {"PREAMBLE", *preamble},
       {"NOINLINE", functions.find("ESPALIER_NOINLINE") == std::string::npos ? std::string_view() : kNoInline},
       {"ABI_VERSION", std::to_string(ESPALIER_ABI_VERSION)},
       {"WEIGHTS", side_file ? weights_declaration(p.name, p.stream.size()) : weights_array(p.name, p.stream)},
       {"WEIGHTS_NOTE", note},
       {"WEIGHTS_COUNT", std::to_string(p.stream.size())},
       {"FUNCTIONS", functions},
       {"INDICES", indices_array(p)},
       {"INDICES_POINTER", p.name + (p.indices.empty() ? "_weights" : "_indices")},
       {"INDICES_BYTES", std::to_string(p.indices.size() * p.index_bytes)},
       {"TABLES", output_order_array(p) + tables(p, *chunk_functions)},
       {"OUTPUT_ORDER", p.output_order.empty() ? "0" : p.name + "_output_order"},
       {"FEATURES", fmt::format("(uint64_t)0x{:x}", p.target.vector->features)},
       {"NONZEROS", std::to_string(p.nonzeros)},
       {"OUTPUT_CHANNELS", std::to_string(p.output_channels)},
       {"INPUT_CHANNELS", std::to_string(p.input_channels)},
       {"INPUT_STRIDE", std::to_string(p.input_stride)},
       {"OUTPUT_STRIDE", std::to_string(p.output_stride)},
       {"PIXELS", p.pixels ? max_pixels : "up to " + max_pixels},
       {"FIXED_PIXELS", std::to_string(p.pixels)},
       {"MAX_PIXELS", max_pixels},
       {"PIXEL_BLOCK", std::to_string(p.pixel_block)},
       {"PIXEL_MULTIPLE", std::to_string(p.pixel_multiple)},
       {"PIXEL_TILE", std::to_string(p.pixel_tile())},
       {"INPUT_PANEL", std::to_string(p.input_panel)},
       {"OUTPUT_PANEL", std::to_string(p.output_panel)},
       {"GROUP_COUNT", std::to_string(p.groups.size())},
       {"CHUNK_COUNT", std::to_string(p.chunks.size())},
       {"GROUPS", p.groups.empty() ? "0" : p.name + "_groups"},
       {"CHUNKS", p.chunks.empty() ? "0" : p.name + "_chunks"}});
  if (!text) return std::move(text).error();
  return OutputFile{p.name + ".c", std::move(*text)};
}

Status check_stream(const KernelProgram& p) {
  for (size_t i = 0; i < p.stream.size(); ++i)
    if (std::isnan(p.stream[i])) return internal_error("stream element {} is not a number", i);
  return {};
}

Result<std::vector<OutputFile>> write_files(const KernelProgram& p, const CSourceOptions& options) {
  auto dialect = find_dialect(p.target.vector->name);
  if (!dialect) return std::move(dialect).error();
  if (Status s = check_stream(p); !s) return std::move(s).error();
  const bool side_file = options.weights_in_side_file && !p.stream.empty();
  auto source = c_file(p, **dialect, options, side_file);
  if (!source) return std::move(source).error();
  std::vector<OutputFile> files{std::move(*source)};
  if (!side_file) return files;
  auto weights = weights_side_files(p.name, p.stream, options.banner);
  if (!weights) return std::move(weights).error();
  for (OutputFile& file : *weights) files.push_back(std::move(file));
  return files;
}

}  // namespace

Result<std::vector<OutputFile>> write_c_source(const KernelProgram& program, const CSourceOptions& options) {
  auto files = write_files(program, options);
  if (!files) return std::move(files).error().in("C source of " + program.name);
  return files;
}

}  // namespace espalier
