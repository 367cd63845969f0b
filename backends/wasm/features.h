// The WebAssembly features that kernels use, by their names.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "ir/kernel_program.h"

namespace espalier::wasm {

/// Names of the WebAssembly tool conventions ("simd128", "relaxed-simd"), which the linker and the loader read.
std::vector<std::string_view> tool_features(uint64_t features);
std::vector<std::string_view> tool_features(std::span<const KernelProgram> programs);

/// ESPALIER_CPU_* of all of them.
uint64_t used_features(std::span<const KernelProgram> programs);

}  // namespace espalier::wasm
