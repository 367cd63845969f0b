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

/// Rows of `stride` floats, of which [first, first + pixels) may be touched.
struct Region {
  float* data = nullptr;
  uint64_t rows = 0, stride = 0, first = 0, pixels = 0;
  bool writable = false;
};

class Machine {
 public:
  Machine(const Region (&regions)[3], uint64_t pixels) {
    for (size_t i = 0; i < 3; ++i) regions_[i] = regions[i];
    for (Vector& v : vectors_) v.fill(std::nanf(""));
    gprs_["rdi"] = kBases[0] + regions[0].first * 4;
    gprs_["rsi"] = kBases[1] + regions[1].first * 4;
    gprs_["rdx"] = kBases[2];
    gprs_["rcx"] = pixels;
  }

  std::string run(const std::vector<Instruction>& code, uint64_t size) {
    std::map<uint64_t, size_t> by_offset;
    for (size_t i = 0; i < code.size(); ++i) by_offset[code[i].offset] = i;
    for (size_t i = 0; i < code.size();) {
      const Instruction& inst = code[i];
      if (inst.name == "retq") return clean_ ? "" : "returns without vzeroupper";
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
  void fail(std::string message) {
    if (error_.empty()) error_ = std::move(message);
  }

  float* element(uint64_t address, bool write) {
    static float nothing;
    for (size_t i = 0; i < 3; ++i) {
      const Region& r = regions_[i];
      const uint64_t index = (address - kBases[i]) / 4, row = index / r.stride, column = index % r.stride;
      if (address % 4 != 0 || address < kBases[i] || row >= r.rows) continue;
      if (column < r.first || column >= r.first + r.pixels || (write && !r.writable)) break;
      return r.data + index;
    }
    fail(fmt::format("{} outside of the rows' pixels", write ? "writes" : "reads"));
    return &nothing;
  }

  uint64_t address(const Operand& o) { return gprs_[o.reg] + static_cast<uint64_t>(o.value); }

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
      if (active(inst, i)) v[i] = *element(address(o) + i * 4, false);
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
  /// Immediates and registers; eax is the low half of rax, cl of rcx.
  uint64_t scalar(const Operand& o) {
    if (o.kind == Operand::Kind::kImmediate) return static_cast<uint64_t>(o.value);
    return o.reg == "cl" ? gprs_["rcx"] & 0xff : gprs_[o.reg];
  }
  uint64_t& destination(const Instruction& inst) {
    has_flags_ = false;
    return gprs_[inst.operands.back().reg];
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
        {"movl", [](Machine& m, const Instruction& i) { m.destination(i) = uint32_t(m.scalar(i.operands[0])); }},
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
        {"je", [](Machine& m, const Instruction& i) { m.jump(i, m.compared_a_ == m.compared_b_); }},
        {"vzeroupper", [](Machine& m, const Instruction&) { m.clean_ = true; }},
    };
    const auto found = kHandlers.find(inst.name);
    if (found == kHandlers.end()) return fail("the emulator does not know this instruction");
    found->second(*this, inst);
  }

  Region regions_[3];
  std::array<Vector, 32> vectors_;
  std::map<std::string, uint64_t> gprs_;
  uint64_t mask_ = 0, compared_a_ = 0, compared_b_ = 0;
  bool has_flags_ = false, clean_ = true;
  int64_t jump_ = 0;
  std::string error_;
};

}  // namespace

std::string emulate(const KernelProgram& p, std::span<const float> x, std::span<float> y, uint32_t pixels) {
  auto encoder = x86_64::Encoder::create(p.target.vector->has_masks);
  auto codes = assemble_x86_64(p);
  if (!encoder || !codes) return "does not assemble";
  std::vector<std::vector<Instruction>> chunks;
  for (const std::string& code : *codes) chunks.push_back(parse_listing((*encoder)->mc().disassemble(code)));
  std::vector<float> stream = p.stream;
  auto* input = const_cast<float*>(x.data());  // regions say what may be written
  for (uint64_t first = 0; first < pixels; first += p.pixel_block) {
    const uint64_t count = std::min<uint64_t>(p.pixel_block, pixels - first);
    for (size_t c = 0; c < chunks.size(); ++c) {
      const uint64_t weights = p.chunks[c].stream_count;
      const Region regions[3] = {{input, p.input_channels, p.input_stride, first, count, false},
                                 {y.data(), p.output_channels, p.output_stride, first, count, true},
                                 {stream.data() + p.chunks[c].stream_offset, 1, weights + 1, 0, weights, false}};
      const std::string error = Machine(regions, count).run(chunks[c], (*codes)[c].size());
      if (!error.empty()) return fmt::format("chunk {} of pixels {}+{}: {}", c, first, count, error);
    }
  }
  return {};
}

}  // namespace espalier::test
