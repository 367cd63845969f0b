// The textual form of a KernelProgram: one line per operation, readable in a diff.
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

#include "ir/kernel_program.h"

namespace espalier {
namespace {

constexpr std::string_view kHeader = "espalier-kernel-program 2";
constexpr size_t kFloatsPerLine = 8;
constexpr size_t kMostMessageBytes = 300;  // messages quote words, and a hostile word may be megabytes long
constexpr size_t kIndicesPerLine = 16;

/// How accesses to a buffer are written: `name[row,column]`, `name[column]`, or `name` with the pointer's number.
struct BufferText {
  char name;
  bool has_row, is_pointer;
};
constexpr BufferText kBufferTexts[] = {{'x', true, false}, {'y', true, false}, {'w', false, false},
                                       {'p', false, true}, {'q', false, true}, {'i', false, false}};

std::string print_access(const MicroOp& op) {
  const BufferText& buffer = kBufferTexts[static_cast<int>(op.buffer)];
  std::string text = fmt::format("{}", buffer.name);
  if (buffer.is_pointer) text += std::to_string(op.row);
  text += buffer.has_row ? fmt::format("[{},{}]", op.row, op.column) : fmt::format("[{}]", op.column);
  if (!op_info(op.op).has_lanes) return text;
  return text + (op.lanes == kRemainingLanes ? std::string(":r") : fmt::format(":{}", op.lanes));
}

/// The operands of loops, pointers and cursors, which name no register.
std::string print_control(const MicroOp& op) {
  const char buffer = kBufferTexts[static_cast<int>(op.buffer)].name;
  switch (op.op) {
    case Op::kLoop:
      return fmt::format(" {}", op.column);
    case Op::kLoopIndexed:
      return fmt::format(" i[{}]", op.column);
    case Op::kPoint:
      return fmt::format(" {}{}, i[{}]", buffer, op.row, op.column);
    case Op::kAdvance:
      return fmt::format(" {}, {}", buffer, op.buffer == Buffer::kX ? op.row : op.column);
    default:
      return "";
  }
}

void print_op(std::string& out, const MicroOp& op) {
  const OpInfo& info = op_info(op.op);
  auto at = std::back_inserter(out);
  fmt::format_to(at, "    {}", info.name);
  char separator = ' ';
  auto operand = [&](const std::string& text) {
    out += separator;
    if (separator == ',') out += ' ';
    out += text;
    separator = ',';
  };
  if (info.writes_d || info.reads_d) operand(fmt::format("v{}", op.d));
  if (info.reads_a) operand(fmt::format("v{}{}", op.a, op.op == Op::kSplatLane ? fmt::format(".{}", op.lane) : ""));
  if (info.reads_b) operand(fmt::format("v{}{}", op.b, info.has_lane ? fmt::format(".{}", op.lane) : ""));
  if (info.has_access) operand(print_access(op));
  if (op.op >= Op::kLoop) out += print_control(op);
  out += '\n';
}

/// Reads one line token by token; the first failure sticks.
class LineReader {
 public:
  LineReader(std::string_view line, size_t number) : rest_(line), number_(number) {}

  bool failed() const { return failed_; }
  Error error() const { return bad_input("line {}: {}", number_, message_); }
  void fail(std::string message) {
    if (failed_) return;
    failed_ = true;
    message_ = std::move(message);
    message_.resize(std::min(message_.size(), kMostMessageBytes));
  }

  std::string_view word() {
    skip_spaces();
    size_t n = 0;
    while (n < rest_.size() && rest_[n] != ' ' && rest_[n] != '\t') ++n;
    return take(n);
  }
  bool accept(std::string_view text) {
    skip_spaces();
    if (!rest_.starts_with(text)) return false;
    take(text.size());
    return true;
  }
  void expect(std::string_view text) {
    if (!accept(text)) fail(fmt::format("expected '{}', but found '{}'", text, excerpt()));
  }
  uint64_t number(uint64_t limit) {
    skip_spaces();
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc() || value > limit) {
      fail(fmt::format("expected a number up to {}, but found '{}'", limit, excerpt()));
      return 0;
    }
    take(static_cast<size_t>(end - rest_.data()));
    return value;
  }
  uint32_t number32() { return static_cast<uint32_t>(number(UINT32_MAX)); }
  uint8_t number8() { return static_cast<uint8_t>(number(UINT8_MAX)); }
  float real() {
    skip_spaces();
    const bool negative = rest_.starts_with('-');
    std::string_view digits = rest_.substr(negative ? 1 : 0);
    if (digits.starts_with("inf")) {
      take(negative ? 4 : 3);
      return negative ? -INFINITY : INFINITY;
    }
    float value = 0;
    const bool hex = digits.starts_with("0x");
    if (hex) digits = digits.substr(2);
    // from_chars would also take a second sign, "nan" and "inf" here.
    const bool starts =
        hex && !digits.empty() && (std::isxdigit(static_cast<unsigned char>(digits[0])) || digits[0] == '.');
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::hex);
    if (error != std::errc() || !starts) {
      fail(fmt::format("expected a hexadecimal float, but found '{}'", excerpt()));
      return 0;
    }
    take(static_cast<size_t>(end - rest_.data()));
    return negative ? -value : value;
  }
  uint8_t reg() {
    expect("v");
    return number8();
  }
  bool at_end() {
    skip_spaces();
    return rest_.empty();
  }
  void expect_end() {
    if (!at_end()) fail(fmt::format("unexpected '{}' at the end", excerpt()));
  }

 private:
  void skip_spaces() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\t')) rest_.remove_prefix(1);
  }
  std::string_view take(size_t n) {
    const std::string_view taken = rest_.substr(0, n);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  std::string_view excerpt() const { return rest_.substr(0, 24); }

  std::string_view rest_;
  size_t number_;
  bool failed_ = false;
  std::string message_;
};

/// A buffer's letter, and behind a pointer's its number; false if none of `allowed` stands there.
bool parse_buffer(LineReader& in, MicroOp& op, std::initializer_list<Buffer> allowed) {
  for (const Buffer buffer : allowed) {
    const BufferText& text = kBufferTexts[static_cast<int>(buffer)];
    if (!in.accept(std::string_view(&text.name, 1))) continue;
    op.buffer = buffer;
    if (text.is_pointer) op.row = in.number32();
    return true;
  }
  return false;
}

void parse_access(LineReader& in, MicroOp& op) {
  if (!parse_buffer(in, op, {Buffer::kX, Buffer::kY, Buffer::kW, Buffer::kXAt, Buffer::kYAt}))
    return in.fail("expected an access x[row,column], y[row,column], w[index], p0[column] or q0[column]");
  in.expect("[");
  if (kBufferTexts[static_cast<int>(op.buffer)].has_row) {
    op.row = in.number32();
    in.expect(",");
  }
  op.column = in.number32();
  in.expect("]");
  if (!op_info(op.op).has_lanes) return;
  in.expect(":");
  if (in.accept("r")) return;  // lanes is kRemainingLanes
  op.lanes = in.number8();
  if (op.lanes == 0) in.fail("expected r or at least 1 lane, but found 0");
}

void parse_index_entry(LineReader& in, MicroOp& op) {
  in.expect("i[");
  op.column = in.number32();
  in.expect("]");
}

void parse_advance(LineReader& in, MicroOp& op) {
  if (!parse_buffer(in, op, {Buffer::kX, Buffer::kW, Buffer::kI})) return in.fail("expected a cursor x, w or i");
  in.expect(",");
  (op.buffer == Buffer::kX ? op.row : op.column) = in.number32();
}

void parse_control(LineReader& in, MicroOp& op) {
  if (op.op == Op::kLoop) op.column = in.number32();
  if (op.op == Op::kLoopIndexed) op.buffer = Buffer::kI, parse_index_entry(in, op);
  if (op.op == Op::kAdvance) parse_advance(in, op);
  if (op.op != Op::kPoint) return;
  if (!parse_buffer(in, op, {Buffer::kXAt, Buffer::kYAt})) return in.fail("expected a pointer p0.. or q0..");
  in.expect(",");
  parse_index_entry(in, op);
}

MicroOp parse_op(LineReader& in, std::string_view name) {
  MicroOp op;
  int code = 0;
  while (code < kOpCount && op_info(static_cast<Op>(code)).name != name) ++code;
  if (code == kOpCount) {
    in.fail(fmt::format("unknown operation '{}'", name));
    return op;
  }
  op.op = static_cast<Op>(code);
  const OpInfo& info = op_info(op.op);
  bool first = true;
  auto next = [&] {
    if (!first) in.expect(",");
    first = false;
  };
  auto lane = [&] {
    in.expect(".");
    op.lane = in.number8();
  };
  if (info.writes_d || info.reads_d) next(), op.d = in.reg();
  if (info.reads_a) {
    next(), op.a = in.reg();
    if (op.op == Op::kSplatLane) lane();
  }
  if (info.reads_b) {
    next(), op.b = in.reg();
    if (info.has_lane) lane();
  }
  if (info.has_access) next(), parse_access(in, op);
  if (op.op >= Op::kLoop) parse_control(in, op);
  in.expect_end();
  return op;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<KernelProgram> run() {
    bool ended = false;
    size_t number = 0;
    bool first = true;
    while (!text_.empty() && !ended) {
      const std::string_view line = next_line();
      ++number;
      LineReader in(line, number);
      if (in.at_end() || in.accept("#")) continue;
      if (first) {
        in.expect(kHeader);
        in.expect_end();
        first = false;
      } else {
        ended = parse_line(in);
      }
      if (in.failed()) return in.error();
    }
    if (!ended) return bad_input("line {}: the program has no 'end'", number + 1);
    if (text_.find_first_not_of(" \t\n") != std::string_view::npos)
      return bad_input("line {}: there is text after 'end'", number + 1);
    if (!program_.target.cpu) return bad_input("line {}: the program has no 'kernel' line", number);
    if (program_.stream.size() != stream_count_)
      return bad_input("line {}: the stream has {} values, but announced {}", number, program_.stream.size(),
                       stream_count_);
    if (program_.indices.size() != index_count_)
      return bad_input("line {}: there are {} indices, but {} announced", number, program_.indices.size(),
                       index_count_);
    return std::move(program_);
  }

 private:
  std::string_view next_line() {
    const size_t newline = text_.find('\n');
    const std::string_view line = text_.substr(0, newline);
    text_ = newline == std::string_view::npos ? std::string_view() : text_.substr(newline + 1);
    return line;
  }

  /// Returns true at `end`.
  bool parse_line(LineReader& in) {
    const std::string_view word = in.word();
    if (word == "end") return in.expect_end(), true;
    if (word == "kernel")
      parse_kernel(in);
    else if (word == "shape")
      parse_shape(in);
    else if (word == "pixels")
      program_.pixels = in.accept("any") ? 0 : in.number32();
    else if (word == "strides")
      parse_strides(in);
    else if (word == "panels")
      parse_panels(in);
    else if (word == "block")
      program_.pixel_block = in.number32();
    else if (word == "multiple")
      program_.pixel_multiple = in.number32();
    else if (word == "schedule")
      parse_schedule_line(in);
    else if (word == "stream")
      stream_count_ = in.number(UINT32_MAX);
    else if (word == ".float")
      parse_floats(in);
    else if (word == "indices")
      parse_indices_line(in);
    else if (word == ".index")
      parse_numbers(in, program_.indices);
    else if (word == ".order")
      parse_numbers(in, program_.row_order);
    else if (word == ".outputs")
      parse_numbers(in, program_.output_order);
    else if (word == "group")
      parse_group(in);
    else if (word == "chunk")
      parse_chunk(in);
    else if (word == "tile")
      parse_tile(in);
    else {
      const MicroOp op = parse_op(in, word);
      if (program_.chunks.empty() || program_.chunks.back().tiles.empty())
        return in.fail("operation outside a tile"), false;
      program_.chunks.back().tiles.back().ops.push_back(op);
    }
    in.expect_end();
    return false;
  }

  void parse_kernel(LineReader& in) {
    program_.name = in.word();
    if (!is_c_identifier(program_.name)) in.fail(fmt::format("kernel name '{}' is not a C identifier", program_.name));
    in.expect("target");
    const std::string_view target = in.word();
    in.expect("cpu");
    auto found = find_target(target, in.word());
    if (found)
      program_.target = *found;
    else
      in.fail(found.error().message);
  }
  void parse_shape(LineReader& in) {
    program_.output_channels = in.number32();
    in.expect("x");
    program_.input_channels = in.number32();
    in.expect("nonzeros");
    program_.nonzeros = in.number(UINT64_MAX);
  }
  void parse_strides(LineReader& in) {
    in.expect("input");
    program_.input_stride = in.number32();
    in.expect("output");
    program_.output_stride = in.number32();
  }
  void parse_panels(LineReader& in) {
    in.expect("input");
    program_.input_panel = in.number32();
    in.expect("output");
    program_.output_panel = in.number32();
  }
  void parse_indices_line(LineReader& in) {
    index_count_ = in.number(UINT32_MAX);
    in.expect("bytes");
    program_.index_bytes = in.number32();
    in.expect("shift");
    program_.index_shift = in.number32();
  }
  static void parse_numbers(LineReader& in, std::vector<uint32_t>& numbers) {
    while (!in.failed() && !in.at_end()) numbers.push_back(in.number32());
  }
  void parse_schedule_line(LineReader& in) {
    auto schedule = parse_schedule(in.word());
    if (schedule)
      program_.schedule = *schedule;
    else
      in.fail(schedule.error().message);
  }
  void parse_floats(LineReader& in) {
    while (!in.failed() && !in.at_end()) program_.stream.push_back(in.real());
  }
  void parse_group(LineReader& in) {
    RowGroup group;
    in.expect("rows");
    group.first_row = in.number32();
    group.rows = in.number32();
    in.expect("chunks");
    group.first_chunk = in.number32();
    group.chunks = in.number32();
    program_.groups.push_back(group);
  }
  void parse_chunk(LineReader& in) {
    Chunk chunk;
    in.expect("stream");
    chunk.stream_offset = in.number(UINT64_MAX);
    chunk.stream_count = in.number32();
    if (in.accept("indices")) {
      chunk.index_offset = in.number(UINT64_MAX);
      chunk.index_count = in.number32();
    }
    in.expect("nonzeros");
    chunk.nonzeros = in.number32();
    program_.chunks.push_back(std::move(chunk));
  }
  void parse_tile(LineReader& in) {
    if (program_.chunks.empty()) return in.fail("tile outside a chunk");
    PixelTile tile;
    if (in.accept("remainder"))
      tile.remainder = true;
    else
      tile.width = in.number32();
    program_.chunks.back().tiles.push_back(std::move(tile));
  }

  std::string_view text_;
  KernelProgram program_;
  uint64_t stream_count_ = 0, index_count_ = 0;
};

/// C's %a in the C locale, so that every value reads back exactly. (fmt's {:a} would follow the process's locale.)
std::string hex_float(float value) {
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.begin(), digits.end(), double{std::fabs(value)}, std::chars_format::hex).ptr;
  return fmt::format("{}0x{}", std::signbit(value) ? "-" : "", std::string_view(digits.begin(), end));
}

void print_numbers(std::string& out, std::string_view word, const std::vector<uint32_t>& numbers) {
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (i % kIndicesPerLine == 0) (out += i == 0 ? "" : "\n") += word;
    out += ' ';
    out += std::to_string(numbers[i]);
  }
  if (!numbers.empty()) out += '\n';
}

}  // namespace

std::string print(const KernelProgram& p) {
  std::string out;
  auto at = std::back_inserter(out);
  fmt::format_to(at, "{}\n", kHeader);
  fmt::format_to(at, "kernel {} target {} cpu {}\n", p.name, p.target.name, p.target.cpu->name);
  fmt::format_to(at, "shape {} x {} nonzeros {}\n", p.output_channels, p.input_channels, p.nonzeros);
  fmt::format_to(at, "pixels {}\n", p.pixels ? std::to_string(p.pixels) : "any");
  fmt::format_to(at, "strides input {} output {}\n", p.input_stride, p.output_stride);
  if (p.input_panel || p.output_panel)
    fmt::format_to(at, "panels input {} output {}\n", p.input_panel, p.output_panel);
  fmt::format_to(at, "block {}\n", p.pixel_block);
  if (p.pixel_multiple != 1) fmt::format_to(at, "multiple {}\n", p.pixel_multiple);
  fmt::format_to(at, "schedule {}\n", to_string(p.schedule));
  fmt::format_to(at, "stream {}\n", p.stream.size());
  for (size_t i = 0; i < p.stream.size(); ++i) {
    if (i % kFloatsPerLine == 0) out += i == 0 ? ".float" : "\n.float";
    out += ' ';
    out += hex_float(p.stream[i]);
  }
  if (!p.stream.empty()) out += '\n';
  if (!p.indices.empty())
    fmt::format_to(at, "indices {} bytes {} shift {}\n", p.indices.size(), p.index_bytes, p.index_shift);
  print_numbers(out, ".index", p.indices);
  print_numbers(out, ".order", p.row_order);
  print_numbers(out, ".outputs", p.output_order);
  for (const RowGroup& g : p.groups)
    fmt::format_to(at, "group rows {} {} chunks {} {}\n", g.first_row, g.rows, g.first_chunk, g.chunks);
  for (const Chunk& c : p.chunks) {
    fmt::format_to(at, "chunk stream {} {}", c.stream_offset, c.stream_count);
    if (c.index_count) fmt::format_to(at, " indices {} {}", c.index_offset, c.index_count);
    fmt::format_to(at, " nonzeros {}\n", c.nonzeros);
    for (const PixelTile& t : c.tiles) {
      fmt::format_to(at, "  tile {}\n", t.remainder ? "remainder" : std::to_string(t.width));
      for (const MicroOp& op : t.ops) print_op(out, op);
    }
  }
  return out + "end\n";
}

Result<KernelProgram> parse_kernel_program(std::string_view text) { return Parser(text).run(); }

}  // namespace espalier
