#include "backends/wasm/object_file.h"

#include "llvm/BinaryFormat/Wasm.h"
#include "llvm/MC/MCAsmBackend.h"
#include "llvm/MC/MCCodeEmitter.h"
#include "llvm/MC/MCContext.h"
#include "llvm/MC/MCExpr.h"
#include "llvm/MC/MCInst.h"
#include "llvm/MC/MCObjectWriter.h"
#include "llvm/MC/MCSectionWasm.h"
#include "llvm/MC/MCStreamer.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/MCSymbolWasm.h"
#include "llvm/MC/MCTargetOptions.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/Casting.h"

namespace espalier::wasm {
namespace {

constexpr uint64_t kDataAlignment = 16;

}  // namespace

ObjectFile::ObjectFile(const McTarget& mc) : mc_(mc), out_(bytes_) {}
ObjectFile::~ObjectFile() = default;

Result<std::unique_ptr<ObjectFile>> ObjectFile::create(const McTarget& mc) {
  std::unique_ptr<ObjectFile> file(new ObjectFile(mc));
  const auto call = mc.opcode("CALL_S"), constant = mc.opcode("CONST_I32_S");
  if (!call) return call.error();
  if (!constant) return constant.error();
  file->call_ = *call;
  file->constant_ = *constant;
  const llvm::Target& target = mc.target();
  std::unique_ptr<llvm::MCAsmBackend> backend(
      target.createMCAsmBackend(mc.subtarget(), mc.registers(), llvm::MCTargetOptions()));
  std::unique_ptr<llvm::MCObjectWriter> writer = backend->createObjectWriter(file->out_);
  std::unique_ptr<llvm::MCCodeEmitter> emitter(target.createMCCodeEmitter(mc.instructions(), mc.context()));
  file->streamer_.reset(target.createMCObjectStreamer(mc.subtarget().getTargetTriple(), mc.context(),
                                                      std::move(backend), std::move(writer), std::move(emitter),
                                                      mc.subtarget()));
  file->streamer_->initSections(/*NoExecStack=*/false, mc.subtarget());
  return file;
}

llvm::MCSymbolWasm* ObjectFile::function_symbol(std::string_view name, uint32_t parameters) {
  auto* symbol = llvm::cast<llvm::MCSymbolWasm>(mc_.context().getOrCreateSymbol(llvm::Twine(name)));
  if (symbol->isFunction()) return symbol;
  llvm::wasm::WasmSignature* signature = mc_.context().createWasmSignature();
  signature->Params.assign(parameters, llvm::wasm::ValType::I32);
  symbol->setSignature(signature);
  symbol->setType(llvm::wasm::WASM_SYMBOL_TYPE_FUNCTION);
  return symbol;
}

void ObjectFile::begin_function(std::string_view name, uint32_t parameters) {
  llvm::MCSymbolWasm* symbol = function_symbol(name, parameters);
  symbol->setExternal(true);
  streamer_->switchSection(
      mc_.context().getWasmSection(llvm::Twine(".text.") + llvm::StringRef(name), llvm::SectionKind::getText()));
  streamer_->emitLabel(symbol);
}

void ObjectFile::append_code(std::string_view code) { streamer_->emitBytes(code); }

void ObjectFile::append_call(std::string_view name, uint32_t parameters) {
  llvm::MCInst inst;
  inst.setOpcode(call_);
  inst.addOperand(
      llvm::MCOperand::createExpr(llvm::MCSymbolRefExpr::create(function_symbol(name, parameters), mc_.context())));
  streamer_->emitInstruction(inst, mc_.subtarget());
}

void ObjectFile::append_address(std::string_view data, uint64_t offset_bytes) {
  llvm::MCContext& context = mc_.context();
  const llvm::MCExpr* symbol = llvm::MCSymbolRefExpr::create(context.getOrCreateSymbol(llvm::Twine(data)), context);
  const llvm::MCExpr* offset = llvm::MCConstantExpr::create(static_cast<int64_t>(offset_bytes), context);
  llvm::MCInst inst;
  inst.setOpcode(constant_);
  inst.addOperand(llvm::MCOperand::createExpr(llvm::MCBinaryExpr::createAdd(symbol, offset, context)));
  streamer_->emitInstruction(inst, mc_.subtarget());
}

void ObjectFile::add_data(std::string_view name, std::string_view bytes) {
  llvm::MCContext& context = mc_.context();
  auto* symbol = llvm::cast<llvm::MCSymbolWasm>(context.getOrCreateSymbol(llvm::Twine(name)));
  symbol->setType(llvm::wasm::WASM_SYMBOL_TYPE_DATA);
  streamer_->switchSection(
      context.getWasmSection(llvm::Twine(".rodata.") + llvm::StringRef(name), llvm::SectionKind::getReadOnly()));
  streamer_->emitValueToAlignment(llvm::Align(kDataAlignment));
  streamer_->emitLabel(symbol);
  streamer_->emitBytes(bytes);
  streamer_->emitELFSize(symbol, llvm::MCConstantExpr::create(static_cast<int64_t>(bytes.size()), context));
}

// WebAssembly tool conventions, Linking.md, "Target Features Section": a count, then prefix and name of each.
void ObjectFile::add_target_features(std::span<const std::string_view> features) {
  streamer_->switchSection(
      mc_.context().getWasmSection(".custom_section.target_features", llvm::SectionKind::getMetadata()));
  streamer_->emitULEB128IntValue(features.size());
  for (const std::string_view feature : features) {
    streamer_->emitIntValue(llvm::wasm::WASM_FEATURE_PREFIX_USED, 1);
    streamer_->emitULEB128IntValue(feature.size());
    streamer_->emitBytes(feature);
  }
}

std::string ObjectFile::finish() {
  streamer_->finish();
  return {bytes_.data(), bytes_.size()};
}

}  // namespace espalier::wasm
