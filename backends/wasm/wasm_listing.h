// Assembly listings of WebAssembly modules, for people.
#pragma once

#include <string>
#include <string_view>

#include "ir/error.h"

namespace espalier {

/// One labelled block per function of a module that write_wasm_module made, in its order: `NAME:  ; size bytes`, a line
/// `.local` with number and type of its local variables, then one line per instruction with its byte offset from the
/// first. Functions are named as in wasm_module.h. Errors: kInternal for bytes that are no module.
Result<std::string> print_wasm_assembly(std::string_view module);

}  // namespace espalier
