// wasm-ld in this process.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "ir/error.h"

namespace espalier::wasm {

/// Links one object to a module without imports: memory exported as `memory`, `__heap_base` exported, no stack, no
/// entry. Errors: kSystem when the temporary directory cannot be made, written or read; kInternal with lld's words when
/// lld refuses the object. lld gives up for good after a crash of its own: then every later call says so.
Result<std::string> link_module(std::string_view object);

/// Several objects that may use each other's symbols; all functions that are not hidden are exported, and the symbols
/// of `exports` (data: as globals that hold their addresses).
Result<std::string> link_module(std::span<const std::string> objects, std::span<const std::string> exports = {});

}  // namespace espalier::wasm
