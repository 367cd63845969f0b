#include "backends/loops/lower_loop_program.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Intrinsics.h"
#include "llvm/IR/IntrinsicsWebAssembly.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"

namespace espalier {
namespace {

constexpr std::array kParameters = {"x0", "x1", "y", "weights", "table", "scratch", "first", "last"};
constexpr unsigned kTableParameter = 4, kFirstParameter = 6, kLastParameter = 7;
constexpr std::array<unsigned, kLoopBuffers> kBufferParameter = {0, 1, 2, 3, 5};

/// What LLVM has to know of a vector ISA.
struct IsaRow {
  std::string_view isa, cpu, features;
};
constexpr IsaRow kIsas[] = {{"avx2", "x86-64-v3", "+avx2,+fma"},
                            {"avx512", "x86-64-v3", "+avx2,+fma,+avx512f,+avx512vl,+avx512bw,+avx512dq"},
                            {"neon", "generic", "+neon"},
                            {"simd128", "generic", "+simd128"},
                            {"relaxed", "generic", "+simd128,+relaxed-simd"}};

struct OpenLoop {
  llvm::BasicBlock *body = nullptr, *exit = nullptr;
  const LoopInstruction* instruction = nullptr;
};

/// Registers are stack slots here; mem2reg makes values of them.
class Lowering {
 public:
  Lowering(const LoopProgram& program, llvm::Module& module)
      : program_(program), module_(module), ir_(module.getContext()), lanes_(program.lanes()) {
    is_wasm_ = program.target.isa == Isa::kWasm;
    is_x86_ = program.target.isa == Isa::kX86_64;
    index_ = is_wasm_ ? ir_.getInt32Ty() : ir_.getInt64Ty();
    vector_ = llvm::FixedVectorType::get(ir_.getFloatTy(), lanes_);
  }

  Result<llvm::Function*> run() {
    if (Status s = add_function(); !s) return std::move(s).error();
    auto* entry = llvm::BasicBlock::Create(context(), "entry", function_);
    ir_.SetInsertPoint(entry);
    for (uint32_t i = 0; i < program_.vectors; ++i) vectors_.push_back(ir_.CreateAlloca(vector_));
    for (uint32_t i = 0; i < program_.integers; ++i) integers_.push_back(ir_.CreateAlloca(index_));
    LoopInstruction items;
    items.op = LoopOp::kLoop;
    items.immediate = 1;
    begin_loop(items, function_->getArg(kFirstParameter), function_->getArg(kLastParameter), false);
    for (const LoopInstruction& op : program_.body)
      if (Status s = lower(op); !s) return std::move(s).error();
    end_loop();
    ir_.CreateRetVoid();
    return function_;
  }

 private:
  llvm::LLVMContext& context() { return module_.getContext(); }

  Status add_function() {
    const auto* row = std::find_if(std::begin(kIsas), std::end(kIsas),
                                   [&](const IsaRow& r) { return r.isa == program_.target.vector->name; });
    if (row == std::end(kIsas)) return internal_error("LLVM has no vector ISA '{}'", program_.target.vector->name);
    std::vector<llvm::Type*> types(kParameters.size(), ir_.getPtrTy());
    types[kFirstParameter] = types[kLastParameter] = index_;
    function_ = llvm::Function::Create(llvm::FunctionType::get(ir_.getVoidTy(), types, false),
                                       llvm::GlobalValue::ExternalLinkage, program_.name, module_);
    function_->addFnAttr(llvm::Attribute::NoUnwind);
    function_->addFnAttr("target-cpu", llvm::StringRef(row->cpu));
    function_->addFnAttr("target-features", llvm::StringRef(row->features));
    if (lanes_ == 16) {
      function_->addFnAttr("prefer-vector-width", "512");
      function_->addFnAttr("min-legal-vector-width", "512");
    }
    function_->addFnAttr("no-builtins");
    for (unsigned i = 0; i < kParameters.size(); ++i) {
      function_->getArg(i)->setName(kParameters[i]);
      const bool may_alias = program_.in_place && (i == 0 || i == 2);
      if (i < kFirstParameter && !may_alias) function_->addParamAttr(i, llvm::Attribute::NoAlias);
    }
    return {};
  }

  llvm::Value* number(int64_t value) { return llvm::ConstantInt::getSigned(index_, value); }
  llvm::Value* integer(uint32_t id) { return ir_.CreateLoad(index_, integers_[id]); }
  llvm::Value* vector(uint32_t id) { return ir_.CreateLoad(vector_, vectors_[id]); }
  llvm::Value* bound(const LoopBound& b) { return b.index == kNoRegister ? number(b.constant) : integer(b.index); }

  /// The loop tests at its end; a guard goes round it unless it is known to run.
  void begin_loop(const LoopInstruction& op, llvm::Value* begin, llvm::Value* end, bool surely_runs) {
    OpenLoop loop{llvm::BasicBlock::Create(context(), "loop", function_), llvm::BasicBlock::Create(context(), "exit"),
                  &op};
    ir_.CreateStore(begin, integers_[op.d]);
    ends_.push_back(end);
    if (surely_runs)
      ir_.CreateBr(loop.body);
    else
      ir_.CreateCondBr(ir_.CreateICmpSLT(begin, end), loop.body, loop.exit);
    ir_.SetInsertPoint(loop.body);
    steps_.push_back(op.immediate);
    counters_.push_back(op.d);
    open_.push_back(loop);
  }

  void end_loop() {
    const OpenLoop loop = open_.back();
    llvm::Value* next = ir_.CreateAdd(integer(counters_.back()), number(steps_.back()), "", /*HasNUW=*/false,
                                      /*HasNSW=*/true);
    ir_.CreateStore(next, integers_[counters_.back()]);
    loop.exit->insertInto(function_);
    ir_.CreateCondBr(ir_.CreateICmpSLT(next, ends_.back()), loop.body, loop.exit);
    ir_.SetInsertPoint(loop.exit);
    open_.pop_back();
    ends_.pop_back();
    steps_.pop_back();
    counters_.pop_back();
  }

  /// The part of an address that registers make.
  llvm::Value* variable_part(const LoopAccess& access) {
    llvm::Value* sum = nullptr;
    for (const LoopTerm& term : access.terms) {
      llvm::Value* product = integer(term.index);
      if (term.coefficient != 1) product = ir_.CreateMul(product, number(term.coefficient), "", false, true);
      sum = sum == nullptr ? product : ir_.CreateAdd(sum, product, "", false, true);
    }
    return sum;
  }
  llvm::Value* affine(const LoopAccess& access) {
    llvm::Value* sum = variable_part(access);
    return sum == nullptr ? number(access.offset) : ir_.CreateAdd(sum, number(access.offset), "", false, true);
  }

  /// Constants last, so that they become displacements. On WebAssembly only an inbounds offset that is not negative
  /// does.
  llvm::Value* address(llvm::Value* base, const LoopAccess& access, int64_t more = 0) {
    if (llvm::Value* variable = variable_part(access)) base = ir_.CreateGEP(ir_.getFloatTy(), base, variable);
    const int64_t offset = access.offset + more;
    if (offset == 0) return base;
    if (is_wasm_ && offset > 0) return ir_.CreateInBoundsGEP(ir_.getFloatTy(), base, number(offset));
    return ir_.CreateGEP(ir_.getFloatTy(), base, number(offset));
  }
  llvm::Value* element(const LoopAccess& access, int64_t more = 0) {
    return address(function_->getArg(kBufferParameter[static_cast<size_t>(access.buffer)]), access, more);
  }

  llvm::Value* zero() { return llvm::ConstantAggregateZero::get(vector_); }
  llvm::Value* splat(llvm::Value* scalar) { return ir_.CreateVectorSplat(lanes_, scalar); }
  llvm::Value* scalar_at(const LoopAccess& access, int64_t more) {
    return ir_.CreateAlignedLoad(ir_.getFloatTy(), element(access, more), llvm::Align(4));
  }
  llvm::Value* full_at(const LoopAccess& access, int64_t more) {
    return ir_.CreateAlignedLoad(vector_, element(access, more), llvm::Align(4));
  }
  llvm::Value* mask(uint32_t lanes) {
    std::vector<llvm::Constant*> bits;
    for (uint32_t l = 0; l < lanes_; ++l) bits.push_back(ir_.getInt1(l < lanes));
    return llvm::ConstantVector::get(bits);
  }
  llvm::Type* pairs() { return llvm::FixedVectorType::get(ir_.getInt64Ty(), 2); }

  /// Vectors of four come in pieces of two and one, since these targets have no masks.
  llvm::Value* load_some(const LoopAccess& access, uint32_t lanes) {
    if (is_x86_) return ir_.CreateMaskedLoad(vector_, element(access), llvm::Align(4), mask(lanes), zero());
    llvm::Value* v = zero();
    if (lanes >= 2) {
      llvm::Value* pair = ir_.CreateAlignedLoad(ir_.getInt64Ty(), element(access), llvm::Align(4));
      v = ir_.CreateBitCast(ir_.CreateInsertElement(llvm::ConstantAggregateZero::get(pairs()), pair, uint64_t{0}),
                            vector_);
    }
    if (lanes % 2 == 1) v = ir_.CreateInsertElement(v, scalar_at(access, lanes - 1), uint64_t{lanes - 1});
    return v;
  }
  llvm::Value* part(llvm::Value* v, uint32_t first, uint32_t count) {
    std::vector<int> places(count);
    std::iota(places.begin(), places.end(), static_cast<int>(first));
    return ir_.CreateShuffleVector(v, places);
  }
  /// AVX-512 has masks; masked stores of AVX2 take some 20 micro-operations on AMD's cores, so pieces there too.
  void store_some(const LoopAccess& access, llvm::Value* v, uint32_t lanes) {
    if (lanes_ == 16) {
      ir_.CreateMaskedStore(v, element(access), llvm::Align(4), mask(lanes));
      return;
    }
    uint32_t done = 0;
    for (uint32_t size = 4; size >= 2; size /= 2) {
      if (lanes - done < size) continue;
      llvm::Value* piece = part(v, done, size);
      if (size == 2) piece = ir_.CreateBitCast(piece, ir_.getInt64Ty());
      ir_.CreateAlignedStore(piece, element(access, done), llvm::Align(4));
      done += size;
    }
    if (done < lanes)
      ir_.CreateAlignedStore(ir_.CreateExtractElement(v, uint64_t{done}), element(access, done), llvm::Align(4));
  }

  /// The second of two loads begins a lane early, so that nothing behind the last even element is read.
  llvm::Value* load_even(const LoopAccess& access, uint32_t lanes) {
    if (lanes == lanes_) {
      std::vector<int> places;
      for (uint32_t l = 0; l < lanes_; ++l)
        places.push_back(static_cast<int>(l < lanes_ / 2 ? 2 * l : lanes_ + 2 * (l - lanes_ / 2) + 1));
      return ir_.CreateShuffleVector(full_at(access, 0), full_at(access, lanes_ - 1), places);
    }
    llvm::Value* v = zero();
    for (uint32_t l = 0; l < lanes; ++l) v = ir_.CreateInsertElement(v, scalar_at(access, 2 * l), uint64_t{l});
    return v;
  }

  /// AArch64's maxnm gives the number where the other is none, which is right where b is a constant.
  llvm::Value* larger(llvm::Value* a, llvm::Value* b, bool is_b_constant = false) {
    if (is_b_constant && program_.target.isa == Isa::kAArch64)
      return ir_.CreateBinaryIntrinsic(llvm::Intrinsic::maxnum, a, b);
    return ir_.CreateSelect(ir_.CreateFCmpOLT(b, a), a, b);
  }
  llvm::Value* smaller(llvm::Value* a, llvm::Value* b, bool is_b_constant) {
    if (is_b_constant && program_.target.isa == Isa::kAArch64)
      return ir_.CreateBinaryIntrinsic(llvm::Intrinsic::minnum, a, b);
    return ir_.CreateSelect(ir_.CreateFCmpOLT(a, b), a, b);
  }
  /// Whether only numbers are ever written to a register.
  bool is_constant(uint32_t id) const {
    return std::ranges::all_of(program_.body, [&](const LoopInstruction& op) {
      return !loop_op_info(op.op).writes_vector || op.d != id || (op.op == LoopOp::kConstant && op.value == op.value);
    });
  }
  llvm::Value* multiply_add(llvm::Value* a, llvm::Value* b, llvm::Value* c) {
    if (program_.target.vector->arithmetic == Arithmetic::kMulAdd) return ir_.CreateFAdd(c, ir_.CreateFMul(a, b));
    const auto intrinsic = is_wasm_ ? static_cast<llvm::Intrinsic::ID>(llvm::Intrinsic::wasm_relaxed_madd)
                                    : static_cast<llvm::Intrinsic::ID>(llvm::Intrinsic::fma);
    return ir_.CreateIntrinsic(intrinsic, {vector_}, {a, b, c});
  }
  /// a times the float whose exponent is b's.
  llvm::Value* scaled(llvm::Value* a, llvm::Value* b) {
    auto* whole = llvm::FixedVectorType::get(ir_.getInt32Ty(), lanes_);
    llvm::Value* biased = ir_.CreateAdd(ir_.CreateFPToSI(b, whole), llvm::ConstantInt::get(whole, 127));
    return ir_.CreateFMul(a, ir_.CreateBitCast(ir_.CreateShl(biased, llvm::ConstantInt::get(whole, 23)), vector_));
  }
  template <typename Combine>
  llvm::Value* folded(llvm::Value* v, Combine combine) {
    for (uint32_t half = lanes_ / 2; half > 0; half /= 2) {
      std::vector<int> upper(lanes_);
      for (uint32_t l = 0; l < lanes_; ++l) upper[l] = static_cast<int>((l + half) % lanes_);
      v = combine(v, ir_.CreateShuffleVector(v, upper));
    }
    return splat(ir_.CreateExtractElement(v, uint64_t{0}));
  }

  Status lower(const LoopInstruction& op) {
    const LoopOpInfo& info = loop_op_info(op.op);
    if (op.op == LoopOp::kLoop) {
      const bool surely_runs =
          op.begin.index == kNoRegister && op.end.index == kNoRegister && op.begin.constant < op.end.constant;
      begin_loop(op, bound(op.begin), bound(op.end), surely_runs);
    } else if (op.op == LoopOp::kEndLoop) {
      end_loop();
    } else if (op.op == LoopOp::kStore) {
      if (op.lanes == lanes_)
        ir_.CreateAlignedStore(vector(op.a), element(op.access), llvm::Align(4));
      else
        store_some(op.access, vector(op.a), op.lanes);
    } else if (info.writes_integer) {
      ir_.CreateStore(integer_result(op), integers_[op.d]);
    } else {
      ir_.CreateStore(vector_result(op, info), vectors_[op.d]);
    }
    return {};
  }

  llvm::Value* integer_result(const LoopInstruction& op) {
    const auto intrinsic = [&](llvm::Intrinsic::ID id) {
      return ir_.CreateBinaryIntrinsic(id, integer(op.a), number(op.immediate));
    };
    switch (op.op) {
      case LoopOp::kIndex:
        return affine(op.access);
      case LoopOp::kLoadIndex: {
        llvm::Value* table = function_->getArg(kTableParameter);
        llvm::Value* entry = ir_.CreateAlignedLoad(ir_.getInt32Ty(), address(table, op.access), llvm::Align(4));
        return ir_.CreateSExtOrTrunc(entry, index_);
      }
      case LoopOp::kIndexMin:
        return intrinsic(llvm::Intrinsic::smin);
      case LoopOp::kIndexMax:
        return intrinsic(llvm::Intrinsic::smax);
      case LoopOp::kIndexDivide:
        return ir_.CreateUDiv(integer(op.a), number(op.immediate));
      default:
        return ir_.CreateURem(integer(op.a), number(op.immediate));
    }
  }

  llvm::Value* vector_result(const LoopInstruction& op, const LoopOpInfo& info) {
    llvm::Value* a = info.reads_a ? vector(op.a) : nullptr;
    llvm::Value* b = info.reads_b ? vector(op.b) : nullptr;
    switch (op.op) {
      case LoopOp::kConstant:
        return splat(llvm::ConstantFP::get(ir_.getFloatTy(), llvm::APFloat(op.value)));
      case LoopOp::kCopy:
        return a;
      case LoopOp::kLoad:
        return op.lanes == lanes_ ? full_at(op.access, 0) : load_some(op.access, op.lanes);
      case LoopOp::kLoadEven:
        return load_even(op.access, op.lanes);
      case LoopOp::kSplatLoad:
        return splat(scalar_at(op.access, 0));
      case LoopOp::kAdd:
        return ir_.CreateFAdd(a, b);
      case LoopOp::kSubtract:
        return ir_.CreateFSub(a, b);
      case LoopOp::kMultiply:
        return ir_.CreateFMul(a, b);
      case LoopOp::kDivide:
        return ir_.CreateFDiv(a, b);
      case LoopOp::kFma:
        return multiply_add(a, b, vector(op.c));
      case LoopOp::kMax:
        return larger(a, b, is_constant(op.b));
      case LoopOp::kMin:
        return smaller(a, b, is_constant(op.b));
      case LoopOp::kRound:
        return ir_.CreateUnaryIntrinsic(llvm::Intrinsic::nearbyint, a);
      case LoopOp::kScale:
        return scaled(a, b);
      case LoopOp::kSumLanes:
        return folded(a, [this](auto* x, auto* y) { return ir_.CreateFAdd(x, y); });
      default:
        return folded(a, [this](auto* x, auto* y) { return larger(x, y); });
    }
  }

  const LoopProgram& program_;
  llvm::Module& module_;
  llvm::IRBuilder<> ir_;
  const uint32_t lanes_;
  bool is_wasm_ = false, is_x86_ = false;
  llvm::Type* index_ = nullptr;
  llvm::FixedVectorType* vector_ = nullptr;
  llvm::Function* function_ = nullptr;
  std::vector<llvm::Value*> vectors_, integers_, ends_;
  std::vector<int64_t> steps_;
  std::vector<uint32_t> counters_;
  std::vector<OpenLoop> open_;
};

}  // namespace

Result<llvm::Function*> lower_loop_program(const LoopProgram& program, llvm::Module& module) {
  return Lowering(program, module).run();
}

Result<std::string> write_loop_object(std::span<const LoopProgram> programs, const Target& target) {
  llvm::LLVMContext context;
  llvm::Module module("loops", context);
  for (const LoopProgram& program : programs)
    if (auto function = lower_loop_program(program, module); !function)
      return std::move(function).error().in(program.name);
  return compile_module(module, target);
}

}  // namespace espalier
