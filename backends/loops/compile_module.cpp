#include <mutex>

#include "backends/loops/lower_loop_program.h"
#include "llvm/Analysis/CGSCCPassManager.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/PassManager.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/LICM.h"
#include "llvm/Transforms/Scalar/LoopPassManager.h"
#include "llvm/Transforms/Scalar/LoopStrengthReduce.h"
#include "llvm/Transforms/Scalar/SimplifyCFG.h"
#include "llvm/Transforms/Utils/Mem2Reg.h"

namespace espalier {
namespace {

/// LLVM's code generator reduces the strength of addresses for all targets, and forgets in doing so that sums do not
/// wrap, which WebAssembly's offsets need. So it is switched off there, and run with the other passes where it helps. As
/// the initial value, because lld resets options to that.
void disable_late_strength_reduction() {
  auto& options = llvm::cl::getRegisteredOptions();
  if (const auto option = options.find("disable-lsr"); option != options.end())
    static_cast<llvm::cl::opt<bool>*>(option->second)->setInitialValue(true);
}

void initialize_targets() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
    LLVMInitializeWebAssemblyTargetInfo();
    LLVMInitializeWebAssemblyTarget();
    LLVMInitializeWebAssemblyTargetMC();
    LLVMInitializeWebAssemblyAsmPrinter();
    disable_late_strength_reduction();
  });
}

Result<std::unique_ptr<llvm::TargetMachine>> machine_for(const Target& target) {
  initialize_targets();
  std::string message;
  const std::string triple(target.triple);
  const llvm::Target* found = llvm::TargetRegistry::lookupTarget(triple, message);
  if (found == nullptr) return unsupported("this LLVM has no code generator for {}: {}", triple, message);
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;  // a product and a sum are two roundings
  options.FunctionSections = true;
  const bool is_wasm = target.isa == Isa::kWasm;
  return std::unique_ptr<llvm::TargetMachine>(found->createTargetMachine(
      triple, is_wasm ? "generic" : "", "", options, is_wasm ? llvm::Reloc::Static : llvm::Reloc::PIC_));
}

/// What the generators leave to LLVM: values for stack slots, address arithmetic, invariants out of loops. No pass that
/// may recognise a library function in a loop, and none that vectorises or unrolls: the programs have decided that.
void optimise(llvm::Module& module, llvm::TargetMachine& machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  llvm::FunctionPassManager passes;
  passes.addPass(llvm::PromotePass());
  passes.addPass(llvm::EarlyCSEPass());
  passes.addPass(llvm::InstCombinePass());
  passes.addPass(llvm::SimplifyCFGPass());
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(llvm::LICMPass(llvm::LICMOptions()), /*UseMemorySSA=*/true));
  passes.addPass(llvm::EarlyCSEPass());
  if (!machine.getTargetTriple().isWasm())
    passes.addPass(llvm::createFunctionToLoopPassAdaptor(llvm::LoopStrengthReducePass()));
  for (llvm::Function& function : module)
    if (!function.isDeclaration()) passes.run(function, functions);
}

}  // namespace

Result<std::string> compile_module(llvm::Module& module, const Target& target) {
  auto machine = machine_for(target);
  if (!machine) return std::move(machine).error();
  module.setTargetTriple(std::string(target.triple));
  module.setDataLayout((*machine)->createDataLayout());
  std::string complaint;
  llvm::raw_string_ostream complaints(complaint);
  if (llvm::verifyModule(module, &complaints)) return internal_error("LLVM refuses the code: {}", complaints.str());
  optimise(module, **machine);
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  if ((*machine)->addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::ObjectFile))
    return unsupported("this LLVM writes no objects for {}", target.triple);
  passes.run(module);
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace espalier
