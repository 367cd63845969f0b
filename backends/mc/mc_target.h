// LLVM's machine-code layer for one triple and CPU: instructions by name, encoding, disassembly.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ir/error.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/MC/MCInst.h"
#include "llvm/MC/MCRegister.h"

namespace llvm {
class MCAsmBackend;
class MCCodeEmitter;
class MCContext;
class MCInstrInfo;
class MCObjectFileInfo;
class MCRegisterInfo;
class MCSubtargetInfo;
class MCAsmInfo;
class Target;
template <typename T>
class SmallVectorImpl;
}  // namespace llvm

namespace espalier {

/// Owns the LLVM objects that encoding needs. Not thread-safe: one per thread. Creation takes about 0.2 ms.
///
/// LLVM's opcode and register enums are not in its installed headers, so both are looked up by name once, when a
/// backend builds its instruction table; a name this LLVM lacks is an kInternal error that says so.
class McTarget {
 public:
  /// `features` as in -mattr, e.g. "+avx2,+fma". Errors: kUnsupported when this LLVM was built without the target.
  static Result<std::unique_ptr<McTarget>> create(std::string_view triple, std::string_view cpu,
                                                  std::string_view features);
  ~McTarget();

  Result<unsigned> opcode(std::string_view name) const;
  Result<llvm::MCRegister> reg(std::string_view name) const;
  /// Many at once, in one pass over LLVM's 20,000 names. Errors name the first that is missing.
  Status find_opcodes(std::span<const std::pair<const char*, unsigned*>> wanted) const;
  Result<std::vector<llvm::MCRegister>> find_registers(std::span<const std::string> names) const;

  /// Appends the encoding of an instruction without relocations.
  void encode(const llvm::MCInst& inst, llvm::SmallVectorImpl<char>& out) const;

  /// Bytes [offset, offset + size) of some code; no instruction where they do not decode.
  struct Place {
    uint64_t offset, size;
    const llvm::MCInst* instruction;
  };
  /// One instruction after the other, until `use` returns false.
  void decode(std::string_view code, llvm::function_ref<bool(const Place&)> use) const;

  /// One line per instruction, `offset: text`, for listings and tests; bytes that do not decode read `<unknown>`.
  std::string disassemble(std::string_view code) const;

  const llvm::Target& target() const { return *target_; }
  llvm::MCContext& context() const { return *context_; }
  const llvm::MCSubtargetInfo& subtarget() const { return *subtarget_; }
  const llvm::MCInstrInfo& instructions() const { return *instructions_; }
  const llvm::MCRegisterInfo& registers() const { return *registers_; }
  const llvm::MCAsmInfo& asm_info() const { return *asm_info_; }

 private:
  McTarget();
  const llvm::Target* target_ = nullptr;
  std::string triple_;
  std::unique_ptr<llvm::MCRegisterInfo> registers_;
  std::unique_ptr<llvm::MCAsmInfo> asm_info_;
  std::unique_ptr<llvm::MCInstrInfo> instructions_;
  std::unique_ptr<llvm::MCSubtargetInfo> subtarget_;
  std::unique_ptr<llvm::MCContext> context_;
  std::unique_ptr<llvm::MCObjectFileInfo> object_file_info_;
  std::unique_ptr<llvm::MCCodeEmitter> emitter_;
};

}  // namespace espalier
