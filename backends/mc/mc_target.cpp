#include "backends/mc/mc_target.h"

#include <mutex>

#include "llvm/ADT/StringMap.h"
#include "llvm/MC/MCAsmInfo.h"
#include "llvm/MC/MCCodeEmitter.h"
#include "llvm/MC/MCContext.h"
#include "llvm/MC/MCDisassembler/MCDisassembler.h"
#include "llvm/MC/MCInstPrinter.h"
#include "llvm/MC/MCInstrInfo.h"
#include "llvm/MC/MCObjectFileInfo.h"
#include "llvm/MC/MCRegisterInfo.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/MCTargetOptions.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Triple.h"

namespace espalier {
namespace {

void initialise_llvm() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargetMCs();
    llvm::InitializeAllDisassemblers();
  });
}

}  // namespace

McTarget::McTarget() = default;
McTarget::~McTarget() = default;

Result<std::unique_ptr<McTarget>> McTarget::create(std::string_view triple, std::string_view cpu,
                                                   std::string_view features) {
  initialise_llvm();
  std::unique_ptr<McTarget> mc(new McTarget);
  mc->triple_ = llvm::Triple::normalize(triple);
  std::string message;
  mc->target_ = llvm::TargetRegistry::lookupTarget(mc->triple_, message);
  if (!mc->target_) return unsupported("this LLVM cannot assemble for {}: {}", triple, message);
  const llvm::MCTargetOptions options;
  mc->registers_.reset(mc->target_->createMCRegInfo(mc->triple_));
  mc->asm_info_.reset(mc->target_->createMCAsmInfo(*mc->registers_, mc->triple_, options));
  mc->instructions_.reset(mc->target_->createMCInstrInfo());
  mc->subtarget_.reset(mc->target_->createMCSubtargetInfo(mc->triple_, std::string(cpu), std::string(features)));
  mc->context_ = std::make_unique<llvm::MCContext>(llvm::Triple(mc->triple_), mc->asm_info_.get(), mc->registers_.get(),
                                                   mc->subtarget_.get());
  mc->object_file_info_.reset(mc->target_->createMCObjectFileInfo(*mc->context_, /*PIC=*/true));
  mc->context_->setObjectFileInfo(mc->object_file_info_.get());
  mc->emitter_.reset(mc->target_->createMCCodeEmitter(*mc->instructions_, *mc->context_));
  return mc;
}

Result<unsigned> McTarget::opcode(std::string_view name) const {
  for (unsigned i = 0; i < instructions_->getNumOpcodes(); ++i)
    if (instructions_->getName(i) == llvm::StringRef(name)) return i;
  return internal_error("this LLVM has no {} instruction named {}", triple_, name);
}

Result<llvm::MCRegister> McTarget::reg(std::string_view name) const {
  for (unsigned i = 1; i < registers_->getNumRegs(); ++i)
    if (llvm::StringRef(registers_->getName(i)) == llvm::StringRef(name)) return llvm::MCRegister(i);
  return internal_error("this LLVM has no {} register named {}", triple_, name);
}

Status McTarget::find_opcodes(std::span<const std::pair<const char*, unsigned*>> wanted) const {
  llvm::StringMap<unsigned> opcodes;  // of the wanted names only: 0 until found (opcode 0 is PHI, nobody's instruction)
  for (const auto& [name, opcode] : wanted) opcodes[name] = 0;
  for (unsigned i = 0; i < instructions_->getNumOpcodes(); ++i)
    if (auto it = opcodes.find(instructions_->getName(i)); it != opcodes.end()) it->second = i;
  for (const auto& [name, opcode] : wanted) {
    *opcode = opcodes[name];
    if (*opcode == 0) return internal_error("this LLVM has no {} instruction named {}", triple_, name);
  }
  return {};
}

Result<std::vector<llvm::MCRegister>> McTarget::find_registers(std::span<const std::string> names) const {
  llvm::StringMap<unsigned> numbers;
  for (unsigned i = 1; i < registers_->getNumRegs(); ++i) numbers[registers_->getName(i)] = i;
  std::vector<llvm::MCRegister> found;
  for (const std::string& name : names) {
    const auto it = numbers.find(name);
    if (it == numbers.end()) return internal_error("this LLVM has no {} register named {}", triple_, name);
    found.push_back(llvm::MCRegister(it->second));
  }
  return found;
}

void McTarget::encode(const llvm::MCInst& inst, llvm::SmallVectorImpl<char>& out) const {
  llvm::SmallVector<llvm::MCFixup, 2> fixups;
  emitter_->encodeInstruction(inst, out, fixups, *subtarget_);
}

void McTarget::decode(std::string_view code, llvm::function_ref<bool(const Place&)> use) const {
  const std::unique_ptr<llvm::MCDisassembler> disassembler(target_->createMCDisassembler(*subtarget_, *context_));
  const llvm::ArrayRef<uint8_t> bytes(reinterpret_cast<const uint8_t*>(code.data()), code.size());
  for (uint64_t offset = 0, size = 1; offset < code.size(); offset += std::max<uint64_t>(size, 1)) {
    llvm::MCInst inst;
    const bool known = disassembler->getInstruction(inst, size, bytes.slice(offset), offset, llvm::nulls()) ==
                       llvm::MCDisassembler::Success;
    if (!use({offset, size, known ? &inst : nullptr})) return;
  }
}

std::string McTarget::disassemble(std::string_view code) const {
  const std::unique_ptr<llvm::MCInstPrinter> printer(target_->createMCInstPrinter(
      llvm::Triple(triple_), asm_info_->getAssemblerDialect(), *asm_info_, *instructions_, *registers_));
  printer->setPrintImmHex(false);
  std::string text;
  decode(code, [&](const Place& at) {
    std::string line;
    llvm::raw_string_ostream stream(line);
    if (at.instruction)
      printer->printInst(at.instruction, at.offset, "", *subtarget_, stream);
    else
      stream << "\t<unknown>";
    stream.flush();
    text += fmt::format("{:6x}:{}\n", at.offset, line);
    return true;
  });
  return text;
}

}  // namespace espalier
