// How much of a module's size limit is used.
#pragma once

#include "backends/wasm/wasm_module.h"

namespace espalier::wasm {

/// All code, weights and indices so far, against what engines accept.
class SizeBudget {
 public:
  /// Errors: kLimit, with both values, once the sum is above kMaxWasmModuleBytes.
  Status add(uint64_t bytes) {
    total_ += bytes;
    if (total_ <= kMaxWasmModuleBytes) return {};
    return limit_exceeded("code and data up to here have {} bytes, but a WebAssembly module may have {}", total_,
                          kMaxWasmModuleBytes);
  }

 private:
  uint64_t total_ = 0;
};

}  // namespace espalier::wasm
