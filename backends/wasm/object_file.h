// One relocatable WebAssembly object, written through LLVM's object streamer.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "backends/mc/mc_target.h"
#include "backends/wasm/code_writer.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/raw_ostream.h"

namespace llvm {
class MCStreamer;
class MCSymbolWasm;
}  // namespace llvm

namespace espalier::wasm {

/// Sections and symbols of one object. Every function and datum gets a section of its own, as linkers expect.
class ObjectFile {
 public:
  /// Errors: kInternal when this LLVM lacks an instruction. `mc` outlives the object.
  static Result<std::unique_ptr<ObjectFile>> create(const McTarget& mc);
  ~ObjectFile();

  /// Begins the global function `name` of `parameters` i32 parameters and no result.
  void begin_function(std::string_view name, uint32_t parameters);
  /// Appends finished instructions to the function; the first of them follow its local declarations.
  void append_code(std::string_view code);
  /// Appends `call name`: a function of `parameters` i32 parameters, defined anywhere in the object.
  void append_call(std::string_view name, uint32_t parameters);
  /// Appends `i32.const address of data + offset`.
  void append_address(std::string_view data, uint64_t offset_bytes);

  /// Defines read-only data, local to the object, aligned to 16 bytes.
  void add_data(std::string_view name, std::string_view bytes);
  /// Says which features (names of the WebAssembly tool conventions) the code uses, for the linker's checks.
  void add_target_features(std::span<const std::string_view> features);

  /// The object's bytes. Call once, last.
  std::string finish();

 private:
  explicit ObjectFile(const McTarget& mc);
  llvm::MCSymbolWasm* function_symbol(std::string_view name, uint32_t parameters);

  const McTarget& mc_;
  unsigned call_ = 0, constant_ = 0;  // opcodes
  llvm::SmallVector<char, 0> bytes_;
  llvm::raw_svector_ostream out_;
  std::unique_ptr<llvm::MCStreamer> streamer_;
};

}  // namespace espalier::wasm
