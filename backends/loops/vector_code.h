// The vector operations of loop programs as LLVM IR for one ISA.
#pragma once

#include <vector>

#include "backends/loops/loop_isa.h"
#include "ir/loop/loop_program.h"
#include "llvm/IR/IRBuilder.h"

namespace espalier::loops {

/// Writes at the builder's place. A vector is <L x float>, a pointer one to its first element (aligned to 4 bytes).
class VectorCode {
 public:
  VectorCode(llvm::IRBuilder<>& builder, const LoopIsa& isa, uint32_t lanes);

  llvm::VectorType* type() const { return type_; }
  llvm::Value* constant(float value) const;
  llvm::Value* load(llvm::Value* pointer, uint32_t lanes);
  llvm::Value* load_strided(llvm::Value* pointer, int64_t stride, uint32_t lanes);
  llvm::Value* zip(llvm::Value* a, llvm::Value* b, uint32_t first);
  llvm::Value* unzip(llvm::Value* a, llvm::Value* b, uint32_t first);
  llvm::Value* slide_up(llvm::Value* a, uint32_t distance);
  /// slide_up of a load of `lanes`.
  llvm::Value* load_slid(llvm::Value* pointer, uint32_t lanes, uint32_t distance);
  llvm::Value* splat_load(llvm::Value* pointer);
  llvm::Value* splat_pair(llvm::Value* pointer);
  void store(llvm::Value* pointer, llvm::Value* a, uint32_t lanes);
  /// Operations on registers alone; operands that the operation does not read are not looked at.
  llvm::Value* arithmetic(LoopOp op, llvm::Value* a, llvm::Value* b, llvm::Value* c);
  /// kMax and kMin where a is a constant number: NaN in b stays.
  llvm::Value* limited(LoopOp op, llvm::Value* a, llvm::Value* b);

 private:
  llvm::Value* load_pieces(llvm::Value* pointer, uint32_t lanes);
  llvm::Value* load_piece(llvm::Value* into, llvm::Value* pointer, uint32_t lane, uint32_t lanes);
  void store_pieces(llvm::Value* pointer, llvm::Value* a, uint32_t lanes);
  llvm::Value* full_load(llvm::Value* pointer, uint32_t lanes);
  llvm::Value* at(llvm::Value* pointer, int64_t element);
  llvm::Constant* mask(uint32_t begin, uint32_t end) const;
  llvm::Value* widened(llvm::Value* narrow, uint32_t lanes);
  llvm::Value* fma(llvm::Value* a, llvm::Value* b, llvm::Value* c);
  llvm::Value* chosen(LoopOp op, llvm::Value* a, llvm::Value* b);
  llvm::Value* scaled(llvm::Value* a, llvm::Value* power);
  llvm::Value* folded(LoopOp op, llvm::Value* a);

  llvm::IRBuilder<>& builder_;
  const LoopIsa& isa_;
  const uint32_t lanes_;
  llvm::VectorType* const type_;
};

}  // namespace espalier::loops
