#include "backends/c_source/loop_source.h"

#include <array>

#include "backends/c_source/c_writer.h"
#include "backends/c_source/file_parts.h"
#include "backends/text_template.h"

namespace espalier {
namespace {

constexpr std::array<std::string_view, kLoopBuffers> kBuffers = {"x0", "x1", "y", "weights", "scratch"};

class Writer {
 public:
  Writer(const LoopProgram& program, const Dialect& dialect, std::string& out)
      : program_(program), type_(dialect.isa == "portable" ? "espalier_v" : dialect.type), out_(out) {}

  void run() {
    line("static void {}(const float *x0, const float *x1, float *y, const float *weights, const int32_t *table,",
         program_.name);
    line("    float *scratch, size_t first, size_t last) {{");
    depth_ = 1;
    declare();
    line("for (ptrdiff_t i0 = (ptrdiff_t)first; i0 < (ptrdiff_t)last; ++i0) {{");
    ++depth_;
    for (const LoopInstruction& op : program_.body) write(op);
    --depth_;
    line("}}");
    for (const std::string_view parameter : {"x0", "x1", "y", "weights", "table", "scratch"})
      if (!is_used(parameter)) line("(void){};", parameter);
    depth_ = 0;
    line("}}");
    out_ += '\n';
  }

 private:
  template <typename... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    out_.append(2 * depth_, ' ');
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    out_ += '\n';
  }

  bool is_used(std::string_view parameter) const {
    for (const LoopInstruction& op : program_.body) {
      if (op.op == LoopOp::kLoadIndex && parameter == "table") return true;
      const bool has_buffer = loop_op_info(op.op).has_access && !loop_op_info(op.op).writes_integer;
      if (has_buffer && kBuffers[static_cast<size_t>(op.access.buffer)] == parameter) return true;
    }
    return false;
  }

  /// Vector registers are variables of the function; integer ones too, but for loops' counters, which may be read
  /// nowhere else.
  void declare() {
    std::vector<bool> is_counter(program_.integers), is_written(program_.integers), is_vector(program_.vectors);
    for (const LoopInstruction& op : program_.body) {
      if (op.op == LoopOp::kLoop)
        is_counter[op.d] = true;
      else if (loop_op_info(op.op).writes_integer)
        is_written[op.d] = true;
      else if (loop_op_info(op.op).writes_vector)
        is_vector[op.d] = true;
    }
    for (uint32_t i = 1; i < program_.integers; ++i)
      if (is_written[i] || is_counter[i]) line("ptrdiff_t i{} = 0;", i);
    for (uint32_t v = 0; v < program_.vectors; ++v)
      if (is_vector[v]) line("{} v{} = espalier_v_constant(0.0f);", type_, v);
  }

  static std::string affine(const LoopAccess& access) {
    std::string text = std::to_string(access.offset);
    for (const LoopTerm& term : access.terms) text += fmt::format(" + i{} * {}", term.index, term.coefficient);
    return text;
  }
  static std::string place(const LoopAccess& access) {
    return fmt::format("{} + ({})", kBuffers[static_cast<size_t>(access.buffer)], affine(access));
  }
  static std::string bound(const LoopBound& b) {
    return b.index == kNoRegister ? std::to_string(b.constant) : fmt::format("i{}", b.index);
  }

  void write(const LoopInstruction& op) {
    const LoopOpInfo& info = loop_op_info(op.op);
    if (op.op == LoopOp::kLoop) {
      line("for (i{0} = {1}; i{0} < {2}; i{0} += {3}) {{", op.d, bound(op.begin), bound(op.end), op.immediate);
      ++depth_;
    } else if (op.op == LoopOp::kEndLoop) {
      --depth_;
      line("}}");
    } else if (info.writes_integer) {
      line("i{} = {};", op.d, integer(op));
    } else if (op.op == LoopOp::kStore) {
      if (op.lanes == program_.lanes())
        line("espalier_v_store({}, v{});", place(op.access), op.a);
      else
        line("espalier_v_store_some({}, v{}, {});", place(op.access), op.a, op.lanes);
    } else {
      line("v{} = {};", op.d, vector(op, info));
    }
  }

  std::string integer(const LoopInstruction& op) const {
    switch (op.op) {
      case LoopOp::kIndex:
        return affine(op.access);
      case LoopOp::kLoadIndex:
        return fmt::format("table[{}]", affine(op.access));
      case LoopOp::kIndexMin:
        return fmt::format("i{0} < {1} ? i{0} : {1}", op.a, op.immediate);
      case LoopOp::kIndexMax:
        return fmt::format("i{0} > {1} ? i{0} : {1}", op.a, op.immediate);
      case LoopOp::kIndexDivide:
        return fmt::format("i{} / {}", op.a, op.immediate);
      default:
        return fmt::format("i{} % {}", op.a, op.immediate);
    }
  }

  std::string vector(const LoopInstruction& op, const LoopOpInfo& info) {
    switch (op.op) {
      case LoopOp::kConstant: {
        std::string value;
        append_c_float(op.value, value);
        return fmt::format("espalier_v_constant({})", value);
      }
      case LoopOp::kCopy:
        return fmt::format("v{}", op.a);
      case LoopOp::kSplatLoad:
        return fmt::format("espalier_v_splat({})", place(op.access));
      case LoopOp::kLoad:
        if (op.lanes == program_.lanes()) return fmt::format("espalier_v_load({})", place(op.access));
        return fmt::format("espalier_v_load_some({}, {})", place(op.access), op.lanes);
      case LoopOp::kLoadEven:
        if (op.lanes == program_.lanes()) return fmt::format("espalier_v_load_even({})", place(op.access));
        return some_even(op);
      default:
        break;
    }
    std::string operands = fmt::format("v{}", op.a);
    if (info.reads_b) operands += fmt::format(", v{}", op.b);
    if (info.reads_c) operands += fmt::format(", v{}", op.c);
    return fmt::format("espalier_v_{}({})", info.name, operands);
  }

  /// Through an array: rare (the last row of an image).
  std::string some_even(const LoopInstruction& op) {
    line("{{");
    ++depth_;
    line("float lane[{}] = {{0.0f}};", program_.lanes());
    line("for (ptrdiff_t l = 0; l < {}; ++l) lane[l] = ({})[2 * l];", op.lanes, place(op.access));
    line("v{} = espalier_v_load(lane);", op.d);
    --depth_;
    line("}}");
    return fmt::format("v{}", op.d);
  }

  const LoopProgram& program_;
  const std::string_view type_;
  std::string& out_;
  size_t depth_ = 0;
};

}  // namespace

Status append_loop_function(const LoopProgram& program, const Dialect& dialect, std::string& out) {
  Writer(program, dialect, out).run();
  return {};
}

Result<std::string> loop_preamble(const Dialect& dialect, std::string_view body, std::string_view name) {
  return used_preamble(fmt::format("c_source/loops_{}.c.in", dialect.isa), body, name);
}

}  // namespace espalier
