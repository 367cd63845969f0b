// The instruction table against LLVM's own encoder.
#include "backends/aarch64/instructions.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "backends/mc/mc_target.h"
#include "llvm/ADT/SmallVector.h"

namespace espalier::aarch64 {
namespace {

/// The values a field takes, as LLVM's operand has them.
struct Range {
  int64_t low, high;
};
Range range_of(Field field) {
  switch (field) {
    case Field::kImm12:
      return {0, 4095};
    case Field::kImm9:
      return {-256, 255};
    case Field::kImm7:
      return {-64, 63};
    case Field::kImm16:
      return {0, 65535};
    case Field::kImm19:
      return {-(1 << 18), (1 << 18) - 1};
    case Field::kImm26:
      return {-(1 << 25), (1 << 25) - 1};
    case Field::kCond:
      return {0, 14};
    case Field::kFmlaLane:
    case Field::kDupLane:
      return {0, 3};
    default:
      return {0, 28};
  }
}

std::string register_name(char kind, int64_t number) {
  if (kind == 'l') return "LR";
  return fmt::format("{}{}", static_cast<char>(kind - 'a' + 'A'), number);
}

class InstructionTable : public testing::TestWithParam<int> {
 protected:
  static const McTarget& mc() {
    static const auto target = McTarget::create("aarch64-unknown-linux-gnu", "", "");
    return **target;
  }

  static uint32_t encoded(const llvm::MCInst& inst) {
    llvm::SmallVector<char, 8> bytes;
    mc().encode(inst, bytes);
    uint32_t word = 0;
    EXPECT_EQ(bytes.size(), sizeof word);
    std::memcpy(&word, bytes.data(), sizeof word);
    return word;
  }
};
INSTANTIATE_TEST_SUITE_P(All, InstructionTable, testing::Range(0, kInsnCount), [](const auto& test) {
  return fmt::format("{}_{}", test.param, insn_info(static_cast<Insn>(test.param)).llvm_name);
});

TEST_P(InstructionTable, PatchedWordsAreWhatLlvmEncodes) {
  const auto& table = word_table();
  ASSERT_TRUE(table) << table.error().message;
  const InsnInfo& info = insn_info(static_cast<Insn>(GetParam()));
  std::mt19937_64 random(GetParam());
  for (int round = 0; round < 200; ++round) {
    llvm::MCInst inst;
    inst.setOpcode(*mc().opcode(info.llvm_name));
    uint32_t word = (*table)[GetParam()];
    for (const OperandInfo& operand : info.operands) {
      if (operand.kind == 0) break;
      const Range range = range_of(operand.field);
      const auto span = static_cast<uint64_t>(range.high - range.low + 1);
      int64_t value = operand.field == Field::kNone ? operand.fixed : range.low + static_cast<int64_t>(random() % span);
      if (operand.kind == 't') {
        inst.addOperand(llvm::MCOperand(inst.getOperand(0)));
        continue;
      }
      if (operand.kind == 'i')
        inst.addOperand(llvm::MCOperand::createImm(value));
      else
        inst.addOperand(llvm::MCOperand::createReg(*mc().reg(register_name(operand.kind, value))));
      word |= bits(operand.field, value);
    }
    ASSERT_EQ(word, encoded(inst)) << info.llvm_name << ", round " << round;
  }
}

TEST(InstructionWords, AreTheArchitectures) {
  const auto& table = word_table();
  ASSERT_TRUE(table);
  auto word = [&](Insn insn) { return (*table)[static_cast<int>(insn)]; };
  EXPECT_EQ(word(Insn::kFmla), 0x4e20cc00u);      // DDI 0487, FMLA (vector)
  EXPECT_EQ(word(Insn::kFmlaLane), 0x4f801000u);  // FMLA (by element)
  EXPECT_EQ(word(Insn::kLoadQ), 0x3dc00000u);     // LDR (immediate, SIMD&FP)
  EXPECT_EQ(word(Insn::kReturn), 0xd65f03c0u);    // RET
}

}  // namespace
}  // namespace espalier::aarch64
