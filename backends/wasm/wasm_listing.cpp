#include "backends/wasm/wasm_listing.h"

#include <cstdlib>

#include "backends/mc/mc_target.h"
#include "llvm/BinaryFormat/Wasm.h"
#include "llvm/Object/Wasm.h"
#include "llvm/Support/MemoryBufferRef.h"

namespace espalier {
namespace {

using llvm::wasm::WasmFunction;

std::string_view type_name(uint8_t type) {
  if (type == llvm::wasm::WASM_TYPE_I32) return "i32";
  return type == llvm::wasm::WASM_TYPE_V128 ? "v128" : "other";
}

std::string locals_of(const WasmFunction& function) {
  std::string text;
  for (const llvm::wasm::WasmLocalDecl& local : function.Locals)
    text += fmt::format("{} {} x {}", text.empty() ? "" : ",", local.Count, type_name(local.Type));
  return text.empty() ? "" : fmt::format("\t.local{}\n", text);
}

/// LLVM's disassembler knows no opcode above 255 behind a prefix, as those of relaxed SIMD are: it shows the one that
/// kernels use as unknown.
std::string disassemble(std::string_view code, const McTarget& mc) {
  constexpr std::string_view kUnknown = "<unknown>", kName = "f32x4.relaxed_madd", kBytes = "\xfd\x85\x02";
  std::string text = mc.disassemble(code);
  for (size_t at = 0; (at = text.find(kUnknown, at)) != std::string::npos; ++at) {
    const size_t line = text.rfind('\n', at) + 1;  // 0 in the first line: npos + 1
    const size_t offset = std::strtoull(text.c_str() + line, nullptr, 16);
    if (code.substr(offset).starts_with(kBytes)) text.replace(at, kUnknown.size(), kName);
  }
  return text;
}

std::string print(const WasmFunction& function, const McTarget& mc) {
  const std::string_view code(reinterpret_cast<const char*>(function.Body.data()), function.Body.size());
  const llvm::StringRef name = function.ExportName.value_or(function.DebugName);
  return fmt::format("{}:  ; {} bytes\n{}{}", std::string_view(name), code.size(), locals_of(function),
                     disassemble(code, mc));
}

}  // namespace

Result<std::string> print_wasm_assembly(std::string_view module) {
  const auto mc = McTarget::create("wasm32-unknown-unknown", "generic", "+simd128,+relaxed-simd");
  if (!mc) return mc.error();
  auto parsed = llvm::object::ObjectFile::createWasmObjectFile(
      llvm::MemoryBufferRef(llvm::StringRef(module.data(), module.size()), "module"));
  if (!parsed) return internal_error("cannot list a module: {}", llvm::toString(parsed.takeError()));
  std::string text;
  for (const WasmFunction& function : (*parsed)->functions()) text += print(function, **mc);
  return text;
}

}  // namespace espalier
