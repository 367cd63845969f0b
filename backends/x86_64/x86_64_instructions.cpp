#include "backends/x86_64/x86_64_instructions.h"

#include <bit>
#include <cstring>
#include <deque>

#include "llvm/ADT/SmallVector.h"
#include "llvm/MC/MCInstBuilder.h"

namespace espalier::x86_64 {
namespace {

/// Which register operands an instruction has, in LLVM's order, before or after its memory operand.
enum class Shape : uint8_t {
  kZero,
  kLoad,
  kLoadMasked,
  kStore,
  kStoreMasked,
  kFma,
  kFmaLoad,
  kFmaLoadMasked,
  kFmaSplat,
  kTwo,
  kCopy,
  kSplatLane,
  kMemory
};
/// Which registers the table's names have: full vectors of the ISA, of which avx512 has instructions of half and a
/// quarter of the width, too; full vectors only; or xmm.
enum class Registers : uint8_t { kAnyWidth, kFull, kXmm };

struct InstInfo {
  const char* avx2;  // LLVM's name, or null where the ISA has no such form
  const char* avx512;
  Shape shape;
  Registers registers;
  uint8_t evex_unit;  // bytes an 8-bit displacement counts in under EVEX; VEX counts in 1
};
constexpr InstInfo kInsts[kInstCount] = {
    /* kZero */ {"VXORPSrr", "VPXORDZrr", Shape::kZero, Registers::kFull, 1},
    /* kLoad */ {"VMOVUPSYrm", "VMOVUPSZrm", Shape::kLoad, Registers::kAnyWidth, 64},
    /* kLoad4 */ {"VMOVUPSrm", "VMOVUPSrm", Shape::kLoad, Registers::kXmm, 1},
    /* kLoad2 */ {"VMOVSDrm", "VMOVSDrm", Shape::kLoad, Registers::kXmm, 1},
    /* kLoad1 */ {"VMOVSSrm", "VMOVSSrm", Shape::kLoad, Registers::kXmm, 1},
    /* kLoadMasked */ {nullptr, "VMOVUPSZrmkz", Shape::kLoadMasked, Registers::kAnyWidth, 64},
    /* kStore */ {"VMOVUPSYmr", "VMOVUPSZmr", Shape::kStore, Registers::kAnyWidth, 64},
    /* kStore4 */ {"VMOVUPSmr", "VMOVUPSmr", Shape::kStore, Registers::kXmm, 1},
    /* kStore2 */ {"VMOVSDmr", "VMOVSDmr", Shape::kStore, Registers::kXmm, 1},
    /* kStore1 */ {"VMOVSSmr", "VMOVSSmr", Shape::kStore, Registers::kXmm, 1},
    /* kStoreMasked */ {nullptr, "VMOVUPSZmrk", Shape::kStoreMasked, Registers::kAnyWidth, 64},
    /* kCopy */ {"VMOVAPSYrr", "VMOVAPSZrr", Shape::kCopy, Registers::kAnyWidth, 1},
    /* kLoadGroup */ {"VBROADCASTF128rm", "VBROADCASTF32X4rm", Shape::kLoad, Registers::kAnyWidth, 16},
    /* kSplatLane */ {"VPERMILPSYri", "VPERMILPSZri", Shape::kSplatLane, Registers::kAnyWidth, 1},
    /* kSplatLoad */ {"VBROADCASTSSYrm", "VBROADCASTSSZrm", Shape::kLoad, Registers::kAnyWidth, 4},
    /* kFma */ {"VFMADD231PSYr", "VFMADD231PSZr", Shape::kFma, Registers::kAnyWidth, 1},
    /* kFmaLoad */ {"VFMADD231PSYm", "VFMADD231PSZm", Shape::kFmaLoad, Registers::kAnyWidth, 64},
    /* kFmaLoadMasked */ {nullptr, "VFMADD231PSZmk", Shape::kFmaLoadMasked, Registers::kAnyWidth, 64},
    /* kFmaSplat */ {nullptr, "VFMADD231PSZmb", Shape::kFmaSplat, Registers::kAnyWidth, 4},
    /* kMax */ {"VMAXPSYrr", "VMAXPSZrr", Shape::kTwo, Registers::kAnyWidth, 1},
    /* kMin */ {"VMINPSYrr", "VMINPSZrr", Shape::kTwo, Registers::kAnyWidth, 1},
    /* kPrefetch */ {"PREFETCHT0", "PREFETCHT0", Shape::kMemory, Registers::kFull, 1},
    /* kPrefetchWrite */ {"PREFETCHW", "PREFETCHW", Shape::kMemory, Registers::kFull, 1},
    /* kPrefetchFar */ {"PREFETCHT1", "PREFETCHT1", Shape::kMemory, Registers::kFull, 1},
};
constexpr const char* kGprNames[kGprCount] = {"RDI", "RSI", "RDX", "RCX", "R8",  "R9",  "R10", "R11",
                                              "RAX", "RBX", "R12", "R13", "R14", "R15", "RBP"};
constexpr const char* kHalfNames[kGprCount] = {"EDI", "ESI", "EDX",  "ECX",  "R8D",  "R9D",  "R10D", "R11D",
                                               "EAX", "EBX", "R12D", "R13D", "R14D", "R15D", "EBP"};

// X86::CondCode values are part of the instruction set: they are the low bits of the jump's opcode.
constexpr int64_t kBelow = 2, kNotBelow = 3, kZero = 4, kNotZero = 5;

// Stands in for a 32-bit displacement; odd, so that no EVEX unit divides it.
constexpr int32_t kFar = 0x12345671;

constexpr int kFullBytes = 64;  // of a register; what reads less of memory does so at every width

constexpr size_t kRegisters = 32, kDisplacements = 3;

/// LLVM's name of an avx512 instruction at a width: VFMADD231PSZr, VFMADD231PSZ256r, VFMADD231PSZ128r. A group of four
/// floats is a whole register of 128 bits.
std::string name_at(std::string_view full, Width width) {
  std::string name(full);
  if (full == "VBROADCASTF32X4rm" && width != Width::kFull)
    return width == Width::kHalf ? "VBROADCASTF32X4Z256rm" : "VMOVUPSZ128rm";
  if (width != Width::kFull) name.insert(name.find("SZ") + 2, width == Width::kHalf ? "256" : "128");
  return name;
}

bool has_memory(Inst inst) {
  const Shape shape = kInsts[static_cast<int>(inst)].shape;
  return shape != Shape::kZero && shape != Shape::kFma && shape != Shape::kTwo && shape != Shape::kCopy &&
         shape != Shape::kSplatLane;
}

}  // namespace

Result<std::unique_ptr<Encoder>> Encoder::create(bool avx512) {
  auto mc = McTarget::create("x86_64-unknown-linux-gnu", "", avx512 ? "+avx2,+fma,+avx512f,+avx512vl" : "+avx2,+fma");
  if (!mc) return std::move(mc).error();
  std::unique_ptr<Encoder> encoder(new Encoder);
  encoder->mc_ = *std::move(mc);
  if (Status s = encoder->resolve(avx512); !s) return std::move(s).error();
  return encoder;
}

Status Encoder::resolve(bool avx512) {
  avx512_ = avx512;
  std::vector<std::pair<const char*, unsigned*>> wanted = {
      {"LEA64r", &lea_},         {"ADD64ri32", &add_},
      {"SUB64ri32", &sub_},      {"CMP64ri32", &cmp_},
      {"TEST64rr", &test_},      {"JCC_4", &jcc_},
      {"MOV32ri", &mov_},        {"SHL32rCL", &shl_},
      {"ADD32ri", &add32_},      {"VZEROUPPER", &vzeroupper_},
      {"RET64", &ret_},          {"PUSH64r", &push_},
      {"POP64r", &pop_},         {"MOV64rr", &move_},
      {"MOVZX32rm16", &load16_}, {"MOV32rm", &load32_},
      {"SUB32ri8", &sub32_},     {"TEST32rr", &test32_},
  };
  if (avx512) wanted.push_back({"KMOVWkr", &kmov_});
  std::deque<std::string> narrow_names;  // `wanted` points into them
  for (int i = 0; i < kInstCount; ++i) {
    const InstInfo& info = kInsts[i];
    const char* name = avx512 ? info.avx512 : info.avx2;
    if (name) wanted.push_back({name, &opcodes_[i][0]});
    std::fill_n(units_[i], kWidthCount, avx512 ? info.evex_unit : 1);
    if (!avx512 || info.registers != Registers::kAnyWidth) continue;
    for (const Width width : {Width::kHalf, Width::kQuarter}) {
      const int w = static_cast<int>(width);
      wanted.push_back({narrow_names.emplace_back(name_at(name, width)).c_str(), &opcodes_[i][w]});
      units_[i][w] = info.evex_unit < kFullBytes ? info.evex_unit : info.evex_unit >> w;
    }
  }
  if (Status s = mc_->find_opcodes(wanted); !s) return s;
  std::vector<std::string> names;
  for (const char* name : kGprNames) names.push_back(name);
  for (const char* name : kHalfNames) names.push_back(name);
  names.insert(names.end(), {"EAX", "K1"});
  const int registers = avx512 ? 32 : 16;
  for (int i = 0; i < registers; ++i) names.push_back(fmt::format("{}{}", avx512 ? "ZMM" : "YMM", i));
  for (int i = 0; i < registers; ++i) names.push_back(fmt::format("YMM{}", i));
  for (int i = 0; i < registers; ++i) names.push_back(fmt::format("XMM{}", i));
  auto found = mc_->find_registers(names);
  if (!found) return std::move(found).error();
  std::copy_n(found->begin(), kGprCount, gprs_);
  std::copy_n(found->begin() + kGprCount, kGprCount, halves_);
  eax_ = (*found)[2 * kGprCount];
  k1_ = (*found)[2 * kGprCount + 1];
  const auto vectors = found->begin() + 2 * kGprCount + 2;
  full_.assign(vectors, vectors + registers);
  ymm_.assign(vectors + registers, vectors + 2 * registers);
  xmm_.assign(vectors + 2 * registers, vectors + 3 * registers);
  return {};
}

Encoder::Displacement Encoder::displacement_class(Inst inst, const Operands& o) const {
  if (o.displacement == 0) return Displacement::kNone;
  return fits_byte(o.displacement, displacement_unit(inst, o.width)) ? Displacement::kByte : Displacement::kWord;
}

Encoder::Encoded& Encoder::memo(Inst inst, const Operands& o, Displacement size) {
  const size_t form = static_cast<size_t>(inst) * kWidthCount + static_cast<size_t>(o.width);
  std::vector<Encoded>& page = memo_[form * kRegisters + o.d];
  if (page.empty()) page.resize(kRegisters * kRegisters * kDisplacements);
  // Either a third register or a base, never both.
  const size_t last = has_memory(inst) ? static_cast<size_t>(o.base) : o.t;
  return page[(o.s * kRegisters + last) * kDisplacements + static_cast<size_t>(size)];
}

Encoder::Encoded Encoder::encode(Inst inst, const Operands& o, Displacement size) const {
  const InstInfo& info = kInsts[static_cast<int>(inst)];
  const bool quarter = info.registers == Registers::kXmm || o.width == Width::kQuarter;
  const auto& registers = quarter ? xmm_ : o.width == Width::kHalf ? ymm_ : full_;
  llvm::MCInst mc;
  mc.setOpcode(opcodes_[static_cast<int>(inst)][static_cast<int>(o.width)]);
  auto add = [&](llvm::MCRegister reg) { mc.addOperand(llvm::MCOperand::createReg(reg)); };
  auto memory = [&] {
    const int32_t stand_in = size == Displacement::kNone   ? 0
                             : size == Displacement::kByte ? displacement_unit(inst, o.width)
                                                           : kFar;
    add(gprs_[static_cast<int>(o.base)]);
    mc.addOperand(llvm::MCOperand::createImm(1));
    add(llvm::MCRegister());
    mc.addOperand(llvm::MCOperand::createImm(stand_in));
    add(llvm::MCRegister());
  };
  switch (info.shape) {
    case Shape::kZero: {
      // xor of the low part clears the whole register, in fewer bytes; EVEX names registers past 15.
      const llvm::MCRegister d = avx512_ ? full_[o.d] : xmm_[o.d];
      add(d), add(d), add(d);
      break;
    }
    case Shape::kLoad:
      add(registers[o.d]), memory();
      break;
    case Shape::kLoadMasked:
      add(registers[o.d]), add(k1_), memory();
      break;
    case Shape::kStore:
      memory(), add(registers[o.d]);
      break;
    case Shape::kStoreMasked:
      memory(), add(k1_), add(registers[o.d]);
      break;
    case Shape::kFma:
      add(registers[o.d]), add(registers[o.d]), add(registers[o.s]), add(registers[o.t]);
      break;
    case Shape::kFmaLoad:
    case Shape::kFmaSplat:
      add(registers[o.d]), add(registers[o.d]), add(registers[o.s]), memory();
      break;
    case Shape::kFmaLoadMasked:
      add(registers[o.d]), add(registers[o.d]), add(k1_), add(registers[o.s]), memory();
      break;
    case Shape::kTwo:
      add(registers[o.d]), add(registers[o.d]), add(registers[o.s]);
      break;
    case Shape::kCopy:
      add(registers[o.d]), add(registers[o.s]);
      break;
    case Shape::kSplatLane:
      add(registers[o.d]), add(registers[o.s]);
      mc.addOperand(llvm::MCOperand::createImm(o.t * 0x55));  // the lane's number in each of four 2-bit fields
      break;
    case Shape::kMemory:
      memory();
      break;
  }
  llvm::SmallVector<char, 16> bytes;
  mc_->encode(mc, bytes);
  Encoded encoded;
  encoded.length = static_cast<uint8_t>(bytes.size());
  std::memcpy(encoded.bytes, bytes.data(), bytes.size());
  return encoded;
}

void Encoder::emit(Inst inst, const Operands& o, std::string& out) {
  const bool memory = has_memory(inst);
  const Displacement size = memory ? displacement_class(inst, o) : Displacement::kNone;
  Encoded& encoded = memo(inst, o, size);
  if (encoded.length == 0) encoded = encode(inst, o, size);
  out.append(reinterpret_cast<const char*>(encoded.bytes), encoded.length);
  if (size == Displacement::kByte)
    out.back() =
        static_cast<char>(o.displacement >> std::countr_zero(static_cast<uint32_t>(displacement_unit(inst, o.width))));
  if (size == Displacement::kWord) std::memcpy(out.data() + out.size() - 4, &o.displacement, 4);
}

void Encoder::append(const llvm::MCInst& inst, std::string& out) const {
  llvm::SmallVector<char, 16> bytes;
  mc_->encode(inst, bytes);
  out.append(bytes.data(), bytes.size());
}

void Encoder::lea(Gpr d, Gpr base, int32_t displacement, std::string& out) {
  std::string& memo = lea_memo_[int(d)][int(base)];
  if (memo.empty())
    append(llvm::MCInstBuilder(lea_)
               .addReg(gprs_[int(d)])
               .addReg(gprs_[int(base)])
               .addImm(1)
               .addReg(0)
               .addImm(kFar)
               .addReg(0),
           memo);
  out += memo;
  std::memcpy(out.data() + out.size() - 4, &displacement, 4);
}
void Encoder::add_immediate(Gpr d, int32_t value, std::string& out) const {
  append(llvm::MCInstBuilder(add_).addReg(gprs_[int(d)]).addReg(gprs_[int(d)]).addImm(value), out);
}
void Encoder::sub_immediate(Gpr d, int32_t value, std::string& out) const {
  append(llvm::MCInstBuilder(sub_).addReg(gprs_[int(d)]).addReg(gprs_[int(d)]).addImm(value), out);
}
void Encoder::cmp_immediate(Gpr d, int32_t value, std::string& out) const {
  append(llvm::MCInstBuilder(cmp_).addReg(gprs_[int(d)]).addImm(value), out);
}
void Encoder::jump_if_below(std::string& out) const { append(llvm::MCInstBuilder(jcc_).addImm(0).addImm(kBelow), out); }
void Encoder::jump_if_not_below(std::string& out) const {
  append(llvm::MCInstBuilder(jcc_).addImm(0).addImm(kNotBelow), out);
}
void Encoder::jump_if_zero(std::string& out) const { append(llvm::MCInstBuilder(jcc_).addImm(0).addImm(kZero), out); }

void Encoder::set_mask(uint32_t lanes, std::string& out) const {
  append(llvm::MCInstBuilder(mov_).addReg(eax_).addImm((int64_t{1} << lanes) - 1), out);
  append(llvm::MCInstBuilder(kmov_).addReg(k1_).addReg(eax_), out);
}
void Encoder::set_mask_to_pixels(std::string& out) const {
  append(llvm::MCInstBuilder(mov_).addReg(eax_).addImm(1), out);
  append(llvm::MCInstBuilder(shl_).addReg(eax_).addReg(eax_), out);
  append(llvm::MCInstBuilder(add32_).addReg(eax_).addReg(eax_).addImm(-1), out);
  append(llvm::MCInstBuilder(kmov_).addReg(k1_).addReg(eax_), out);
}
void Encoder::test_pixels(std::string& out) const {
  const llvm::MCRegister pixels = gprs_[int(Gpr::kPixels)];
  append(llvm::MCInstBuilder(test_).addReg(pixels).addReg(pixels), out);
}
void Encoder::push(Gpr reg, std::string& out) const { append(llvm::MCInstBuilder(push_).addReg(gprs_[int(reg)]), out); }
void Encoder::pop(Gpr reg, std::string& out) const { append(llvm::MCInstBuilder(pop_).addReg(gprs_[int(reg)]), out); }
void Encoder::copy(Gpr d, Gpr s, std::string& out) const {
  append(llvm::MCInstBuilder(move_).addReg(gprs_[int(d)]).addReg(gprs_[int(s)]), out);
}
void Encoder::move_immediate(Gpr d, uint32_t value, std::string& out) const {
  append(llvm::MCInstBuilder(mov_).addReg(halves_[int(d)]).addImm(value), out);
}
void Encoder::load_entry(Gpr d, Gpr base, int32_t displacement, uint32_t bytes, std::string& out) const {
  append(llvm::MCInstBuilder(bytes == 2 ? load16_ : load32_)
             .addReg(halves_[int(d)])
             .addReg(gprs_[int(base)])
             .addImm(1)
             .addReg(0)
             .addImm(displacement)
             .addReg(0),
         out);
}
void Encoder::lea_scaled(Gpr d, Gpr base, Gpr index, uint32_t shift, std::string& out) const {
  append(llvm::MCInstBuilder(lea_)
             .addReg(gprs_[int(d)])
             .addReg(gprs_[int(base)])
             .addImm(int64_t{1} << shift)
             .addReg(gprs_[int(index)])
             .addImm(0)
             .addReg(0),
         out);
}
void Encoder::test(Gpr reg, std::string& out) const {
  append(llvm::MCInstBuilder(test32_).addReg(halves_[int(reg)]).addReg(halves_[int(reg)]), out);
}
void Encoder::decrement(Gpr reg, std::string& out) const {
  append(llvm::MCInstBuilder(sub32_).addReg(halves_[int(reg)]).addReg(halves_[int(reg)]).addImm(1), out);
}
void Encoder::jump_if_not_zero(std::string& out) const {
  append(llvm::MCInstBuilder(jcc_).addImm(0).addImm(kNotZero), out);
}
void Encoder::vzeroupper_ret(std::string& out) const {
  append(llvm::MCInstBuilder(vzeroupper_), out);
  append(llvm::MCInstBuilder(ret_), out);
}

}  // namespace espalier::x86_64
