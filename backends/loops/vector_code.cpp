#include "backends/loops/vector_code.h"

#include <algorithm>
#include <bit>

#include "llvm/IR/IntrinsicsWebAssembly.h"

namespace espalier::loops {
namespace {

const llvm::Align kFloatAlign(4);

/// The largest piece that lanes up to `left` can be moved in.
uint32_t piece_lanes(uint32_t left) { return std::bit_floor(left); }

}  // namespace

VectorCode::VectorCode(llvm::IRBuilder<>& builder, const LoopIsa& isa, uint32_t lanes)
    : builder_(builder), isa_(isa), lanes_(lanes), type_(llvm::FixedVectorType::get(builder.getFloatTy(), lanes)) {}

llvm::Value* VectorCode::constant(float value) const {
  llvm::Constant* scalar = llvm::ConstantFP::get(builder_.getContext(), llvm::APFloat(value));
  return llvm::ConstantVector::getSplat(llvm::ElementCount::getFixed(lanes_), scalar);
}

llvm::Value* VectorCode::at(llvm::Value* pointer, int64_t element) {
  if (element == 0) return pointer;
  return builder_.CreateConstInBoundsGEP1_64(builder_.getFloatTy(), pointer, static_cast<uint64_t>(element));
}

llvm::Constant* VectorCode::mask(uint32_t begin, uint32_t end) const {
  llvm::SmallVector<llvm::Constant*, 16> bits;
  for (uint32_t l = 0; l < lanes_; ++l) bits.push_back(builder_.getInt1(l >= begin && l < end));
  return llvm::ConstantVector::get(bits);
}

llvm::Value* VectorCode::full_load(llvm::Value* pointer, uint32_t lanes) {
  auto* type = llvm::FixedVectorType::get(builder_.getFloatTy(), lanes);
  return builder_.CreateAlignedLoad(type, pointer, kFloatAlign);
}

llvm::Value* VectorCode::load(llvm::Value* pointer, uint32_t lanes) {
  if (lanes == lanes_) return full_load(pointer, lanes_);
  const bool masks = isa_.partial != PartialForm::kPieces && !std::has_single_bit(lanes);
  if (masks || isa_.partial == PartialForm::kMasks)
    return builder_.CreateMaskedLoad(type_, pointer, kFloatAlign, mask(0, lanes), llvm::Constant::getNullValue(type_));
  return load_pieces(pointer, lanes);
}

/// A vector of `lanes` lanes with zeros above.
llvm::Value* VectorCode::widened(llvm::Value* narrow, uint32_t lanes) {
  if (lanes == lanes_) return narrow;
  llvm::SmallVector<int, 16> mask;
  for (uint32_t l = 0; l < lanes_; ++l) mask.push_back(static_cast<int>(std::min(l, lanes)));
  return builder_.CreateShuffleVector(narrow, llvm::Constant::getNullValue(narrow->getType()), mask);
}

/// Pieces of two lanes go as one 64-bit element, because WebAssembly and NEON have that and no vectors of two floats
/// (or only in other registers).
llvm::Value* VectorCode::load_piece(llvm::Value* into, llvm::Value* pointer, uint32_t lane, uint32_t lanes) {
  if (lanes >= 4) return widened(full_load(at(pointer, lane), lanes), lanes);  // the first piece, so into is zero
  if (lanes == 1) {
    llvm::Value* one = builder_.CreateAlignedLoad(builder_.getFloatTy(), at(pointer, lane), kFloatAlign);
    return builder_.CreateInsertElement(into, one, uint64_t{lane});
  }
  llvm::Value* two = builder_.CreateAlignedLoad(builder_.getInt64Ty(), at(pointer, lane), kFloatAlign);
  auto* pairs = llvm::FixedVectorType::get(builder_.getInt64Ty(), lanes_ / 2);
  llvm::Value* whole = builder_.CreateInsertElement(builder_.CreateBitCast(into, pairs), two, uint64_t{lane / 2});
  return builder_.CreateBitCast(whole, type_);
}

llvm::Value* VectorCode::load_pieces(llvm::Value* pointer, uint32_t lanes) {
  llvm::Value* result = llvm::Constant::getNullValue(type_);
  for (uint32_t lane = 0, piece = 0; lane < lanes; lane += piece) {
    piece = piece_lanes(lanes - lane);
    result = load_piece(result, pointer, lane, piece);
  }
  return result;
}

llvm::Value* VectorCode::load_strided(llvm::Value* pointer, int64_t stride, uint32_t lanes) {
  llvm::Value* result = llvm::Constant::getNullValue(type_);
  for (uint32_t lane = 0; lane < lanes; ++lane) {
    llvm::Value* from = at(pointer, lane * stride);
    llvm::Value* one = builder_.CreateAlignedLoad(builder_.getFloatTy(), from, kFloatAlign);
    result = builder_.CreateInsertElement(result, one, uint64_t{lane});
  }
  return result;
}

llvm::Value* VectorCode::zip(llvm::Value* a, llvm::Value* b, uint32_t first) {
  llvm::SmallVector<int, 16> from;
  for (uint32_t l = 0; l < lanes_; ++l) from.push_back(static_cast<int>(first + l / 2 + (l % 2) * lanes_));
  return builder_.CreateShuffleVector(a, b, from);
}

/// AVX2's own shuffles stay within halves of 128 bits: both operands' lower halves first, then both upper ones.
llvm::Value* VectorCode::unzip(llvm::Value* a, llvm::Value* b, uint32_t first) {
  llvm::SmallVector<int, 16> from;
  if (lanes_ != 8) {
    for (uint32_t l = 0; l < lanes_; ++l) from.push_back(static_cast<int>(first + 2 * l));
    return builder_.CreateShuffleVector(a, b, from);
  }
  llvm::Value* low = builder_.CreateShuffleVector(a, b, {0, 1, 2, 3, 8, 9, 10, 11});
  llvm::Value* high = builder_.CreateShuffleVector(a, b, {4, 5, 6, 7, 12, 13, 14, 15});
  for (const int l : {0, 2, 8, 10, 4, 6, 12, 14}) from.push_back(static_cast<int>(first) + l);
  return builder_.CreateShuffleVector(low, high, from);
}

llvm::Value* VectorCode::slide_up(llvm::Value* a, uint32_t distance) {
  llvm::SmallVector<int, 16> from;
  for (uint32_t l = 0; l < lanes_; ++l) from.push_back(static_cast<int>(lanes_ + l - distance));
  return builder_.CreateShuffleVector(llvm::Constant::getNullValue(type_), a, from);
}

/// With masks one load from in front of the pointer: lanes below the distance are not read. LLVM's slide_up for AVX-512
/// is an expansion (vexpandps), which takes Zen 4 five cycles, the masked load one and a half.
llvm::Value* VectorCode::load_slid(llvm::Value* pointer, uint32_t lanes, uint32_t distance) {
  if (isa_.partial == PartialForm::kPieces) return slide_up(load(pointer, lanes), distance);
  llvm::Value* before =
      builder_.CreateGEP(builder_.getFloatTy(), pointer, builder_.getInt64(-static_cast<uint64_t>(distance)));
  return builder_.CreateMaskedLoad(type_, before, kFloatAlign, mask(distance, std::min(distance + lanes, lanes_)),
                                   llvm::Constant::getNullValue(type_));
}

llvm::Value* VectorCode::splat_load(llvm::Value* pointer) {
  return builder_.CreateVectorSplat(lanes_, builder_.CreateAlignedLoad(builder_.getFloatTy(), pointer, kFloatAlign));
}

/// As one 64-bit element (see load_piece).
llvm::Value* VectorCode::splat_pair(llvm::Value* pointer) {
  llvm::Value* pair = builder_.CreateAlignedLoad(builder_.getInt64Ty(), pointer, kFloatAlign);
  return builder_.CreateBitCast(builder_.CreateVectorSplat(lanes_ / 2, pair), type_);
}

void VectorCode::store(llvm::Value* pointer, llvm::Value* a, uint32_t lanes) {
  if (lanes == lanes_)
    builder_.CreateAlignedStore(a, pointer, kFloatAlign);
  else if (isa_.partial == PartialForm::kMasks)
    builder_.CreateMaskedStore(a, pointer, kFloatAlign, mask(0, lanes));
  else
    store_pieces(pointer, a, lanes);
}

void VectorCode::store_pieces(llvm::Value* pointer, llvm::Value* a, uint32_t lanes) {
  for (uint32_t lane = 0, piece = 0; lane < lanes; lane += piece) {
    piece = piece_lanes(lanes - lane);
    llvm::Value* part = nullptr;
    if (piece == 1) {
      part = builder_.CreateExtractElement(a, uint64_t{lane});
    } else if (piece == 2) {
      auto* pairs = llvm::FixedVectorType::get(builder_.getInt64Ty(), lanes_ / 2);
      part = builder_.CreateExtractElement(builder_.CreateBitCast(a, pairs), uint64_t{lane / 2});
    } else {
      llvm::SmallVector<int, 16> mask;
      for (uint32_t l = 0; l < piece; ++l) mask.push_back(static_cast<int>(lane + l));
      part = builder_.CreateShuffleVector(a, mask);
    }
    builder_.CreateAlignedStore(part, at(pointer, lane), kFloatAlign);
  }
}

llvm::Value* VectorCode::fma(llvm::Value* a, llvm::Value* b, llvm::Value* c) {
  if (isa_.fused == FusedForm::kMultiplyAdd) return builder_.CreateFAdd(builder_.CreateFMul(a, b), c);
  const auto id = isa_.fused == FusedForm::kFma ? llvm::Intrinsic::ID(llvm::Intrinsic::fma)
                                                : llvm::Intrinsic::ID(llvm::Intrinsic::wasm_relaxed_madd);
  return builder_.CreateIntrinsic(id, {a->getType()}, {a, b, c});
}

/// kMax, kMin and kMaxLanes.
llvm::Value* VectorCode::chosen(LoopOp op, llvm::Value* a, llvm::Value* b) {
  const bool smaller = op == LoopOp::kMin;
  if (isa_.larger == LargerForm::kMaxNum)
    return builder_.CreateBinaryIntrinsic(smaller ? llvm::Intrinsic::minnum : llvm::Intrinsic::maxnum, a, b);
  return builder_.CreateSelect(smaller ? builder_.CreateFCmpOLT(a, b) : builder_.CreateFCmpOGT(a, b), a, b);
}

llvm::Value* VectorCode::limited(LoopOp op, llvm::Value* a, llvm::Value* b) {
  if (isa_.larger != LargerForm::kMaxNum) return chosen(op, a, b);
  return builder_.CreateBinaryIntrinsic(op == LoopOp::kMin ? llvm::Intrinsic::minimum : llvm::Intrinsic::maximum, a, b);
}

/// The power's low bits are the exponent, and the shift drops all others. 2^n is a normal float for every legal n, so
/// that one product rounds once.
llvm::Value* VectorCode::scaled(llvm::Value* a, llvm::Value* power) {
  auto* integers = llvm::VectorType::getInteger(type_);
  llvm::Value* exponent = builder_.CreateShl(builder_.CreateBitCast(power, integers), uint64_t{23});
  llvm::Value* factor = builder_.CreateAdd(exponent, llvm::ConstantInt::get(integers, uint64_t{127} << 23));
  return builder_.CreateFMul(a, builder_.CreateBitCast(factor, type_));
}

llvm::Value* VectorCode::folded(LoopOp op, llvm::Value* a) {
  for (uint32_t half = lanes_ / 2; half > 0; half /= 2) {
    llvm::SmallVector<int, 16> low, high;
    for (uint32_t l = 0; l < half; ++l) {
      low.push_back(static_cast<int>(l));
      high.push_back(static_cast<int>(l + half));
    }
    llvm::Value *first = builder_.CreateShuffleVector(a, low), *second = builder_.CreateShuffleVector(a, high);
    a = op == LoopOp::kSumLanes ? builder_.CreateFAdd(first, second) : chosen(op, first, second);
  }
  return builder_.CreateVectorSplat(lanes_, builder_.CreateExtractElement(a, uint64_t{0}));
}

llvm::Value* VectorCode::arithmetic(LoopOp op, llvm::Value* a, llvm::Value* b, llvm::Value* c) {
  switch (op) {
    case LoopOp::kCopy:
      return a;
    case LoopOp::kAdd:
      return builder_.CreateFAdd(a, b);
    case LoopOp::kSubtract:
      return builder_.CreateFSub(a, b);
    case LoopOp::kMultiply:
      return builder_.CreateFMul(a, b);
    case LoopOp::kDivide:
      return builder_.CreateFDiv(a, b);
    case LoopOp::kFma:
      return fma(a, b, c);
    case LoopOp::kMax:
    case LoopOp::kMin:
      return chosen(op, a, b);
    case LoopOp::kScale:
      return scaled(a, b);
    case LoopOp::kZipLow:
      return zip(a, b, 0);
    case LoopOp::kZipHigh:
      return zip(a, b, lanes_ / 2);
    case LoopOp::kUnzipEven:
      return unzip(a, b, 0);
    case LoopOp::kUnzipOdd:
      return unzip(a, b, 1);
    case LoopOp::kSumLanes:
    case LoopOp::kMaxLanes:
      return folded(op, a);
    default:
      return nullptr;  // memory and integers: not here
  }
}

}  // namespace espalier::loops
