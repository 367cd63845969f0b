#include "backends/network/network_object.h"

#include <cstddef>

#include "backends/loops/loop_lowering.h"
#include "espalier/network_abi.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"

namespace espalier {
namespace {

// The tables below list the fields of these in order; targets have 64-bit pointers, as has whoever compiles this.
static_assert(sizeof(espalier_step) == 5 * 8 + 3 * 16 + 4 * 4 + 8 && offsetof(espalier_step, first_item) == 88);
static_assert(sizeof(espalier_value) == 8 + 4 * 4);
static_assert(sizeof(espalier_network) == 2 * 4 + 2 * 8 + 4 * 4 + 6 * 8 && offsetof(espalier_network, inputs) == 40);

class NetworkModule {
 public:
  explicit NetworkModule(const NetworkProgram& program) : program_(program), module_(program.name, context_) {}

  Result<std::string> object() {
    if (Status s = loops::prepare_module(module_, program_.target); !s) return std::move(s).error();
    for (const LoopProgram& loop : program_.loops) {
      auto function = loops::lower_loop_program(loop, module_);
      if (!function) return std::move(function).error().in(loop.name);
      (*function)->setLinkage(llvm::GlobalValue::InternalLinkage);
      functions_.push_back(*function);
    }
    add_tables();
    add_descriptor();
    return loops::compile_module(module_, program_.target, /*may_import=*/true);
  }

 private:
  using Fields = std::vector<llvm::Constant*>;

  llvm::Constant* number(uint32_t value) { return llvm::ConstantInt::get(llvm::Type::getInt32Ty(context_), value); }
  llvm::Constant* number(uint64_t value) { return llvm::ConstantInt::get(llvm::Type::getInt64Ty(context_), value); }
  llvm::Constant* null() { return llvm::ConstantPointerNull::get(llvm::PointerType::get(context_, 0)); }
  llvm::Constant* record(const Fields& fields) { return llvm::ConstantStruct::getAnon(context_, fields); }

  /// A read-only variable of this object.
  llvm::GlobalVariable* local(const std::string& name, llvm::Constant* value, uint64_t alignment) {
    auto* variable = new llvm::GlobalVariable(module_, value->getType(), true, llvm::GlobalValue::InternalLinkage,
                                              value, program_.name + "." + name);
    variable->setAlignment(llvm::Align(alignment));
    return variable;
  }
  llvm::Constant* array(const std::string& name, const Fields& records) {
    if (records.empty()) return null();
    return local(name, llvm::ConstantArray::get(llvm::ArrayType::get(records[0]->getType(), records.size()), records),
                 16);
  }
  template <typename T>
  llvm::Constant* data(const std::string& name, const std::vector<T>& values, uint64_t alignment) {
    if (values.empty()) return null();
    return local(name, llvm::ConstantDataArray::get(context_, values), alignment);
  }
  llvm::Constant* text(const std::string& value) {
    auto* variable = local("text", llvm::ConstantDataArray::getString(context_, value), 1);
    variable->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
    return variable;
  }

  void add_tables() {
    for (const LoopProgram& loop : program_.loops) tables_.push_back(data(loop.name + ".table", loop.table, 16));
    for (const KernelProgram* kernel : program_.kernels)
      kernels_.push_back(new llvm::GlobalVariable(module_, llvm::Type::getInt8Ty(context_), true,
                                                  llvm::GlobalValue::ExternalLinkage, nullptr, kernel->name));
    for (llvm::Constant* kernel : kernels_)
      llvm::cast<llvm::GlobalVariable>(kernel)->setVisibility(llvm::GlobalValue::HiddenVisibility);
  }

  llvm::Constant* place(const NetworkPlace& place) {
    return record({number(static_cast<uint32_t>(place.space)), number(place.number), number(place.offset)});
  }

  llvm::Constant* step(const NetworkStep& step) {
    return record({text(step.name), step.is_kernel ? kernels_[step.program] : null(),
                   step.is_kernel ? null() : functions_[step.program], step.is_kernel ? null() : tables_[step.program],
                   number(step.weights), place(step.x0), place(step.x1), place(step.y), number(step.first),
                   number(step.items), number(step.layer), number(uint32_t{0}), number(step.multiply_adds)});
  }

  llvm::Constant* values(const std::string& name, const std::vector<NetworkValue>& values) {
    Fields records;
    for (const NetworkValue& value : values)
      records.push_back(record({text(value.name), number(value.shape.n), number(value.shape.h), number(value.shape.w),
                                number(value.shape.c)}));
    return array(name, records);
  }

  void add_descriptor() {
    Fields steps;
    for (const NetworkStep& s : program_.steps) steps.push_back(step(s));
    const auto count = [this](size_t n) { return number(static_cast<uint32_t>(n)); };
    llvm::Constant* descriptor =
        record({number(ESPALIER_NETWORK_ABI_VERSION), count(sizeof(espalier_network)), text(program_.name),
                number(program_.target.vector->features), count(program_.inputs.size()), count(program_.outputs.size()),
                count(program_.steps.size()), count(program_.layers.size()), values("inputs", program_.inputs),
                values("outputs", program_.outputs), array("steps", steps), data("constants", program_.constants, 64),
                number(program_.arena_elements), number(program_.scratch_elements)});
    auto* variable = new llvm::GlobalVariable(module_, descriptor->getType(), true, llvm::GlobalValue::ExternalLinkage,
                                              descriptor, program_.name);
    variable->setAlignment(llvm::Align(16));
  }

  const NetworkProgram& program_;
  llvm::LLVMContext context_;
  llvm::Module module_;
  std::vector<llvm::Function*> functions_;
  std::vector<llvm::Constant*> tables_, kernels_;
};

}  // namespace

Result<std::string> write_network_object(const NetworkProgram& program) { return NetworkModule(program).object(); }

}  // namespace espalier
