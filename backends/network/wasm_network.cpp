#include "backends/network/wasm_network.h"

#include "backends/loops/loop_lowering.h"
#include "backends/wasm/linker.h"
#include "backends/wasm/module_descriptor.h"
#include "backends/wasm/wasm_module.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

namespace espalier {
namespace {

constexpr uint64_t kMostBlockBytes = uint64_t{1} << 31;

uint64_t aligned(uint64_t bytes) { return (bytes + 63) / 64 * 64; }

/// The functions that call a network's programs in order.
class DriverModule {
 public:
  explicit DriverModule(const NetworkProgram& program)
      : program_(program), block_(wasm_network_block(program)), module_(program.name, context_), ir_(context_) {}

  Result<std::string> object() {
    if (block_.bytes > kMostBlockBytes)
      return limit_exceeded("network {} needs {} bytes of memory for a run, but modules have at most {}", program_.name,
                            block_.bytes, kMostBlockBytes);
    if (Status s = loops::prepare_module(module_, program_.target); !s) return std::move(s).error();
    for (const LoopProgram& loop : program_.loops) {
      auto function = loops::lower_loop_program(loop, module_);
      if (!function) return std::move(function).error().in(loop.name);
      (*function)->setLinkage(llvm::GlobalValue::InternalLinkage);
      loops_.push_back(*function);
      tables_.push_back(data(loop.name + ".table", loop.table, 16));
    }
    for (const KernelProgram* kernel : program_.kernels)
      kernels_.push_back(
          module_.getOrInsertFunction(kernel->name, ir_.getVoidTy(), pointer(), pointer(), ir_.getInt32Ty()));
    constants_ = data("constants", program_.constants, 64);
    for (const NetworkStep& step : program_.steps) steps_.push_back(step_function(step));
    add_run();
    add_step();
    return loops::compile_module(module_, program_.target, /*may_import=*/true);
  }

 private:
  llvm::Type* pointer() { return ir_.getPtrTy(); }

  template <typename T>
  llvm::Constant* data(const std::string& name, const std::vector<T>& values, uint64_t alignment) {
    if (values.empty()) return llvm::ConstantPointerNull::get(ir_.getPtrTy());
    auto* value = llvm::ConstantDataArray::get(context_, values);
    auto* variable = new llvm::GlobalVariable(module_, value->getType(), true, llvm::GlobalValue::InternalLinkage,
                                              value, program_.name + "." + name);
    variable->setAlignment(llvm::Align(alignment));
    return variable;
  }

  llvm::Function* function(const std::string& name, std::vector<llvm::Type*> parameters, bool is_local) {
    auto* type = llvm::FunctionType::get(ir_.getVoidTy(), parameters, false);
    auto* f = llvm::Function::Create(
        type, is_local ? llvm::GlobalValue::InternalLinkage : llvm::GlobalValue::ExternalLinkage, name, module_);
    ir_.SetInsertPoint(llvm::BasicBlock::Create(context_, "", f));
    return f;
  }

  llvm::Value* at(llvm::Value* base, uint64_t bytes) {
    return ir_.CreateConstInBoundsGEP1_64(ir_.getInt8Ty(), base, bytes);
  }

  llvm::Value* place(llvm::Value* block, const NetworkPlace& place) {
    const uint64_t bytes = place.offset * sizeof(float);
    switch (place.space) {
      case PlaceSpace::kInput:
        return at(block, block_.inputs[place.number] + bytes);
      case PlaceSpace::kOutput:
        return at(block, block_.outputs[place.number] + bytes);
      case PlaceSpace::kConstants:
        return at(constants_, bytes);
      case PlaceSpace::kWorkspace:
        break;
    }
    return at(block, bytes);
  }

  /// A function per step, so that engines compile them apart.
  llvm::Function* step_function(const NetworkStep& step) {
    auto* f = function(fmt::format("{}.step.{}", program_.name, steps_.size()), {pointer()}, true);
    llvm::Value* block = f->getArg(0);
    if (step.is_kernel) {
      const uint32_t pixels = program_.kernels[step.program]->pixels;
      ir_.CreateCall(kernels_[step.program], {place(block, step.x0), place(block, step.y), ir_.getInt32(pixels)});
    } else {
      ir_.CreateCall(loops_[step.program],
                     {place(block, step.x0), place(block, step.x1), place(block, step.y),
                      at(constants_, step.weights * sizeof(float)), tables_[step.program], at(block, block_.scratch),
                      ir_.getInt32(step.first), ir_.getInt32(step.first + step.items)});
    }
    ir_.CreateRetVoid();
    return f;
  }

  void add_run() {
    auto* f = function(program_.name + ".run", {pointer()}, false);
    for (llvm::Function* step : steps_) ir_.CreateCall(step, {f->getArg(0)});
    ir_.CreateRetVoid();
  }

  void add_step() {
    auto* f = function(program_.name + ".step", {pointer(), ir_.getInt32Ty()}, false);
    auto* end = llvm::BasicBlock::Create(context_, "end", f);
    auto* choice = ir_.CreateSwitch(f->getArg(1), end, static_cast<unsigned>(steps_.size()));
    for (uint32_t i = 0; i < steps_.size(); ++i) {
      auto* block = llvm::BasicBlock::Create(context_, "", f, end);
      choice->addCase(ir_.getInt32(i), block);
      ir_.SetInsertPoint(block);
      ir_.CreateCall(steps_[i], {f->getArg(0)});
      ir_.CreateBr(end);
    }
    ir_.SetInsertPoint(end);
    ir_.CreateRetVoid();
  }

  const NetworkProgram& program_;
  const WasmNetworkBlock block_;
  llvm::LLVMContext context_;
  llvm::Module module_;
  llvm::IRBuilder<> ir_;
  llvm::Constant* constants_ = nullptr;
  std::vector<llvm::Function*> loops_, steps_;
  std::vector<llvm::Constant*> tables_;
  std::vector<llvm::FunctionCallee> kernels_;
};

void write_values(llvm::json::OStream& json, llvm::StringRef key, const std::vector<NetworkValue>& values,
                  const std::vector<uint64_t>& offsets) {
  json.attributeArray(key, [&] {
    for (size_t i = 0; i < values.size(); ++i)
      json.object([&] {
        json.attribute("name", llvm::json::fixUTF8(values[i].name));
        json.attributeArray("shape", [&] {
          for (const uint32_t size : values[i].shape.sizes()) json.value(size);
        });
        json.attribute("offset", offsets[i]);
      });
  });
}

void describe(llvm::json::OStream& json, const NetworkProgram& program) {
  const WasmNetworkBlock block = wasm_network_block(program);
  json.attribute("name", program.name);
  json.attribute("block_bytes", block.bytes);
  write_values(json, "inputs", program.inputs, block.inputs);
  write_values(json, "outputs", program.outputs, block.outputs);
  json.attributeArray("layers", [&] {
    for (const std::string& layer : program.layers) json.value(llvm::json::fixUTF8(layer));
  });
  json.attributeArray("steps", [&] {
    for (const NetworkStep& step : program.steps) json.object([&] { json.attribute("layer", step.layer); });
  });
}

}  // namespace

WasmNetworkBlock wasm_network_block(const NetworkProgram& program) {
  WasmNetworkBlock block;
  block.scratch = aligned(program.arena_elements * sizeof(float));
  block.bytes = block.scratch + aligned(program.scratch_elements * sizeof(float));
  const auto add = [&](const std::vector<NetworkValue>& values, std::vector<uint64_t>& offsets) {
    for (const NetworkValue& value : values) {
      offsets.push_back(block.bytes);
      block.bytes += aligned(value.shape.elements() * sizeof(float));
    }
  };
  add(program.inputs, block.inputs);
  add(program.outputs, block.outputs);
  return block;
}

Result<std::string> write_wasm_network_object(const NetworkProgram& program) { return DriverModule(program).object(); }

Result<std::string> write_wasm_network(const NetworkProgram& program) {
  std::vector<KernelProgram> kernels;
  for (const KernelProgram* kernel : program.kernels) kernels.push_back(*kernel);
  auto object = write_wasm_object(kernels);
  if (!object) return std::move(object).error();
  auto driver = write_wasm_network_object(program);
  if (!driver) return std::move(driver).error();
  const std::string objects[] = {*std::move(object), *std::move(driver)};
  auto module = wasm::link_module(objects);
  if (!module) return std::move(module).error();
  return *module + wasm::descriptor_section(kernels, program.target.vector->features, [&](llvm::json::OStream& json) {
    json.attributeArray("networks", [&] { json.object([&] { describe(json, program); }); });
  });
}

}  // namespace espalier
