#include "backends/c_source/loop_source.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "backends/c_source/c_writer.h"
#include "backends/text_template.h"
#include "ir/half_vectors.h"

namespace espalier {
namespace {

/// A register of either kind, by its name in C.
using Name = std::string;
Name vector_name(uint32_t id) { return fmt::format("v{}", id); }
Name integer_name(uint32_t id) { return fmt::format("i{}", id); }

struct Uses {
  std::vector<Name> reads;
  Name write;  ///< empty: none
};

Uses uses_of(const LoopInstruction& op) {
  const LoopOpInfo& info = loop_op_info(op.op);
  Uses uses;
  for (const auto& [reads, id] : {std::pair{info.reads_a, op.a}, {info.reads_b, op.b}, {info.reads_c, op.c}})
    if (reads) uses.reads.push_back(vector_name(id));
  if (info.reads_integer) uses.reads.push_back(integer_name(op.a));
  if (info.has_access)
    for (const LoopTerm& term : op.access.terms) uses.reads.push_back(integer_name(term.index));
  if (op.op == LoopOp::kLoop)
    for (const LoopBound& bound : {op.begin, op.end})
      if (bound.index != kNoRegister) uses.reads.push_back(integer_name(bound.index));
  if (info.writes_vector) uses.write = vector_name(op.d);
  if (info.writes_integer) uses.write = integer_name(op.d);
  return uses;
}

/// Registers that something stored or a loop's bound depends on. Compilers warn about the others.
std::set<Name> needed_registers(const LoopProgram& program) {
  std::set<Name> needed;
  for (size_t before = SIZE_MAX; before != needed.size();) {
    before = needed.size();
    for (const LoopInstruction& op : program.body) {
      const Uses uses = uses_of(op);
      if (op.op == LoopOp::kStore || op.op == LoopOp::kLoop || needed.contains(uses.write))
        needed.insert(uses.reads.begin(), uses.reads.end());
    }
  }
  return needed;
}

/// Where in the nest of loops an operation stands: the places of the loops around it, outermost first.
using Nest = std::vector<size_t>;

/// Where a register is declared: at its first write, if all that uses it is in the same loop or inside; else, with a
/// value that nobody reads, at the start of the innermost loop that has all.
struct Declaration {
  Nest nest;
  size_t first = 0;
  bool at_first_write = true;
  uint32_t writes = 0;
};

std::map<Name, Declaration> declarations(const LoopProgram& program) {
  std::map<Name, Declaration> found;
  Nest nest;
  const auto use = [&](const Name& name, size_t at) {
    const auto [it, is_new] = found.try_emplace(name, Declaration{nest, at});
    Declaration& d = it->second;
    const auto common = std::ranges::mismatch(d.nest, nest).in1;
    if (common == d.nest.end()) return;
    d.nest.erase(common, d.nest.end());
    d.at_first_write = false;
  };
  for (size_t at = 0; at < program.body.size(); ++at) {
    const LoopInstruction& op = program.body[at];
    const Uses uses = uses_of(op);
    if (op.op == LoopOp::kEndLoop) nest.pop_back();
    for (const Name& name : uses.reads) use(name, at);
    if (op.op == LoopOp::kLoop) nest.push_back(at);
    if (uses.write.empty()) continue;
    use(uses.write, at);
    ++found.at(uses.write).writes;
  }
  found.erase(integer_name(0));  // the item, which the function's own loop declares
  return found;
}

constexpr std::array<std::string_view, kLoopBuffers> kBufferNames = {"x0", "x1", "y", "weights", "scratch"};

class FunctionWriter {
 public:
  explicit FunctionWriter(const LoopProgram& program)
      : program_(program), needed_(needed_registers(program)), declarations_(declarations(program)) {}

  std::string run(std::string_view linkage) {
    open_item_loop();
    for (at_ = 0; at_ < program_.body.size(); ++at_) write(program_.body[at_]);
    out_ += "  }\n";
    return head(linkage) + out_ + "}\n";
  }

 private:
  std::string head(std::string_view linkage) const {
    const std::string_view aliases = program_.in_place ? "" : "restrict ";
    std::string text = fmt::format(
        "{}{}void {}(const float *{}x0, const float *restrict x1, float *{}y, const float *restrict weights,\n"
        "    const int32_t *restrict table, float *restrict scratch, size_t first_item, size_t last_item) {{\n",
        linkage, linkage.empty() ? "" : " ", program_.name, aliases, aliases);
    for (const std::string_view name : {"x0", "x1", "y", "weights", "table", "scratch"})
      if (!used_.contains(name)) text += fmt::format("  (void)({});\n", name);
    return text;
  }

  void line(std::string_view text) {
    out_.append(2 * (open_.size() + 2), ' ');
    (out_ += text) += '\n';
  }

  void declare_early() {
    for (const auto& [name, d] : declarations_)
      if (!d.at_first_write && needed_.contains(name) && d.nest == open_)
        line(name[0] == 'v' ? fmt::format("espalier_v {} = espalier_v_constant(0.0f);", name)
                            : fmt::format("ptrdiff_t {} = 0;", name));
  }

  void open_item_loop() {
    if (needed_.contains("i0"))
      out_ += "  for (ptrdiff_t i0 = (ptrdiff_t)first_item; i0 < (ptrdiff_t)last_item; ++i0) {\n";
    else
      out_ += "  for (size_t item = first_item; item < last_item; ++item) {\n";
    declare_early();
  }

  void write(const LoopInstruction& op) {
    if (op.op == LoopOp::kLoop) return open_loop(op);
    if (op.op == LoopOp::kEndLoop) {
      open_.pop_back();
      return line("}");
    }
    if (op.op == LoopOp::kStore) return line(store(op));
    const Name target = uses_of(op).write;
    if (!needed_.contains(target)) return;
    const bool is_vector = loop_op_info(op.op).writes_vector;
    assign(target, is_vector ? "espalier_v" : "ptrdiff_t", is_vector ? vector_value(op) : integer_value(op));
  }

  void assign(const Name& target, std::string_view type, const std::string& value) {
    const Declaration& d = declarations_.at(target);
    const bool declares = d.at_first_write && d.first == at_;
    line(fmt::format("{}{}{} = {};", declares ? type : "", declares ? " " : "", target, value));
  }

  /// The loop's counter is the register, unless something else writes that too: then it is the loop's own.
  void open_loop(const LoopInstruction& op) {
    const Name target = integer_name(op.d);
    const Declaration& d = declarations_.at(target);
    const bool is_counter = d.at_first_write && d.writes == 1;
    const Name counter = is_counter ? target : fmt::format("n{}", at_);
    line(fmt::format("for (ptrdiff_t {0} = {1}; {0} < {2}; {0} += {3}) {{", counter, bound(op.begin), bound(op.end),
                     op.immediate));
    open_.push_back(at_);
    declare_early();
    if (!is_counter && needed_.contains(target)) assign(target, "ptrdiff_t", counter);
  }

  std::string bound(const LoopBound& b) const {
    return b.index == kNoRegister ? std::to_string(b.constant) : integer_name(b.index);
  }

  /// offset + sum of terms.
  static std::string affine(const LoopAccess& access) {
    std::string text;
    for (const LoopTerm& term : access.terms) {
      if (!text.empty()) text += " + ";
      text += term.coefficient == 1 ? integer_name(term.index)
                                    : fmt::format("{} * {}", integer_name(term.index), term.coefficient);
    }
    if (text.empty()) return std::to_string(access.offset);
    if (access.offset != 0) text += fmt::format(" {} {}", access.offset < 0 ? '-' : '+', std::abs(access.offset));
    return text;
  }

  std::string pointer(const LoopAccess& access) {
    const std::string_view buffer = kBufferNames[static_cast<size_t>(access.buffer)];
    used_.insert(buffer);
    const std::string at = affine(access);
    return at == "0" ? std::string(buffer) : fmt::format("{} + ({})", buffer, at);
  }

  std::string store(const LoopInstruction& op) {
    const std::string at = pointer(op.access);
    if (op.lanes == program_.lanes()) return fmt::format("espalier_v_store({}, {});", at, vector_name(op.a));
    return fmt::format("espalier_v_store_some({}, {}, {});", at, vector_name(op.a), op.lanes);
  }

  std::string vector_value(const LoopInstruction& op) {
    const LoopOpInfo& info = loop_op_info(op.op);
    if (op.op == LoopOp::kCopy) return vector_name(op.a);
    std::vector<std::string> operands;
    if (op.op == LoopOp::kConstant) append_c_float(op.value, operands.emplace_back());
    if (info.has_access) operands.push_back(pointer(op.access));
    for (const auto& [reads, id] : {std::pair{info.reads_a, op.a}, {info.reads_b, op.b}, {info.reads_c, op.c}})
      if (reads) operands.push_back(vector_name(id));
    const bool some = info.has_lanes && op.lanes != program_.lanes();
    if (some) operands.push_back(std::to_string(op.lanes));
    if (info.has_immediate) operands.push_back(std::to_string(op.immediate));
    return fmt::format("espalier_v_{}{}({})", info.name, some ? "_some" : "", fmt::join(operands, ", "));
  }

  std::string integer_value(const LoopInstruction& op) {
    const Name a = integer_name(op.a);
    switch (op.op) {
      case LoopOp::kIndex:
        return affine(op.access);
      case LoopOp::kLoadIndex:
        used_.insert("table");
        return fmt::format("table[{}]", affine(op.access));
      case LoopOp::kIndexMin:
        return fmt::format("{0} < {1} ? {0} : {1}", a, op.immediate);
      case LoopOp::kIndexMax:
        return fmt::format("{0} > {1} ? {0} : {1}", a, op.immediate);
      case LoopOp::kIndexDivide:
        return fmt::format("{} / {}", a, op.immediate);
      default:
        return fmt::format("{} % {}", a, op.immediate);
    }
  }

  const LoopProgram& program_;
  const std::set<Name> needed_;
  const std::map<Name, Declaration> declarations_;
  std::set<std::string_view> used_;
  std::string out_;
  Nest open_;
  size_t at_ = 0;
};

/// The names of helpers, of which code for half vectors has its own.
constexpr std::pair<std::string_view, std::string_view> kHalfNames[] = {{"espalier_v", "espalier_half_v"},
                                                                        {"ESPALIER_V_", "ESPALIER_HALF_V_"}};

std::string with_half_names(std::string text) {
  for (const auto& [whole, half] : kHalfNames)
    for (size_t at = 0; (at = text.find(whole, at)) != std::string::npos; at += half.size())
      text.replace(at, whole.size(), half);
  return text;
}

Result<std::string> helpers_of(const Target& target) {
  const auto text = embedded_text(fmt::format("c_source/loops_{}.c.in", target.vector->name));
  if (!text) return unsupported("there is no C for the vector ISA '{}'", target.vector->name);
  return std::string(*text);
}

}  // namespace

std::string write_loop_functions(std::span<const LoopProgram> programs, std::string_view linkage,
                                 const Target& target) {
  std::string out;
  for (const LoopProgram& program : programs) {
    const std::string text = FunctionWriter(program).run(linkage);
    (out += '\n') += program.target.vector == target.vector ? text : with_half_names(text);
  }
  return out;
}

Result<std::string> loop_preamble(const Target& target, std::string_view functions) {
  const auto whole = helpers_of(target);
  if (!whole) return whole.error();
  std::string text = used_helpers(*whole, functions);
  if (functions.find(kHalfNames[0].second) == std::string_view::npos) return text;
  const auto half = with_half_vectors(target);
  if (!half) return internal_error("target {} {} has no half vectors", target.name, target.vector->name);
  const auto halves = helpers_of(*half);
  if (!halves) return halves.error();
  return text + used_helpers(with_half_names(*halves), functions);
}

}  // namespace espalier
