#include "backends/wasm/vector_ops.h"

namespace espalier::wasm {
namespace {

constexpr uint32_t kElementBytes = 4;

}  // namespace

VectorOps::VectorOps(const KernelProgram& program, uint32_t first_vector, CodeWriter& code)
    : code_(code),
      first_vector_(first_vector),
      fused_(program.target.vector->arithmetic == Arithmetic::kFma),
      strides_{program.input_stride, program.output_stride} {
  use_cursors(false);
}

void VectorOps::use_cursors(bool rolled) {
  bases_ = {rolled ? kXCursor : kX,          kY, rolled ? kWCursor : kW, kInputPointer, kOutputPointer,
            rolled ? kIndexCursor : kIndices};
}

uint32_t VectorOps::base(const MicroOp& op) const {
  const uint32_t pointer = op.buffer == Buffer::kXAt || op.buffer == Buffer::kYAt ? op.row : 0;
  return bases_[static_cast<size_t>(op.buffer)] + pointer;
}

bool VectorOps::write(const MicroOp& op) {
  switch (op.op) {
    case Op::kZero:
      code_.write(Instruction::kZero);
      return set(op.d);
    case Op::kCopy:
      get(op.a);
      return set(op.d);
    case Op::kLoad:
      return load(op);
    case Op::kStore:
      return store(op);
    case Op::kSplatLoad:
      return memory(Instruction::kLoadSplat, op) && set(op.d);
    case Op::kSplatLane:
      return splat_lane(op);
    case Op::kFma:
      return multiply_add(op);
    // pmax(a, d) is a < d ? d : a and pmin(a, d) is d < a ? d : a: what kMax and kMin say, NaNs included.
    case Op::kMax:
      return clamp(Instruction::kPseudoMax, op);
    case Op::kMin:
      return clamp(Instruction::kPseudoMin, op);
    case Op::kPrefetch:
    case Op::kPrefetchFar:
      return true;  // WebAssembly has no prefetch
    case Op::kTouch:
      return touch(op);
    case Op::kFmaLane:
    case Op::kFmaLoad:
    case Op::kFmaSplat:
    case Op::kLoop:
    case Op::kLoopIndexed:
    case Op::kEndLoop:
    case Op::kPoint:
    case Op::kAdvance:
      return false;
  }
  return false;
}

void VectorOps::get(uint8_t reg) { code_.write(Instruction::kGetV128, first_vector_ + reg); }
bool VectorOps::set(uint8_t reg) {
  code_.write(Instruction::kSetV128, first_vector_ + reg);
  return true;
}

/// Bytes behind the base; the object writer has checked that a whole buffer fits 32 bits. Rows of pointers are in their
/// bases, and the stride of everything but X and Y is 0.
uint32_t VectorOps::offset(const MicroOp& op) const {
  return (op.row * strides_[static_cast<size_t>(op.buffer)] + op.column) * kElementBytes;
}
bool VectorOps::memory(Instruction instruction, const MicroOp& op) {
  code_.write(Instruction::kGetI32, base(op));
  code_.write(instruction, offset(op));
  return true;
}

/// Engines keep a load whose value nobody uses, because it might fault; inside the tile it does not.
bool VectorOps::touch(const MicroOp& op) {
  memory(Instruction::kLoadIndex4, op);
  code_.write(Instruction::kDropI32);
  return true;
}

bool VectorOps::load(const MicroOp& op) {
  switch (op.lanes) {
    case 4:
      return memory(Instruction::kLoad4, op) && set(op.d);
    case 3:
      return load3(op);
    case 2:
      return memory(Instruction::kLoad2, op) && set(op.d);
    case 1:
      return memory(Instruction::kLoad1, op) && set(op.d);
    default:
      return false;
  }
}
/// Two lanes, then the third into its place; the end of a weight slice may have three.
bool VectorOps::load3(const MicroOp& op) {
  code_.write(Instruction::kGetI32, base(op));
  memory(Instruction::kLoad2, op);
  code_.write_lane(Instruction::kLoad1IntoLane2, offset(op) + 2 * kElementBytes, 2);
  return set(op.d);
}

bool VectorOps::store(const MicroOp& op) {
  code_.write(Instruction::kGetI32, base(op));
  get(op.d);
  switch (op.lanes) {
    case 4:
      code_.write(Instruction::kStore4, offset(op));
      return true;
    case 2:
      code_.write_lane(Instruction::kStore2, offset(op), 0);
      return true;
    case 1:
      code_.write_lane(Instruction::kStore1, offset(op), 0);
      return true;
    default:
      return false;
  }
}

bool VectorOps::splat_lane(const MicroOp& op) {
  if (op.lane > 3) return false;
  get(op.a);
  get(op.a);
  code_.write(static_cast<Instruction>(static_cast<int>(Instruction::kSplatLane0) + op.lane));
  return set(op.d);
}

bool VectorOps::multiply_add(const MicroOp& op) {
  if (!fused_) get(op.d);
  get(op.a);
  get(op.b);
  if (fused_) {
    get(op.d);
    code_.write(Instruction::kRelaxedMadd);
  } else {
    code_.write(Instruction::kMul);
    code_.write(Instruction::kAdd);
  }
  return set(op.d);
}

bool VectorOps::clamp(Instruction instruction, const MicroOp& op) {
  get(op.a);
  get(op.d);
  code_.write(instruction);
  return set(op.d);
}

}  // namespace espalier::wasm
