#include "backends/wasm/encodings.h"

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "llvm/ADT/SmallVector.h"
#include "llvm/MC/MCInst.h"

namespace espalier::wasm {
namespace {

constexpr int64_t kVoid = 0x40;  // block type: no result
constexpr int64_t kAlign4 = 2;   // log2 of the alignment hint: all we promise is the alignment of a float
constexpr int64_t kAlign2 = 1;   // of a 2-byte index
constexpr int64_t kOffset = 0;   // stands for the offset that the writer appends
constexpr int64_t kNumber = 0;   // stands for the local's index or the constant that the writer appends

/// An instruction by LLVM's name, with sample operands whose last `open` bytes the writer fills in.
struct Recipe {
  Instruction instruction;
  const char* name;
  std::vector<int64_t> operands;
  uint8_t open = 0;
};

std::vector<int64_t> splat_lane(int64_t lane) {
  std::vector<int64_t> bytes(16);
  for (int64_t i = 0; i < 16; ++i) bytes[static_cast<size_t>(i)] = 4 * lane + i % 4;
  return bytes;
}

// The shuffle of a register with itself is the one form that V8 matches to a lane operand (fmul v, v, v.s[lane]).
const std::vector<Recipe>& recipes() {
  using enum Instruction;
  static const std::vector<Recipe> table = {
      {kGetI32, "LOCAL_GET_I32_S", {kNumber}, 1},
      {kSetI32, "LOCAL_SET_I32_S", {kNumber}, 1},
      {kTeeI32, "LOCAL_TEE_I32_S", {kNumber}, 1},
      {kDropI32, "DROP_I32_S", {}},
      {kGetV128, "LOCAL_GET_V128_S", {kNumber}, 1},
      {kSetV128, "LOCAL_SET_V128_S", {kNumber}, 1},
      {kConstI32, "CONST_I32_S", {kNumber}, 1},
      {kAddI32, "ADD_I32_S", {}},
      {kSubI32, "SUB_I32_S", {}},
      {kMulI32, "MUL_I32_S", {}},
      {kShlI32, "SHL_I32_S", {}},
      {kDivUI32, "DIV_U_I32_S", {}},
      {kRemUI32, "REM_U_I32_S", {}},
      {kNeI32, "NE_I32_S", {}},
      {kLtUI32, "LT_U_I32_S", {}},
      {kGeUI32, "GE_U_I32_S", {}},
      {kSelectI32, "SELECT_I32_S", {}},
      {kIf, "IF_S", {kVoid}},
      {kElse, "ELSE_S", {}},
      {kLoop, "LOOP_S", {kVoid}},
      {kEnd, "END_S", {}},
      {kRepeatIf, "BR_IF_S", {0}},
      {kEndFunction, "END_FUNCTION_S", {}},
      {kLoad4, "LOAD_V128_A32_S", {kAlign4, kOffset}, 1},
      {kLoad2, "LOAD_ZERO_I64x2_A32_S", {kAlign4, kOffset}, 1},
      {kLoad1, "LOAD_ZERO_I32x4_A32_S", {kAlign4, kOffset}, 1},
      {kLoad1IntoLane2, "LOAD_LANE_I32x4_A32_S", {kAlign4, kOffset, 2}, 2},
      {kLoadSplat, "LOAD32_SPLAT_A32_S", {kAlign4, kOffset}, 1},
      {kLoadIndex2, "LOAD16_U_I32_A32_S", {kAlign2, kOffset}, 1},
      {kLoadIndex4, "LOAD_I32_A32_S", {kAlign4, kOffset}, 1},
      {kStore4, "STORE_V128_A32_S", {kAlign4, kOffset}, 1},
      {kStore2, "STORE_LANE_I64x2_A32_S", {kAlign4, kOffset, 0}, 2},
      {kStore1, "STORE_LANE_I32x4_A32_S", {kAlign4, kOffset, 0}, 2},
      {kSplatLane0, "SHUFFLE_S", splat_lane(0)},
      {kSplatLane1, "SHUFFLE_S", splat_lane(1)},
      {kSplatLane2, "SHUFFLE_S", splat_lane(2)},
      {kSplatLane3, "SHUFFLE_S", splat_lane(3)},
      {kZero, "CONST_V128_I64x2_S", {0, 0}},
      {kMul, "MUL_F32x4_S", {}},
      {kAdd, "ADD_F32x4_S", {}},
      {kRelaxedMadd, "MADD_F32x4_S", {}},
      {kPseudoMax, "PMAX_F32x4_S", {}},
      {kPseudoMin, "PMIN_F32x4_S", {}},
  };
  return table;
}

Result<Encoding> encode(const McTarget& mc, const Recipe& recipe) {
  auto opcode = mc.opcode(recipe.name);
  if (!opcode) return std::move(opcode).error();
  llvm::MCInst inst;
  inst.setOpcode(*opcode);
  for (const int64_t operand : recipe.operands) inst.addOperand(llvm::MCOperand::createImm(operand));
  llvm::SmallVector<char, 32> bytes;
  mc.encode(inst, bytes);
  Encoding encoding;
  if (bytes.size() <= recipe.open || bytes.size() - recipe.open > encoding.bytes.size())
    return internal_error("LLVM encodes {} in {} bytes", recipe.name, bytes.size());
  encoding.size = static_cast<uint8_t>(bytes.size() - recipe.open);
  std::copy_n(bytes.begin(), encoding.size, encoding.bytes.begin());
  return encoding;
}

}  // namespace

Result<Encodings> Encodings::create(const McTarget& mc) {
  Encodings encodings;
  for (const Recipe& recipe : recipes()) {
    auto encoding = encode(mc, recipe);
    if (!encoding) return std::move(encoding).error();
    encodings.table_[static_cast<size_t>(recipe.instruction)] = *encoding;
  }
  return encodings;
}

}  // namespace espalier::wasm
