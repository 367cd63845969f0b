#include "backends/loops/loop_lowering.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "backends/loops/vector_code.h"
#include "llvm/IR/Module.h"

namespace espalier::loops {
namespace {

/// Parameters of the function, in order.
enum Parameter : unsigned { kX0, kX1, kY, kWeights, kTable, kScratch, kFirstItem, kLastItem };
constexpr std::array kPointers = {kX0, kX1, kY, kWeights, kTable, kScratch};
constexpr Parameter kParameterOf[kLoopBuffers] = {kX0, kX1, kY, kWeights, kScratch};

bool may_alias(const LoopProgram& program, Parameter p) { return program.in_place && (p == kX0 || p == kY); }

/// Which integer registers never hold a negative value, whatever the path: the greatest set that every operation keeps.
std::vector<bool> never_negative(const LoopProgram& program) {
  std::vector<bool> known(program.integers, true);
  const auto access = [&](const LoopAccess& a) {
    return a.offset >= 0 && std::ranges::all_of(a.terms, [&](const LoopTerm& term) {
             return term.coefficient >= 0 && known[term.index];
           });
  };
  const auto result = [&](const LoopInstruction& op) {
    switch (op.op) {
      case LoopOp::kIndex:
        return access(op.access);
      case LoopOp::kLoadIndex:
        return std::ranges::all_of(program.table, [](int32_t entry) { return entry >= 0; });
      case LoopOp::kIndexMin:
        return op.immediate >= 0 && known[op.a];
      case LoopOp::kIndexMax:
        return op.immediate >= 0 || known[op.a];
      case LoopOp::kLoop:
        return op.begin.index == kNoRegister ? op.begin.constant >= 0 : known[op.begin.index];
      default:
        return true;  // quotients and remainders
    }
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (const LoopInstruction& op : program.body)
      if (loop_op_info(op.op).writes_integer && known[op.d] && !result(op)) {
        known[op.d] = false;
        changed = true;
      }
  }
  return known;
}

/// Which vector registers hold nothing but constants that are numbers.
std::vector<bool> constant_numbers(const LoopProgram& program) {
  std::vector<bool> known(program.vectors, true);
  for (const LoopInstruction& op : program.body)
    if (loop_op_info(op.op).writes_vector && (op.op != LoopOp::kConstant || std::isnan(op.value))) known[op.d] = false;
  return known;
}

struct OpenLoop {
  llvm::BasicBlock *body, *exit;
  llvm::PHINode* counter;
  llvm::Value* end;
  int64_t step;
};

class Lowering {
 public:
  Lowering(const LoopProgram& program, const LoopIsa& isa, llvm::Function& function)
      : program_(program),
        isa_(isa),
        function_(function),
        builder_(llvm::BasicBlock::Create(function.getContext(), "", &function)),
        vector_(builder_, isa, program.lanes()),
        integer_(function.getArg(kFirstItem)->getType()),
        never_negative_(never_negative(program)),
        constant_numbers_(constant_numbers(program)) {}

  void run() {
    for (uint32_t v = 0; v < program_.vectors; ++v) vectors_.push_back(builder_.CreateAlloca(vector_.type()));
    for (uint32_t i = 0; i < program_.integers; ++i) integers_.push_back(builder_.CreateAlloca(integer_));
    begin_loop(0, function_.getArg(kFirstItem), function_.getArg(kLastItem), 1, /*runs=*/false);
    for (const LoopInstruction& op : program_.body) {
      lower(op);
      before_ = &op;
    }
    end_loop();
    builder_.CreateRetVoid();
  }

 private:
  void lower(const LoopInstruction& op) {
    if (op.op == LoopOp::kLoop) return begin_loop(op);
    if (op.op == LoopOp::kEndLoop) return end_loop();
    if (loop_op_info(op.op).writes_integer) return set_integer(op.d, integer_result(op));
    if (op.op == LoopOp::kStore) return vector_.store(address(op.access), vector(op.a), op.lanes);
    builder_.CreateStore(vector_result(op), vectors_[op.d]);
  }

  llvm::Value* constant_vector(float value) {
    if (isa_.constants == ConstantForm::kImmediate || std::bit_cast<uint32_t>(value) == 0)
      return vector_.constant(value);
    return vector_.splat_load(stored(value));
  }

  /// A variable with the value, one for all functions of the module: what is not constant nobody folds.
  llvm::GlobalVariable* stored(float value) {
    llvm::Module& module = *function_.getParent();
    const std::string name = fmt::format("espalier.constant.{:x}", std::bit_cast<uint32_t>(value));
    if (auto* found = module.getNamedGlobal(name)) return found;
    auto* variable = new llvm::GlobalVariable(module, builder_.getFloatTy(), /*isConstant=*/false,
                                              llvm::GlobalValue::InternalLinkage,
                                              llvm::ConstantFP::get(builder_.getContext(), llvm::APFloat(value)), name);
    variable->setAlignment(llvm::Align(4));
    return variable;
  }

  llvm::Constant* constant(int64_t value) const { return llvm::ConstantInt::getSigned(integer_, value); }
  llvm::Value* integer(uint32_t id) { return builder_.CreateLoad(integer_, integers_[id]); }
  void set_integer(uint32_t id, llvm::Value* value) { builder_.CreateStore(value, integers_[id]); }
  llvm::Value* vector(uint32_t id) { return builder_.CreateLoad(vector_.type(), vectors_[id]); }

  /// offset + sum of terms, without the offset.
  llvm::Value* terms(const LoopAccess& access) {
    llvm::Value* sum = nullptr;
    for (const LoopTerm& term : access.terms) {
      llvm::Value* value = integer(term.index);
      if (term.coefficient != 1) value = builder_.CreateNSWMul(value, constant(term.coefficient));
      sum = sum ? builder_.CreateNSWAdd(sum, value) : value;
    }
    return sum;
  }
  llvm::Value* value(const LoopAccess& access) {
    llvm::Value* sum = terms(access);
    if (!sum) return constant(access.offset);
    return access.offset == 0 ? sum : builder_.CreateNSWAdd(sum, constant(access.offset));
  }

  /// The offset comes last, so that it can go into the instruction that moves the data. WebAssembly has only unsigned
  /// offsets, added without wrapping: they need addresses below theirs that are inside memory.
  llvm::Value* address(const LoopAccess& access) {
    llvm::Value* pointer = function_.getArg(kParameterOf[static_cast<size_t>(access.buffer)]);
    const bool forward = access.offset >= 0 && std::ranges::all_of(access.terms, [&](const LoopTerm& term) {
                           return term.coefficient >= 0 && never_negative_[term.index];
                         });
    const auto flags =
        forward ? llvm::GEPNoWrapFlags::inBounds() | llvm::GEPNoWrapFlags::noUnsignedWrap() : llvm::GEPNoWrapFlags();
    if (llvm::Value* sum = terms(access)) pointer = builder_.CreateGEP(builder_.getFloatTy(), pointer, sum, "", flags);
    if (access.offset == 0) return pointer;
    return builder_.CreateGEP(builder_.getFloatTy(), pointer, constant(access.offset), "", flags);
  }

  llvm::Value* vector_result(const LoopInstruction& op) {
    const LoopOpInfo& info = loop_op_info(op.op);
    switch (op.op) {
      case LoopOp::kConstant:
        return constant_vector(op.value);
      case LoopOp::kLoad:
        return vector_.load(address(op.access), op.lanes);
      case LoopOp::kLoadStrided:
        return vector_.load_strided(address(op.access), op.immediate, op.lanes);
      case LoopOp::kSplatLoad:
        return vector_.splat_load(address(op.access));
      case LoopOp::kSplatPair:
        return vector_.splat_pair(address(op.access));
      case LoopOp::kSlideUp:
        return slid(op);
      case LoopOp::kMax:
      case LoopOp::kMin:
        if (constant_numbers_[op.a] && !constant_numbers_[op.b])
          return vector_.limited(op.op, vector(op.a), vector(op.b));
        [[fallthrough]];
      default:
        return vector_.arithmetic(op.op, vector(op.a), info.reads_b ? vector(op.b) : nullptr,
                                  info.reads_c ? vector(op.c) : nullptr);
    }
  }

  llvm::Value* slid(const LoopInstruction& op) {
    const auto distance = static_cast<uint32_t>(op.immediate);
    const bool is_loaded = before_ != nullptr && before_->op == LoopOp::kLoad && before_->d == op.a;
    if (is_loaded) return vector_.load_slid(address(before_->access), before_->lanes, distance);
    return vector_.slide_up(vector(op.a), distance);
  }

  llvm::Value* table_entry(const LoopAccess& access) {
    llvm::Value* pointer = builder_.CreateGEP(builder_.getInt32Ty(), function_.getArg(kTable), value(access));
    return builder_.CreateSExt(builder_.CreateAlignedLoad(builder_.getInt32Ty(), pointer, llvm::Align(4)), integer_);
  }

  llvm::Value* integer_result(const LoopInstruction& op) {
    switch (op.op) {
      case LoopOp::kIndex:
        return value(op.access);
      case LoopOp::kLoadIndex:
        return table_entry(op.access);
      case LoopOp::kIndexMin:
        return builder_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, integer(op.a), constant(op.immediate));
      case LoopOp::kIndexMax:
        return builder_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, integer(op.a), constant(op.immediate));
      case LoopOp::kIndexDivide:
        return builder_.CreateUDiv(integer(op.a), constant(op.immediate));
      default:
        return builder_.CreateURem(integer(op.a), constant(op.immediate));
    }
  }

  llvm::Value* bound(const LoopBound& bound) {
    return bound.index == kNoRegister ? constant(bound.constant) : integer(bound.index);
  }

  void begin_loop(const LoopInstruction& op) {
    const bool constants = op.begin.index == kNoRegister && op.end.index == kNoRegister;
    begin_loop(op.d, bound(op.begin), bound(op.end), op.immediate, constants && op.begin.constant < op.end.constant);
  }

  /// Tested at its end (and once before, unless it is known to run), as LLVM's passes over loops want it. The counter
  /// is the loop's own: the body may write the register.
  void begin_loop(uint32_t id, llvm::Value* begin, llvm::Value* end, int64_t step, bool runs) {
    llvm::BasicBlock* before = builder_.GetInsertBlock();
    auto* body = llvm::BasicBlock::Create(function_.getContext(), "", &function_);
    auto* exit = llvm::BasicBlock::Create(function_.getContext(), "", &function_);
    if (runs)
      builder_.CreateBr(body);
    else
      builder_.CreateCondBr(builder_.CreateICmpSLT(begin, end), body, exit);
    builder_.SetInsertPoint(body);
    llvm::PHINode* counter = builder_.CreatePHI(integer_, 2);
    counter->addIncoming(begin, before);
    set_integer(id, counter);
    open_.push_back({body, exit, counter, end, step});
  }

  void end_loop() {
    const OpenLoop loop = open_.back();
    open_.pop_back();
    llvm::Value* next = builder_.CreateNSWAdd(loop.counter, constant(loop.step));
    loop.counter->addIncoming(next, builder_.GetInsertBlock());
    builder_.CreateCondBr(builder_.CreateICmpSLT(next, loop.end), loop.body, loop.exit);
    builder_.SetInsertPoint(loop.exit);
  }

  const LoopProgram& program_;
  const LoopIsa& isa_;
  llvm::Function& function_;
  llvm::IRBuilder<> builder_;
  VectorCode vector_;
  llvm::Type* const integer_;
  const std::vector<bool> never_negative_, constant_numbers_;
  std::vector<llvm::Value*> vectors_, integers_;
  std::vector<OpenLoop> open_;
  const LoopInstruction* before_ = nullptr;  ///< the instruction in front of the one that is being lowered
};

Status check_sizes(const LoopProgram& program) {
  constexpr uint64_t kMostBytes = uint64_t{1} << 31;
  if (program.target.isa != Isa::kWasm) return {};
  for (const uint64_t elements : program.elements)
    if (elements * sizeof(float) > kMostBytes)
      return limit_exceeded("{}: a buffer has {} bytes, but WebAssembly's limit is {}", program.name,
                            elements * sizeof(float), kMostBytes);
  return {};
}

/// "tune-cpu" orders instructions for the CPU without leave to use any that the ISA lacks.
void set_attributes(const LoopProgram& program, const LoopIsa& isa, llvm::Function& function) {
  function.addFnAttr("target-cpu", isa.cpu);
  function.addFnAttr("target-features", isa.features);
  if (program.target.isa != Isa::kWasm) function.addFnAttr("tune-cpu", program.target.cpu->llvm_name);
  function.addFnAttr("no-builtins");
  function.addFnAttr(llvm::Attribute::NoUnwind);
  for (const Parameter p : kPointers) {
    function.addParamAttr(p, llvm::Attribute::getWithAlignment(function.getContext(), llvm::Align(4)));
    if (!may_alias(program, p)) function.addParamAttr(p, llvm::Attribute::NoAlias);
  }
}

llvm::FunctionType* function_type(llvm::Module& module) {
  auto* pointer = llvm::PointerType::getUnqual(module.getContext());
  auto* size = module.getDataLayout().getIntPtrType(module.getContext());
  return llvm::FunctionType::get(llvm::Type::getVoidTy(module.getContext()),
                                 {pointer, pointer, pointer, pointer, pointer, pointer, size, size}, false);
}

}  // namespace

Result<llvm::Function*> lower_loop_program(const LoopProgram& program, llvm::Module& module) {
  const auto isa = find_loop_isa(program.target);
  if (!isa) return isa.error();
  if (Status s = check_sizes(program); !s) return std::move(s).error();
  if (module.getFunction(program.name)) return bad_input("there are two functions named {}", program.name);
  auto* function = llvm::Function::Create(function_type(module), llvm::Function::ExternalLinkage, program.name, module);
  set_attributes(program, **isa, *function);
  Lowering(program, **isa, *function).run();
  return function;
}

}  // namespace espalier::loops
