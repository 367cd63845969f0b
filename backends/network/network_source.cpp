#include "backends/network/network_source.h"

#include "backends/c_source/dialect.h"
#include "backends/c_source/file_parts.h"
#include "backends/c_source/loop_source.h"
#include "backends/text_template.h"
#include "espalier/network_abi.h"

namespace espalier {
namespace {

/// A C string literal; names come from the model.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\' && c != '?';  // ??= is a trigraph
    out += is_plain ? std::string(1, c) : fmt::format("\\{:03o}", byte);
  }
  return out + "\"";
}

std::string kernels(const NetworkProgram& program) {
  std::string out;
  for (const KernelProgram* kernel : program.kernels)
    out += fmt::format("extern const espalier_kernel {};\n", kernel->name);
  return out;
}

std::string table_of(const LoopProgram& loop) { return loop.table.empty() ? "0" : loop.name + "_table"; }

std::string tables(const NetworkProgram& program) {
  std::string out;
  for (const LoopProgram& loop : program.loops) {
    if (loop.table.empty()) continue;
    out += fmt::format("static const int32_t {}[{}] = {{", table_of(loop), loop.table.size());
    for (size_t i = 0; i < loop.table.size(); ++i)
      out += fmt::format("{}{}{}", i % 16 == 0 ? "\n  " : " ", loop.table[i], i + 1 < loop.table.size() ? "," : "");
    out += "\n};\n";
  }
  return out;
}

std::string place(const NetworkPlace& place) {
  return fmt::format("{{{}u, {}u, {}u}}", static_cast<unsigned>(place.space), place.number, place.offset);
}

std::string steps(const NetworkProgram& program) {
  std::string out = fmt::format("static const espalier_step {}_steps[] = {{\n", program.name);
  for (const NetworkStep& s : program.steps) {
    const std::string kernel = s.is_kernel ? "&" + program.kernels[s.program]->name : "0";
    const std::string layer = s.is_kernel ? "0" : program.loops[s.program].name;
    const std::string table = s.is_kernel ? "0" : table_of(program.loops[s.program]);
    out +=
        fmt::format("  {{{}, {}, {}, {}, {}u, {}, {}, {}, {}u, {}u, {}u, 0u, {}u}},\n", quoted(s.name), kernel, layer,
                    table, s.weights, place(s.x0), place(s.x1), place(s.y), s.first, s.items, s.layer, s.multiply_adds);
  }
  return out + "};\n";
}

std::string values(const NetworkProgram& program, std::string_view role, const std::vector<NetworkValue>& values) {
  std::string out = fmt::format("static const espalier_value {}_{}[] = {{\n", program.name, role);
  for (const NetworkValue& v : values)
    out += fmt::format("  {{{}, {}u, {}u, {}u, {}u}},\n", quoted(v.name), v.shape.n, v.shape.h, v.shape.w, v.shape.c);
  return out + "};\n";
}

/// What the C compiler has to be told.
std::string flags(const NetworkProgram& program, const Dialect& dialect) {
  std::string text = dialect.flags.empty() ? "" : fmt::format("{} ", dialect.flags);
  for (const LoopProgram& loop : program.loops)
    if (loop.target.vector != program.target.vector)
      if (const auto other = find_dialect(loop.target.vector->name)) return text + fmt::format("{} ", (*other)->flags);
  return text;
}

Result<OutputFile> c_file(std::string_view library, const NetworkProgram& p, const Dialect& dialect, bool side_file,
                          const Banner& banner) {
  const std::string functions = write_loop_functions(p.loops, "static", p.target);
  auto preamble = loop_preamble(p.target, functions);
  if (!preamble) return std::move(preamble).error();
  auto text = fill_template(
      "c_source/network.c.in",
      {{"BANNER", banner_comment(banner)},
       {"NAME", p.name},
       {"LIBRARY", library},
       {"ISA", dialect.isa == "portable" ? "any machine" : dialect.isa},
       {"FLAGS", flags(p, dialect)},
       {"PREAMBLE", *preamble},
       {"ABI_VERSION", std::to_string(ESPALIER_NETWORK_ABI_VERSION)},
       {"KERNELS", kernels(p)},
       {"WEIGHTS", side_file ? weights_declaration(p.name, p.constants.size()) : weights_array(p.name, p.constants)},
       {"WEIGHTS_NOTE", side_file ? fmt::format("\n * Link with {}.weights.S, which has the weights.", p.name) : ""},
       {"TABLES", tables(p)},
       {"FUNCTIONS", functions},
       {"STEPS", steps(p) + values(p, "inputs", p.inputs) + values(p, "outputs", p.outputs)},
       {"FEATURES", fmt::format("(uint64_t)0x{:x}", p.target.vector->features)},
       {"INPUT_COUNT", std::to_string(p.inputs.size())},
       {"OUTPUT_COUNT", std::to_string(p.outputs.size())},
       {"STEP_COUNT", std::to_string(p.steps.size())},
       {"LAYER_COUNT", std::to_string(p.layers.size())},
       {"ARENA", std::to_string(p.arena_elements)},
       {"SCRATCH", std::to_string(p.scratch_elements)}});
  if (!text) return std::move(text).error();
  return OutputFile{fmt::format("{}.c", library), *std::move(text)};
}

}  // namespace

Result<std::vector<OutputFile>> write_network_source(std::string_view library, const NetworkProgram& program,
                                                     bool weights_in_side_file, const Banner& banner) {
  const auto dialect = find_dialect(program.target.vector->name);
  if (!dialect) return dialect.error();
  const bool side_file = weights_in_side_file && !program.constants.empty();
  auto source = c_file(library, program, **dialect, side_file, banner);
  if (!source) return std::move(source).error();
  std::vector<OutputFile> files{*std::move(source)};
  if (!side_file) return files;
  auto weights = weights_side_files(program.name, program.constants, banner);
  if (!weights) return std::move(weights).error();
  for (OutputFile& file : *weights) files.push_back(std::move(file));
  return files;
}

}  // namespace espalier
