// What a module says about itself.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "ir/kernel_program.h"

namespace llvm::json {
class OStream;
}

namespace espalier::wasm {

/// The custom section `espalier` as bytes, to be put behind a module's other sections: JSON with the ABI version, the
/// features (names of the tool conventions) and, per kernel, shape, strides, panels, pixels, work-item geometry and
/// sizes, and its output order if it has one, in the words and units of kernel_abi.h.
/// `more` adds members to the JSON object.
std::string descriptor_section(std::span<const KernelProgram> programs);
std::string descriptor_section(std::span<const KernelProgram> programs, uint64_t features,
                               const std::function<void(llvm::json::OStream&)>& more);

}  // namespace espalier::wasm
