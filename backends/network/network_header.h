// The C header of one emitted network.
#pragma once

#include <string_view>

#include "backends/output_file.h"
#include "ir/network_program/network_program.h"

namespace espalier {

/// LIBRARY.h, for C99 and C++: the documentation of the network (inputs, outputs, memory, threads), its descriptor, and
/// NAME_create, NAME_run, NAME_destroy, NAME_layer_time and NAME_layer_name as inline functions over
/// espalier/network_abi.h. Errors: those of check_library_name.
Result<OutputFile> write_network_header(std::string_view library, const NetworkProgram& program, const Banner& banner);

}  // namespace espalier
