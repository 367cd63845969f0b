// A network as C99.
#pragma once

#include <string_view>
#include <vector>

#include "backends/output_file.h"
#include "ir/network_program/network_program.h"

namespace espalier {

/// LIBRARY.c: functions of the layers that are no kernels, and `const espalier_network NAME`; the kernels' files are
/// write_c_source's. With weights_in_side_file also NAME.weights.S and NAME.weights.bin. Errors: those of
/// write_loop_functions.
Result<std::vector<OutputFile>> write_network_source(std::string_view library, const NetworkProgram& program,
                                                     bool weights_in_side_file, const Banner& banner);

}  // namespace espalier
