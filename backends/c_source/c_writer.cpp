#include "backends/c_source/c_writer.h"

#include <algorithm>
#include <bit>
#include <bitset>
#include <charconv>
#include <map>

#include "backends/c_source/tile_parts.h"

namespace espalier {
namespace {

constexpr size_t kRegistersPerLine = 12;

void append_number(uint64_t value, std::string& out) {
  char digits[20];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

/// What a tile's operations mention besides registers.
struct Uses {
  bool x = false, y = false, w = false, mask = false, i = false;
  uint32_t inputs = 0;  ///< pointers p0.., as bits
  bool output = false;  ///< pointer q0

  void add(const Uses& other) { x |= other.x, y |= other.y, w |= other.w, i |= other.i, mask |= other.mask; }
  void add(Buffer buffer) { (buffer == Buffer::kX ? x : buffer == Buffer::kY ? y : w) = true; }
};

/// Writes one tile of one chunk.
class TileWriter {
 public:
  TileWriter(const KernelProgram& program, const Dialect& dialect, const PixelTile& tile, std::string& out)
      : program_(program),
        dialect_(dialect),
        tile_(tile),
        out_(out),
        rolled_(is_rolled(tile)),
        moves_input_(moves_input()) {}

  /// Declarations and statements of one part. Errors as write_chunks.
  Status write_part(const TilePart& part, std::string_view indent) {
    declare_registers(part, indent);
    for (const RestoredRegister& r : part.restored) {
      out_ += indent;
      append_register(r.reg);
      out_ += " = ";
      if (Status s = append_recipe(r, 0); !s) return s;
      out_ += ";\n";
    }
    for (const uint32_t index : part.ops)
      if (Status s = append_statement(tile_.ops[index], indent); !s) return s;
    return {};
  }

  /// A tile with loops, as nested C loops over cursors xt, wt and it; the declarations come first, since values outlive
  /// the turns of loops.
  Status write_rolled(std::string_view indent) {
    std::string body;
    std::swap(body, out_);
    depth_ = 0;
    for (const MicroOp& op : tile_.ops)
      if (Status s = append_rolled(op, indent); !s) return std::swap(body, out_), s;
    std::swap(body, out_);
    declare_cursors(indent);
    TilePart all;
    for (uint32_t i = 0; i < tile_.ops.size(); ++i) all.ops.push_back(i);
    declare_registers(all, indent);
    out_ += body;
    uses_.x |= uses_.inputs != 0 || moves_input_;
    uses_.y |= uses_.output;
    return {};
  }

  const Uses& uses() const { return uses_; }

 private:
  /// Whether what moves x is ever read there: hints may have no C.
  bool moves_input() const {
    auto moves = [](const MicroOp& op) { return op.op == Op::kAdvance && op.buffer == Buffer::kX; };
    auto reads = [&](const MicroOp& op) {
      const bool has_text = !is_hint(op.op) || !dialect_.full[static_cast<size_t>(op.op)].empty();
      return op_info(op.op).has_access && op.buffer == Buffer::kX && has_text;
    };
    return std::any_of(tile_.ops.begin(), tile_.ops.end(), moves) &&
           std::any_of(tile_.ops.begin(), tile_.ops.end(), reads);
  }
  void declare_cursors(std::string_view indent) {
    auto declare = [&](std::string_view text) { ((out_ += indent) += text) += ";\n"; };
    if (moves_input_) declare("const float *xt = x");
    if (uses_.w) declare("const float *wt = w");
    if (uses_.i) declare(fmt::format("const uint{}_t *it = i", program_.index_bytes * 8));
    for (uint32_t p = 0; p < kInputPointers; ++p)
      if (uses_.inputs >> p & 1) declare(fmt::format("const float *p{}", p));
    if (uses_.output) declare("float *q0");
  }

  Status append_rolled(const MicroOp& op, std::string_view indent) {
    const bool ends = op.op == Op::kEndLoop;
    depth_ -= ends;
    const std::string deeper(indent.size() + 2 * depth_, ' ');
    if (op.op < Op::kLoop) return append_statement(op, deeper);
    if (op.op == Op::kAdvance && op.buffer == Buffer::kX && !moves_input_) return {};
    out_ += deeper;
    append_control(op);
    depth_ += op.op == Op::kLoop || op.op == Op::kLoopIndexed;
    return {};
  }
  void append_control(const MicroOp& op) {
    auto at = std::back_inserter(out_);
    uses_.i |= op.op == Op::kLoopIndexed || op.op == Op::kPoint || (op.op == Op::kAdvance && op.buffer == Buffer::kI);
    switch (op.op) {
      case Op::kLoop:
        fmt::format_to(at, "for (uint32_t n{0} = {1}u; n{0} != 0; --n{0}) {{\n", depth_, op.column);
        return;
      case Op::kLoopIndexed:
        fmt::format_to(at, "for (uint32_t n{0} = it[{1}]; n{0} != 0; --n{0}) {{\n", depth_, op.column);
        return;
      case Op::kEndLoop:
        out_ += "}\n";
        return;
      case Op::kPoint:
        return append_point(op);
      default:
        return append_advance(op);
    }
  }
  void append_point(const MicroOp& op) {
    const bool is_input = op.buffer == Buffer::kXAt;
    if (is_input) uses_.inputs |= 1u << op.row;
    uses_.output |= !is_input;
    const std::string shift = program_.index_shift ? fmt::format(" << {}", program_.index_shift) : "";
    fmt::format_to(std::back_inserter(out_), "{}{} = {} + ((size_t)it[{}]{});\n", is_input ? 'p' : 'q', op.row,
                   is_input ? 'x' : 'y', op.column, shift);
  }
  void append_advance(const MicroOp& op) {
    auto at = std::back_inserter(out_);
    if (op.buffer == Buffer::kX) fmt::format_to(at, "xt += {};\n", uint64_t{op.row} * program_.input_stride);
    if (op.buffer == Buffer::kW) uses_.w = true, fmt::format_to(at, "wt += {};\n", op.column);
    if (op.buffer == Buffer::kI) fmt::format_to(at, "it += {};\n", op.column);
  }

  void declare_registers(const TilePart& part, std::string_view indent) {
    std::bitset<256> written;
    for (const RestoredRegister& r : part.restored) written.set(r.reg);
    for (const uint32_t index : part.ops)
      if (op_info(tile_.ops[index].op).writes_d) written.set(tile_.ops[index].d);
    size_t count = 0;
    for (size_t reg = 0; reg < written.size(); ++reg) {
      if (!written[reg]) continue;
      const bool first = count++ % kRegistersPerLine == 0;
      if (first && count > 1) out_ += ";\n";
      if (first) (out_ += indent) += dialect_.type;
      out_ += first ? " " : ", ";
      append_register(static_cast<uint8_t>(reg));
    }
    if (count) out_ += ";\n";
  }

  Status append_statement(const MicroOp& op, std::string_view indent) {
    auto pattern = dialect_.pattern(op, program_.target.vector->lanes);
    if (!pattern) return std::move(pattern).error();
    if (pattern->empty()) return {};
    out_ += indent;
    if (op_info(op.op).writes_d) {
      append_register(op.d);
      out_ += " = ";
    }
    Status s = expand(*pattern, op, [&](uint8_t reg) { return append_register(reg), Status(); });
    out_ += ";\n";
    return s;
  }

  /// The operations of a recipe as one nested expression.
  Status append_recipe(const RestoredRegister& recipe, size_t depth) {
    const MicroOp& op = tile_.ops[recipe.ops[depth]];
    auto pattern = dialect_.pattern(op, program_.target.vector->lanes);
    if (!pattern) return std::move(pattern).error();
    return expand(*pattern, op, [&](uint8_t) { return append_recipe(recipe, depth + 1); });
  }

  template <typename AppendRegister>
  Status expand(std::string_view pattern, const MicroOp& op, AppendRegister append) {
    for (size_t dollar; (dollar = pattern.find('$')) != std::string_view::npos; pattern.remove_prefix(dollar + 2)) {
      out_ += pattern.substr(0, dollar);
      const char operand = pattern[dollar + 1];
      if (operand == 'd' || operand == 'a' || operand == 'b') {
        if (Status s = append(operand == 'd' ? op.d : operand == 'a' ? op.a : op.b); !s) return s;
      } else {
        append_operand(operand, op);
      }
    }
    out_ += pattern;
    return {};
  }

  void append_operand(char operand, const MicroOp& op) {
    switch (operand) {
      case 'p':
        return append_access(op, true);
      case 'e':
        return append_access(op, false);
      case 'l':
        return append_number(op.lane, out_);
      case 'n':
        return append_number(op.lanes, out_);
      case 'm':
        return append_mask(op);
    }
  }

  void append_register(uint8_t reg) {
    out_ += 'v';
    append_number(reg, out_);
  }

  /// `x + 96` or `x[96]`. Below 2^29 by the limits of a KernelSpec, so an int to every compiler that has 32-bit ones.
  void append_access(const MicroOp& op, bool pointer) {
    const uint32_t stride = op.buffer == Buffer::kX   ? program_.input_stride
                            : op.buffer == Buffer::kY ? program_.output_stride
                                                      : 0;
    const bool is_pointer = op.buffer == Buffer::kXAt || op.buffer == Buffer::kYAt;
    const uint64_t offset = (is_pointer ? 0 : uint64_t{op.row} * stride) + op.column;
    append_base(op);
    if (pointer && offset == 0) return;
    out_ += pointer ? " + " : "[";
    append_number(offset, out_);
    if (!pointer) out_ += ']';
  }

  void append_base(const MicroOp& op) {
    if (op.buffer == Buffer::kXAt || op.buffer == Buffer::kYAt) {
      out_ += op.buffer == Buffer::kXAt ? 'p' : 'q';
      return append_number(op.row, out_);
    }
    uses_.add(op.buffer);
    out_ += op.buffer == Buffer::kX ? 'x' : op.buffer == Buffer::kY ? 'y' : 'w';
    const bool is_cursor = rolled_ && (op.buffer == Buffer::kW || (op.buffer == Buffer::kX && moves_input_));
    if (is_cursor) out_ += 't';
  }

  void append_mask(const MicroOp& op) {
    if (op.lanes == kRemainingLanes)
      out_ += "mask";
    else
      fmt::format_to(std::back_inserter(out_), "0x{:04x}", (1u << op.lanes) - 1);
  }

  const KernelProgram& program_;
  const Dialect& dialect_;
  const PixelTile& tile_;
  std::string& out_;
  bool rolled_, moves_input_;
  uint32_t depth_ = 0;  ///< of open loops
  Uses uses_;
};

/// Writes one chunk: the functions of tiles that come in parts, then the function with the pixel loops.
class ChunkWriter {
 public:
  ChunkWriter(const KernelProgram& program, const Dialect& dialect, size_t part_limit, size_t index, std::string& out)
      : program_(program),
        dialect_(dialect),
        part_limit_(part_limit),
        chunk_(program.chunks[index]),
        name_(fmt::format("{}_chunk_{}", program.name, index)),
        out_(out) {}

  /// The function's body; the functions for parts go to `out` at once.
  Result<std::string> run() {
    std::string loops, body;
    for (size_t t = 0; t < chunk_.tiles.size(); ++t)
      if (Status s = write_tile(t, loops); !s) return std::move(s).error();
    append_unused(uses_, body);
    if (uses_.i)
      fmt::format_to(std::back_inserter(body), "  const uint{0}_t *const i = (const uint{0}_t *)indices;\n",
                     program_.index_bytes * 8);
    else
      body += "  (void)indices;\n";
    body += loops;
    body += chunk_.tiles.empty() ? "  (void)pixels;\n}\n\n" : "}\n\n";
    return body;
  }
  void write(std::string_view body) {
    fmt::format_to(std::back_inserter(out_), "static void {}({}, size_t pixels, const void *indices) {{\n{}", name_,
                   kParameters, body);
  }

 private:
  // Not restrict: the stores to y must look as if they could change the weights, or compilers hoist hundreds of weight
  // loads out of the pixel loop and spill them all.
  static constexpr std::string_view kParameters = "const float *x, float *y, const float *w";

  Status write_tile(size_t t, std::string& loops) {
    const PixelTile& tile = chunk_.tiles[t];
    if (is_rolled(tile)) return write_rolled(tile, loops);
    const std::vector<TilePart> parts = split_tile(tile, part_limit_);
    std::string body;
    for (size_t p = 0; p < parts.size(); ++p) {
      Status s = parts.size() == 1
                     ? write_inline(tile, parts[p], body)
                     : write_function(tile, parts[p], fmt::format("{}_tile_{}_part_{}", name_, t, p), body);
      if (!s) return s;
    }
    append_loop(tile, body, loops);
    return {};
  }

  Status write_rolled(const PixelTile& tile, std::string& loops) {
    std::string body;
    TileWriter writer(program_, dialect_, tile, body);
    if (Status s = writer.write_rolled("    "); !s) return s;
    uses_.add(writer.uses());
    append_loop(tile, body, loops);
    return {};
  }

  Status write_inline(const PixelTile& tile, const TilePart& part, std::string& body) {
    TileWriter writer(program_, dialect_, tile, body);
    Status s = writer.write_part(part, "    ");
    uses_.add(writer.uses());
    return s;
  }

  Status write_function(const PixelTile& tile, const TilePart& part, const std::string& name, std::string& body) {
    std::string code;
    TileWriter writer(program_, dialect_, tile, code);
    if (Status s = writer.write_part(part, "  "); !s) return s;
    const bool masked = tile.remainder;
    fmt::format_to(std::back_inserter(out_), "ESPALIER_NOINLINE static void {}({}{}) {{\n", name, kParameters,
                   masked ? fmt::format(", {} mask", dialect_.mask_type) : "");
    append_unused(writer.uses(), out_);
    if (masked && !writer.uses().mask) out_ += "  (void)mask;\n";
    out_ += code;
    out_ += "}\n\n";
    fmt::format_to(std::back_inserter(body), "    {}(x, y, w{});\n", name, masked ? ", mask" : "");
    uses_.add({true, true, true, masked});
    return {};
  }

  void append_loop(const PixelTile& tile, std::string_view body, std::string& loops) const {
    auto at = std::back_inserter(loops);
    if (tile.remainder) {
      fmt::format_to(at, "  if (pixels > 0) {{\n    const {0} mask = ({0})((1u << pixels) - 1u);\n",
                     dialect_.mask_type);
      loops += body;
      loops += uses_.mask ? "  }\n" : "    (void)mask;\n  }\n";
      return;
    }
    fmt::format_to(at, "  while (pixels >= {}u) {{\n", tile.width);
    loops += body;
    fmt::format_to(at, "    x += {};\n    y += {};\n    pixels -= {}u;\n  }}\n", program_.input_step(tile),
                   program_.output_step(tile), tile.width);
  }

  static void append_unused(const Uses& uses, std::string& out) {
    if (!uses.x) out += "  (void)x;\n";
    if (!uses.y) out += "  (void)y;\n";
    if (!uses.w) out += "  (void)w;\n";
  }

  const KernelProgram& program_;
  const Dialect& dialect_;
  size_t part_limit_;
  const Chunk& chunk_;
  std::string name_;
  std::string& out_;
  Uses uses_;
};

void append_finite(uint32_t bits, std::string& out) {
  constexpr char kDigits[] = "0123456789abcdef";
  const uint32_t exponent = bits >> 23 & 0xff;
  uint32_t fraction = (bits & 0x7fffff) << 1;  // 24 bits: six hexadecimal digits
  out += exponent ? "0x1" : "0x0";
  if (fraction) out += '.';
  for (; fraction; fraction = fraction << 4 & 0xffffff) out += kDigits[fraction >> 20];
  const int power = exponent ? static_cast<int>(exponent) - 127 : -126;
  out += power < 0 ? "p-" : "p+";
  append_number(static_cast<uint64_t>(power < 0 ? -power : power), out);
  out += 'f';
}

}  // namespace

void append_c_float(float value, std::string& out) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t magnitude = bits & 0x7fffffff;
  if (bits != magnitude) out += '-';
  if (magnitude == 0)
    out += "0.0f";
  else if (magnitude == 0x7f800000)
    out += "(1.0f / 0.0f)";
  else
    append_finite(magnitude, out);
}

Result<std::vector<size_t>> write_chunks(const KernelProgram& program, const Dialect& dialect, size_t part_limit,
                                         std::string& out) {
  std::vector<size_t> functions;
  std::map<std::string, size_t> written;
  for (size_t c = 0; c < program.chunks.size(); ++c) {
    ChunkWriter writer(program, dialect, part_limit, c, out);
    auto body = writer.run();
    if (!body) return std::move(body).error().in(fmt::format("chunk {}", c));
    const auto [first, is_new] = written.try_emplace(*std::move(body), c);
    if (is_new) writer.write(first->first);
    functions.push_back(first->second);
  }
  return functions;
}

}  // namespace espalier
