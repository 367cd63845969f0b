#include <mutex>

#include "backends/loops/loop_isa.h"
#include "backends/loops/loop_lowering.h"
#include "backends/loops/loop_object.h"
#include "ir/half_vectors.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/LICM.h"
#include "llvm/Transforms/Scalar/LoopPassManager.h"
#include "llvm/Transforms/Scalar/LoopStrengthReduce.h"
#include "llvm/Transforms/Utils/Mem2Reg.h"

namespace espalier::loops {
namespace {

/// LLVM's code generator reduces the strength of addresses for all targets. In doing so it forgets that sums do not
/// wrap, which WebAssembly's offsets need, and it takes 1.5 ms of 5 for a depthwise layer, where x86-64 has addresses
/// of two registers and gains nothing. So it is switched off there, and run with the other passes where it helps. As
/// the initial value, because lld resets options to that.
void disable_late_strength_reduction() {
  auto& options = llvm::cl::getRegisteredOptions();
  if (const auto option = options.find("disable-lsr"); option != options.end())
    static_cast<llvm::cl::opt<bool>*>(option->second)->setInitialValue(true);
}

void initialise_llvm() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargets();
    llvm::InitializeAllTargetMCs();
    llvm::InitializeAllAsmPrinters();
    disable_late_strength_reduction();
  });
}

Result<std::unique_ptr<llvm::TargetMachine>> make_machine(const Target& target) {
  const auto isa = find_loop_isa(target);
  if (!isa) return isa.error();
  initialise_llvm();
  std::string message;
  const std::string triple(target.triple);
  const llvm::Target* found = llvm::TargetRegistry::lookupTarget(triple, message);
  if (!found) return unsupported("this LLVM has no code for {}: {}", target.triple, message);
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  // WebAssembly's position-independent code is for modules that others load.
  const auto model = target.isa == Isa::kWasm ? llvm::Reloc::Static : llvm::Reloc::PIC_;
  std::unique_ptr<llvm::TargetMachine> machine(
      found->createTargetMachine(triple, (*isa)->cpu, (*isa)->features, options, model));
  if (!machine) return unsupported("this LLVM has no code generator for {}", target.triple);
  return machine;
}

/// Few passes: the programs are written as they should run. None that makes calls (memset, memcpy) of loops.
void optimise(llvm::Module& module, llvm::TargetMachine& machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager sccs;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  llvm::FunctionPassManager passes;
  passes.addPass(llvm::PromotePass());
  passes.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
  passes.addPass(llvm::InstCombinePass());
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(llvm::LICMPass(llvm::LICMOptions()), /*UseMemorySSA=*/true));
  passes.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
  if (machine.getTargetTriple().isAArch64())
    passes.addPass(llvm::createFunctionToLoopPassAdaptor(llvm::LoopStrengthReducePass()));
  llvm::ModulePassManager manager;
  manager.addPass(llvm::createModuleToFunctionPassAdaptor(std::move(passes)));
  manager.run(module, modules);
}

Status check_module(const llvm::Module& module) {
  std::string messages;
  llvm::raw_string_ostream stream(messages);
  if (llvm::verifyModule(module, &stream)) return internal_error("LLVM refuses its module: {}", stream.str());
  return {};
}

/// LLVM may call the C library (fmaf, memcpy) where a target lacks an instruction; nobody would resolve that.
Status check_complete(llvm::StringRef object) {
  auto file = llvm::object::ObjectFile::createObjectFile(llvm::MemoryBufferRef(object, "loops.o"));
  if (!file) return internal_error("cannot read LLVM's object: {}", llvm::toString(file.takeError()));
  for (const llvm::object::SymbolRef& symbol : (*file)->symbols()) {
    auto flags = symbol.getFlags();
    auto name = symbol.getName();
    if (!flags || !name) return internal_error("cannot read the symbols of LLVM's object");
    if ((*flags & llvm::object::SymbolRef::SF_Undefined) && !name->empty())
      return internal_error("LLVM's code needs {}, which nothing defines", name->str());
  }
  return {};
}

Result<std::string> generated(llvm::Module& module, const Target& target, llvm::CodeGenFileType type) {
  const auto machine = make_machine(target);
  if (!machine) return machine.error();
  if (Status s = check_module(module); !s) return std::move(s).error();
  optimise(module, **machine);
  llvm::SmallString<0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  if ((*machine)->addPassesToEmitFile(passes, stream, nullptr, type))
    return internal_error("LLVM cannot write objects for {}", target.triple);
  passes.run(module);
  return bytes.str().str();
}

Result<std::string> lowered(std::span<const LoopProgram> programs, const Target& target, llvm::CodeGenFileType type,
                            LoopVisibility visibility) {
  llvm::LLVMContext context;
  llvm::Module module("loops", context);
  if (Status s = prepare_module(module, target); !s) return std::move(s).error();
  for (const LoopProgram& program : programs) {
    if (program.target.name != target.name || !includes(*target.vector, *program.target.vector))
      return internal_error("{} is made for {} {}, not {} {}", program.name, program.target.name,
                            program.target.vector->name, target.name, target.vector->name);
    const auto function = lower_loop_program(program, module);
    if (!function) return function.error();
    if (visibility == LoopVisibility::kHidden) (*function)->setVisibility(llvm::GlobalValue::HiddenVisibility);
  }
  if (type == llvm::CodeGenFileType::ObjectFile) return compile_module(module, target);
  return generated(module, target, type);
}

}  // namespace

Status prepare_module(llvm::Module& module, const Target& target) {
  const auto machine = make_machine(target);
  if (!machine) return machine.error();
  module.setTargetTriple(std::string(target.triple));
  module.setDataLayout((*machine)->createDataLayout());
  module.setPICLevel(llvm::PICLevel::BigPIC);
  return {};
}

Result<std::string> compile_module(llvm::Module& module, const Target& target, bool may_import) {
  auto object = generated(module, target, llvm::CodeGenFileType::ObjectFile);
  if (!object || may_import) return object;
  if (Status s = check_complete(*object); !s) return std::move(s).error();
  return object;
}

}  // namespace espalier::loops

namespace espalier {

Result<std::string> write_loop_object(std::span<const LoopProgram> programs, const Target& target,
                                      LoopVisibility visibility) {
  return loops::lowered(programs, target, llvm::CodeGenFileType::ObjectFile, visibility);
}

Result<std::string> write_loop_assembly(std::span<const LoopProgram> programs, const Target& target) {
  return loops::lowered(programs, target, llvm::CodeGenFileType::AssemblyFile, LoopVisibility::kDefault);
}

}  // namespace espalier
