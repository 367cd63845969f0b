// The part of a network's object that is not kernels: functions of its other layers, constants, and the descriptor.
#pragma once

#include <string>

#include "ir/network_program/network_program.h"

namespace espalier {

/// A native object (ELF or Mach-O) that defines, for the network NAME:
///
///   NAME            global, an espalier_network (espalier/network_abi.h)
///   NAME.<...>      local: its steps, values, texts and tables, and its constants (64-byte aligned, read-only)
///   <loop program>  local functions, espalier_layer_function
///
/// and refers to one espalier_kernel for every kernel of `program`, which write_object's object defines. Nothing else
/// is referred to. Requires a verified program. Errors: those of loops::compile_module.
Result<std::string> write_network_object(const NetworkProgram& program);

}  // namespace espalier
