#include "backends/aarch64/instructions.h"

#include <cstring>

#include "backends/mc/mc_target.h"
#include "llvm/ADT/SmallVector.h"

namespace espalier::aarch64 {
namespace {

constexpr OperandInfo kD{'d', Field::kRd}, kS{'s', Field::kRd}, kQ{'q', Field::kRd}, kX{'x', Field::kRd},
    kQn{'q', Field::kRn}, kQm{'q', Field::kRm}, kXn{'x', Field::kRn}, kXm{'x', Field::kRm}, kTied{'t'},
    kImm12{'i', Field::kImm12}, kImm9{'i', Field::kImm9}, kImm7{'i', Field::kImm7}, kImm16{'i', Field::kImm16},
    kD2{'d', Field::kRt2}, kQ2{'q', Field::kRt2}, kWd{'w', Field::kRd}, kW2{'w', Field::kRt2}, kWm{'w', Field::kRm},
    kX2{'x', Field::kRt2}, kMoved{'x'};  // the base again, as LLVM has it
constexpr OperandInfo kCondition{'i', Field::kCond}, kImm19{'i', Field::kImm19}, kImm26{'i', Field::kImm26},
    kFmlaLane{'i', Field::kFmlaLane}, kDupLane{'i', Field::kDupLane}, kShift{'i', Field::kShift},
    kImmr{'i', Field::kImmr}, kLink{'l'};
constexpr OperandInfo fixed(int value) { return {'i', Field::kNone, value}; }

constexpr InsnInfo kInstructions[kInsnCount] = {
    {"FMLAv4f32", {kQ, kTied, kQn, kQm}},
    {"FMLAv4i32_indexed", {kQ, kTied, kQn, kQm, kFmlaLane}},
    {"FMAXNMv4f32", {kQ, kQn, kQm}},
    {"FMINNMv4f32", {kQ, kQn, kQm}},
    {"MOVIv2d_ns", {kQ, fixed(0)}},
    {"DUPv4i32lane", {kQ, kQn, kDupLane}},
    {"ORRv16i8", {kQ, kQn, kQm}},
    {"LDRQui", {kQ, kXn, kImm12}},
    {"LDRDui", {kD, kXn, kImm12}},
    {"LDRSui", {kS, kXn, kImm12}},
    {"LDURQi", {kQ, kXn, kImm9}},
    {"LDURDi", {kD, kXn, kImm9}},
    {"LDURSi", {kS, kXn, kImm9}},
    {"STRQui", {kQ, kXn, kImm12}},
    {"STRDui", {kD, kXn, kImm12}},
    {"STRSui", {kS, kXn, kImm12}},
    {"STURQi", {kQ, kXn, kImm9}},
    {"STURDi", {kD, kXn, kImm9}},
    {"STURSi", {kS, kXn, kImm9}},
    {"LD1Rv4s", {kQ, kXn}},
    {"LD1i32", {kQ, kTied, fixed(2), kXn}},
    {"PRFMui", {fixed(0), kXn, kImm12}},
    {"PRFUMi", {fixed(0), kXn, kImm9}},
    {"STPDi", {kD, kD2, kXn, kImm7}},
    {"LDPDi", {kD, kD2, kXn, kImm7}},
    {"LDPQi", {kQ, kQ2, kXn, kImm7}},
    {"STPQi", {kQ, kQ2, kXn, kImm7}},
    {"LDPWi", {kWd, kW2, kXn, kImm7}},
    {"LDPXpost", {kMoved, kX, kX2, kXn, kImm7}},
    {"LDRHHui", {kWd, kXn, kImm12}},
    {"LDRWui", {kWd, kXn, kImm12}},
    {"LDURXi", {kX, kXn, kImm9}},
    {"ADDXri", {kX, kXn, kImm12, fixed(0)}},
    {"ADDXri", {kX, kXn, kImm12, fixed(12)}},
    {"SUBXri", {kX, kXn, kImm12, fixed(0)}},
    {"SUBXri", {kX, kXn, kImm12, fixed(12)}},
    {"SUBSXri", {kX, kXn, kImm12, fixed(0)}},
    {"ADDXrs", {kX, kXn, kXm, kShift}},
    {"ADDXrx", {kX, kXn, kWm, kShift}},
    {"UBFMXri", {kX, kXn, kImmr, kShift}},
    {"SUBSXrs", {kX, kXn, kXm, fixed(0)}},
    {"MOVZXi", {kX, kImm16, fixed(0)}},
    {"MOVKXi", {kX, kTied, kImm16, fixed(16)}},
    {"MOVKXi", {kX, kTied, kImm16, fixed(32)}},
    {"Bcc", {kCondition, kImm19}},
    {"CBZX", {kX, kImm19}},
    {"CBNZX", {kX, kImm19}},
    {"B", {kImm26}},
    {"RET", {kLink}},
};

/// The MC operand of an instruction whose registers are all number 0 and whose fields are 0.
Result<llvm::MCOperand> empty_operand(const McTarget& mc, const OperandInfo& operand) {
  if (operand.kind == 'i') return llvm::MCOperand::createImm(operand.fixed);
  const char* name = operand.kind == 'd'   ? "D0"
                     : operand.kind == 's' ? "S0"
                     : operand.kind == 'x' ? "X0"
                     : operand.kind == 'w' ? "W0"
                     : operand.kind == 'l' ? "LR"
                                           : "Q0";
  auto reg = mc.reg(name);
  if (!reg) return std::move(reg).error();
  return llvm::MCOperand::createReg(*reg);
}

Result<uint32_t> empty_word(const McTarget& mc, const InsnInfo& info) {
  const auto opcode = mc.opcode(info.llvm_name);
  if (!opcode) return opcode.error();
  llvm::MCInst inst;
  inst.setOpcode(*opcode);
  for (const OperandInfo& operand : info.operands) {
    if (operand.kind == 0) break;
    auto value = operand.kind == 't' ? Result<llvm::MCOperand>(inst.getOperand(0)) : empty_operand(mc, operand);
    if (!value) return std::move(value).error();
    inst.addOperand(*value);
  }
  llvm::SmallVector<char, 8> bytes;
  mc.encode(inst, bytes);
  uint32_t word = 0;
  if (bytes.size() != sizeof word) return internal_error("LLVM encodes {} in {} bytes", info.llvm_name, bytes.size());
  std::memcpy(&word, bytes.data(), sizeof word);
  return word;
}

Result<WordTable> build_table() {
  const auto mc = McTarget::create("aarch64-unknown-linux-gnu", "", "");
  if (!mc) return mc.error();
  WordTable table{};
  for (int i = 0; i < kInsnCount; ++i) {
    const auto word = empty_word(**mc, kInstructions[i]);
    if (!word) return word.error();
    table[i] = *word;
  }
  return table;
}

}  // namespace

const InsnInfo& insn_info(Insn insn) { return kInstructions[static_cast<int>(insn)]; }

const Result<WordTable>& word_table() {
  static const Result<WordTable> table = build_table();
  return table;
}

}  // namespace espalier::aarch64
