#include "backends/loops/loop_isa.h"

namespace espalier::loops {
namespace {

constexpr LoopIsa kLoopIsas[] = {
    {"avx2", "x86-64", "+avx2,+fma", FusedForm::kFma, LargerForm::kCompareSelect, PartialForm::kMaskedLoads,
     ConstantForm::kImmediate},
    {"avx512", "x86-64", "+avx512f", FusedForm::kFma, LargerForm::kCompareSelect, PartialForm::kMasks,
     ConstantForm::kImmediate},
    {"neon", "generic", "+neon", FusedForm::kFma, LargerForm::kMaxNum, PartialForm::kPieces, ConstantForm::kImmediate},
    {"simd128", "mvp", "+simd128", FusedForm::kMultiplyAdd, LargerForm::kCompareSelect, PartialForm::kPieces,
     ConstantForm::kInMemory},
    {"relaxed", "mvp", "+simd128,+relaxed-simd", FusedForm::kRelaxedMadd, LargerForm::kCompareSelect,
     PartialForm::kPieces, ConstantForm::kInMemory},
};

}  // namespace

Result<const LoopIsa*> find_loop_isa(const Target& target) {
  for (const LoopIsa& isa : kLoopIsas)
    if (isa.name == target.vector->name) return &isa;
  return unsupported("target {} has no machine code for vector ISA '{}'", target.name, target.vector->name);
}

}  // namespace espalier::loops
