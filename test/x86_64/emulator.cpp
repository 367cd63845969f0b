#include "test/x86_64/emulator.h"

#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>

#include "backends/x86_64/x86_64_assembler.h"
#include "backends/x86_64/x86_64_instructions.h"
#include "test/x86_64/instruction_text.h"

namespace espalier::test {
namespace {

constexpr size_t kLanes = 16;
using Vector = std::array<float, kLanes>;

/// Buffers stand far apart in the emulated address space, so that no wrong offset reaches another one.
constexpr uint64_t kBases[] = {uint64_t{1} << 40, uint64_t{2} << 40, uint64_t{3} << 40};
constexpr uint64_t kIndexBase = uint64_t{4} << 40;
/// Registers that belong to the caller, and what stands in them at the call.
constexpr const char* kCallersRegisters[] = {"rbx", "rbp", "r12", "r13", "r14", "r15"};
constexpr uint64_t kCallersValue = 0x5a5a'5a5a'5a5a'0000;

/// Rows of `stride` floats, or panels of `rows` rows of `panel` floats, of which the pixels [first, first + pixels) may
/// be touched.
struct Region {
  float* data = nullptr;
  uint64_t rows = 0, stride = 0, first = 0, pixels = 0;
  bool writable = false;
  uint64_t panel = 0;

  /// Where pixel `first` of row 0 stands.
  uint64_t start() const { return panel ? first / panel * rows * panel + first % panel : first; }
  bool holds(uint64_t index) const {
    if (panel == 0) return index / stride < rows && is_in(index % stride);
    return is_in(index / (rows * panel) * panel + index % panel);
  }
  bool is_in(uint64_t pixel) const { return pixel >= first && pixel < first + pixels; }
};

/// eax, r10d, cl: the register that these are the low part of.
std::string whole_register(const std::string& name) {
  if (name == "cl") return "rcx";
  if (name[0] == 'e') return "r" + name.substr(1);
  if (name[0] == 'r' && name.back() == 'd') return name.substr(0, name.size() - 1);
  return name;
}
bool is_half(const std::string& name) { return whole_register(name) != name; }

class Machine {
 public:
  /// `indices`: the chunk's entries as emitted code reads them.
  Machine(const Region (&regions)[3], std::string_view indices, uint64_t pixels) : indices_(indices) {
    for (size_t i = 0; i < 3; ++i) regions_[i] = regions[i];
    for (Vector& v : vectors_) v.fill(std::nanf(""));
    const char* kArguments[] = {"rdi", "rsi", "rdx"};
    for (size_t i = 0; i < 3; ++i) gprs_[kArguments[i]] = kBases[i] + regions[i].start() * 4;
    gprs_["rcx"] = pixels;
    gprs_["r8"] = kIndexBase;
    for (const char* reg : kCallersRegisters) gprs_[reg] = kCallersValue + static_cast<uint8_t>(reg[1]);
  }

  std::string run(const std::vector<Instruction>& code, uint64_t size) {
    std::map<uint64_t, size_t> by_offset;
    for (size_t i = 0; i < code.size(); ++i) by_offset[code[i].offset] = i;
    for (size_t i = 0; i < code.size();) {
      const Instruction& inst = code[i];
      if (inst.name == "retq") return what_the_caller_misses();
      jump_ = 0;
      execute(inst);
      if (!error_.empty()) return fmt::format("at {:#x}, {}: {}", inst.offset, inst.text, error_);
      const uint64_t end = i + 1 < code.size() ? code[i + 1].offset : size;
      const auto next = by_offset.find(end + static_cast<uint64_t>(jump_));
      if (next == by_offset.end()) return fmt::format("at {:#x}: goes on outside of the code", inst.offset);
      i = next->second;
    }
    return "runs past its end";
  }

 private:
  std::string what_the_caller_misses() {
    if (!clean_) return "returns without vzeroupper";
    if (!stack_.empty()) return "returns to what it has pushed";
    for (const char* reg : kCallersRegisters)
      if (gprs_[reg] != kCallersValue + static_cast<uint8_t>(reg[1])) return fmt::format("does not restore {}", reg);
    return "";
  }

  void fail(std::string message) {
    if (error_.empty()) error_ = std::move(message);
  }

  float* element(uint64_t address, bool write) {
    static float nothing;
    for (size_t i = 0; i < 3; ++i) {
      const Region& r = regions_[i];
      const uint64_t index = (address - kBases[i]) / 4;
      if (address % 4 != 0 || address < kBases[i] || address >= kBases[i] + kBases[0] / 2) continue;
      if (!r.holds(index) || (write && !r.writable)) break;
      return r.data + index;
    }
    fail(fmt::format("{} outside of the rows' pixels", write ? "writes" : "reads"));
    return &nothing;
  }

  uint64_t address(const Operand& o) {
    const uint64_t index = o.index.empty() ? 0 : gprs_[o.index] * o.scale;
    return gprs_[o.reg] + index + static_cast<uint64_t>(o.value);
  }

  /// An index entry: unsigned, of 2 or 4 bytes.
  uint64_t entry(const Operand& o, size_t bytes) {
    const uint64_t at = address(o) - kIndexBase;
    uint32_t value = 0;
    if (at % bytes != 0 || at + bytes > indices_.size()) return fail("reads outside of the chunk's indices"), 0;
    std::memcpy(&value, indices_.data() + at, bytes);
    return value;
  }

  Vector& vector(const Operand& o) {
    for (const char* prefix : {"xmm", "ymm", "zmm"})
      if (const int n = register_number(prefix, o.reg); n >= 0) return vectors_[static_cast<size_t>(n)];
    fail("not a vector register: " + o.reg);
    return vectors_[0];
  }
  static size_t lanes_of(const Operand& o) { return o.reg[0] == 'x' ? 4 : o.reg[0] == 'y' ? 8 : 16; }

  bool active(const Instruction& inst, size_t lane) const { return !inst.masked || (mask_ >> lane & 1); }

  /// Lanes from memory or a register; inactive lanes touch no memory.
  Vector read(const Instruction& inst, const Operand& o, size_t lanes) {
    if (o.kind == Operand::Kind::kRegister) return vector(o);
    Vector v{};
    for (size_t i = 0; i < lanes; ++i)
      if (active(inst, i)) v[i] = *element(address(o) + (o.splat ? 0 : i * 4), false);
    return v;
  }

  /// Writing part of a register clears the rest.
  void write(const Operand& d, Vector v, size_t lanes) {
    for (size_t i = lanes; i < kLanes; ++i) v[i] = 0;
    vector(d) = v;
    clean_ = false;
  }

  void move(const Instruction& inst, size_t lanes) {
    const Operand &from = inst.operands[0], &to = inst.operands[1];
    const Vector v = read(inst, from, lanes);
    if (to.kind == Operand::Kind::kRegister && inst.masked && !inst.zeroing)
      return fail("merges, which no kernel does");
    if (to.kind == Operand::Kind::kRegister) return write(to, v, lanes);
    for (size_t i = 0; i < lanes; ++i)
      if (active(inst, i)) *element(address(to) + i * 4, true) = v[i];
  }
  size_t move_lanes(const Instruction& inst) const {
    const Operand& o = inst.operands[inst.operands[1].kind == Operand::Kind::kRegister];
    return lanes_of(o);
  }

  void multiply_add(const Instruction& inst) {
    const Operand& d = inst.operands[2];
    const Vector a = read(inst, inst.operands[0], lanes_of(d)), b = vector(inst.operands[1]);
    Vector sum = vector(d);
    for (size_t i = 0; i < lanes_of(d); ++i)
      if (active(inst, i)) sum[i] = std::fma(b[i], a[i], sum[i]);
    write(d, sum, lanes_of(d));
  }

  void lane_wise(const Instruction& inst, const std::function<float(float, float)>& f) {
    const Operand& d = inst.operands[2];
    const Vector second = vector(inst.operands[0]), first = vector(inst.operands[1]);
    Vector v{};
    for (size_t i = 0; i < lanes_of(d); ++i) v[i] = f(first[i], second[i]);
    write(d, v, lanes_of(d));
  }

  void zero(const Instruction& inst) {
    if (inst.operands[0].reg != inst.operands[1].reg) return fail("xor of two registers, which no kernel needs");
    write(inst.operands[2], {}, lanes_of(inst.operands[2]));
  }

  void permute(const Instruction& inst) {
    const auto control = static_cast<uint32_t>(inst.operands[0].value);
    const Vector from = vector(inst.operands[1]);
    Vector v{};
    for (size_t i = 0; i < kLanes; ++i) v[i] = from[i / 4 * 4 + (control >> (i % 4 * 2) & 3)];
    write(inst.operands[2], v, lanes_of(inst.operands[2]));
  }

  void broadcast(const Instruction& inst, size_t period) {
    Vector v{};
    for (size_t i = 0; i < kLanes; ++i) v[i] = *element(address(inst.operands[0]) + i % period * 4, false);
    write(inst.operands[1], v, lanes_of(inst.operands[1]));
  }

  void compare(uint64_t a, uint64_t b) { compared_a_ = a, compared_b_ = b, has_flags_ = true; }
  void jump(const Instruction& inst, bool taken) {
    if (!has_flags_) fail("jumps by flags that no compare has set");
    if (taken) jump_ = inst.operands[0].value;
  }
  uint64_t scalar(const Operand& o) {
    if (o.kind == Operand::Kind::kImmediate) return static_cast<uint64_t>(o.value);
    const uint64_t whole = gprs_[whole_register(o.reg)];
    return o.reg == "cl" ? whole & 0xff : is_half(o.reg) ? uint32_t(whole) : whole;
  }
  uint64_t& destination(const Instruction& inst) {
    has_flags_ = false;
    return gprs_[whole_register(inst.operands.back().reg)];
  }
  void move_half(const Instruction& inst) {
    const Operand& from = inst.operands[0];
    destination(inst) = from.kind == Operand::Kind::kMemory ? entry(from, 4) : uint32_t(scalar(from));
  }
  /// Leaves flags as a comparison of the difference with 0 would; no kernel asks for more.
  void subtract_half(const Instruction& inst) {
    uint64_t& d = destination(inst);
    d = uint32_t(d - scalar(inst.operands[0]));
    compare(d, 0);
  }
  void pop(const Instruction& inst) {
    if (stack_.empty()) return fail("pops what it has not pushed");
    gprs_[inst.operands[0].reg] = stack_.back();
    stack_.pop_back();
  }

  void execute(const Instruction& inst) {
    using Handler = void (*)(Machine&, const Instruction&);
    static const std::map<std::string, Handler, std::less<>> kHandlers = {
        {"vmovups", [](Machine& m, const Instruction& i) { m.move(i, m.move_lanes(i)); }},
        {"vmovaps", [](Machine& m, const Instruction& i) { m.move(i, m.move_lanes(i)); }},
        {"vmovsd", [](Machine& m, const Instruction& i) { m.move(i, 2); }},
        {"vmovss", [](Machine& m, const Instruction& i) { m.move(i, 1); }},
        {"vbroadcastss", [](Machine& m, const Instruction& i) { m.broadcast(i, 1); }},
        {"vbroadcastf128", [](Machine& m, const Instruction& i) { m.broadcast(i, 4); }},
        {"vbroadcastf32x4", [](Machine& m, const Instruction& i) { m.broadcast(i, 4); }},
        {"vpermilps", [](Machine& m, const Instruction& i) { m.permute(i); }},
        {"vfmadd231ps", [](Machine& m, const Instruction& i) { m.multiply_add(i); }},
        {"vmaxps",
         [](Machine& m, const Instruction& i) { m.lane_wise(i, [](float a, float b) { return a > b ? a : b; }); }},
        {"vminps",
         [](Machine& m, const Instruction& i) { m.lane_wise(i, [](float a, float b) { return a < b ? a : b; }); }},
        {"vxorps", [](Machine& m, const Instruction& i) { m.zero(i); }},
        {"vpxord", [](Machine& m, const Instruction& i) { m.zero(i); }},
        {"prefetcht0", [](Machine&, const Instruction&) {}},
        {"prefetcht1", [](Machine&, const Instruction&) {}},
        {"prefetchw", [](Machine&, const Instruction&) {}},
        {"leaq", [](Machine& m, const Instruction& i) { m.gprs_[i.operands[1].reg] = m.address(i.operands[0]); }},
        {"addq", [](Machine& m, const Instruction& i) { m.destination(i) += m.scalar(i.operands[0]); }},
        {"subq", [](Machine& m, const Instruction& i) { m.destination(i) -= m.scalar(i.operands[0]); }},
        {"cmpq", [](Machine& m, const Instruction& i) { m.compare(m.scalar(i.operands[1]), m.scalar(i.operands[0])); }},
        {"testq",
         [](Machine& m, const Instruction& i) { m.compare(m.scalar(i.operands[1]) & m.scalar(i.operands[0]), 0); }},
        {"testl",
         [](Machine& m, const Instruction& i) { m.compare(m.scalar(i.operands[1]) & m.scalar(i.operands[0]), 0); }},
        {"movl", [](Machine& m, const Instruction& i) { m.move_half(i); }},
        {"movzwl", [](Machine& m, const Instruction& i) { m.destination(i) = m.entry(i.operands[0], 2); }},
        {"movq", [](Machine& m, const Instruction& i) { m.destination(i) = m.scalar(i.operands[0]); }},
        {"pushq", [](Machine& m, const Instruction& i) { m.stack_.push_back(m.scalar(i.operands[0])); }},
        {"popq", [](Machine& m, const Instruction& i) { m.pop(i); }},
        {"subl", [](Machine& m, const Instruction& i) { m.subtract_half(i); }},
        {"decl",
         [](Machine& m, const Instruction& i) {
           uint64_t& d = m.destination(i);
           d = uint32_t(d - 1);
           m.compare(d, 0);
         }},
        {"shll",
         [](Machine& m, const Instruction& i) {
           uint64_t& d = m.destination(i);
           d = uint32_t(d << (m.scalar(i.operands[0]) & 31));
         }},
        {"addl",
         [](Machine& m, const Instruction& i) {
           uint64_t& d = m.destination(i);
           d = uint32_t(d + m.scalar(i.operands[0]));
         }},
        {"kmovw", [](Machine& m, const Instruction& i) { m.mask_ = m.scalar(i.operands[0]) & 0xffff; }},
        {"jb", [](Machine& m, const Instruction& i) { m.jump(i, m.compared_a_ < m.compared_b_); }},
        {"jae", [](Machine& m, const Instruction& i) { m.jump(i, m.compared_a_ >= m.compared_b_); }},
        {"jne", [](Machine& m, const Instruction& i) { m.jump(i, m.compared_a_ != m.compared_b_); }},
        {"je", [](Machine& m, const Instruction& i) { m.jump(i, m.compared_a_ == m.compared_b_); }},
        {"vzeroupper", [](Machine& m, const Instruction&) { m.clean_ = true; }},
    };
    const auto found = kHandlers.find(inst.name);
    if (found == kHandlers.end()) return fail("the emulator does not know this instruction");
    found->second(*this, inst);
  }

  Region regions_[3];
  std::array<Vector, 32> vectors_;
  std::string_view indices_;
  std::map<std::string, uint64_t> gprs_;
  std::vector<uint64_t> stack_;
  uint64_t mask_ = 0, compared_a_ = 0, compared_b_ = 0;
  bool has_flags_ = false, clean_ = true;
  int64_t jump_ = 0;
  std::string error_;
};

/// As emitted code reads them: little-endian entries of index_bytes.
std::string emitted_indices(const KernelProgram& p, const Chunk& chunk) {
  std::string bytes;
  for (uint64_t i = 0; i < chunk.index_count; ++i)
    bytes.append(reinterpret_cast<const char*>(&p.indices[chunk.index_offset + i]), p.index_bytes);
  return bytes;
}

}  // namespace

std::string emulate(const KernelProgram& p, std::span<const float> x, std::span<float> y, uint32_t pixels) {
  auto encoder = x86_64::Encoder::create(p.target.vector->has_masks);
  auto codes = assemble_x86_64(p);
  if (!encoder || !codes) return "does not assemble";
  std::vector<std::vector<Instruction>> chunks;
  for (const std::string& code : *codes) chunks.push_back(parse_listing((*encoder)->mc().disassemble(code)));
  std::vector<float> stream = p.stream;
  auto* input = const_cast<float*>(x.data());  // regions say what may be written
  const uint64_t padded = p.padded(pixels);
  for (uint64_t first = 0; first < padded; first += p.pixel_block) {
    const uint64_t count = std::min<uint64_t>(p.pixel_block, padded - first);
    for (size_t c = 0; c < chunks.size(); ++c) {
      const uint64_t weights = p.chunks[c].stream_count;
      const Region regions[3] = {{input, p.input_channels, p.input_stride, first, count, false, p.input_panel},
                                 {y.data(), p.output_channels, p.output_stride, first, count, true, p.output_panel},
                                 {stream.data() + p.chunks[c].stream_offset, 1, weights + 1, 0, weights, false}};
      const std::string error =
          Machine(regions, emitted_indices(p, p.chunks[c]), count).run(chunks[c], (*codes)[c].size());
      if (!error.empty()) return fmt::format("chunk {} of pixels {}+{}: {}", c, first, count, error);
    }
  }
  return {};
}

}  // namespace espalier::test
