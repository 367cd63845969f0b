#include "ir/loop/loop_program.h"

#include <algorithm>
#include <array>

namespace espalier {
namespace {

//                          name, writes_v, a, b, c, writes_i, reads_i, access, lanes, immediate
constexpr std::array<LoopOpInfo, kLoopOpCount> kInfo = {{
    {"constant", true, false, false, false, false, false, false, false, false},
    {"copy", true, true, false, false, false, false, false, false, false},
    {"load", true, false, false, false, false, false, true, true, false},
    {"load_strided", true, false, false, false, false, false, true, true, true},
    {"splat_load", true, false, false, false, false, false, true, false, false},
    {"splat_pair", true, false, false, false, false, false, true, false, false},
    {"store", false, true, false, false, false, false, true, true, false},
    {"add", true, true, true, false, false, false, false, false, false},
    {"subtract", true, true, true, false, false, false, false, false, false},
    {"multiply", true, true, true, false, false, false, false, false, false},
    {"divide", true, true, true, false, false, false, false, false, false},
    {"fma", true, true, true, true, false, false, false, false, false},
    {"max", true, true, true, false, false, false, false, false, false},
    {"min", true, true, true, false, false, false, false, false, false},
    {"scale", true, true, true, false, false, false, false, false, false},
    {"sum_lanes", true, true, false, false, false, false, false, false, false},
    {"max_lanes", true, true, false, false, false, false, false, false, false},
    {"zip_low", true, true, true, false, false, false, false, false, false},
    {"zip_high", true, true, true, false, false, false, false, false, false},
    {"unzip_even", true, true, true, false, false, false, false, false, false},
    {"unzip_odd", true, true, true, false, false, false, false, false, false},
    {"slide_up", true, true, false, false, false, false, false, false, true},
    {"index", false, false, false, false, true, false, true, false, false},
    {"load_index", false, false, false, false, true, false, true, false, false},
    {"index_min", false, false, false, false, true, true, false, false, true},
    {"index_max", false, false, false, false, true, true, false, false, true},
    {"index_divide", false, false, false, false, true, true, false, false, true},
    {"index_modulo", false, false, false, false, true, true, false, false, true},
    {"loop", false, false, false, false, true, false, false, false, true},
    {"end", false, false, false, false, false, false, false, false, false},
}};

}  // namespace

const LoopOpInfo& loop_op_info(LoopOp op) { return kInfo[static_cast<size_t>(op)]; }

bool LoopProgram::operator==(const LoopProgram& other) const {
  return target.name == other.target.name && target.cpu == other.target.cpu && target.vector == other.target.vector &&
         items == other.items && vectors == other.vectors && integers == other.integers &&
         std::equal(elements, elements + kLoopBuffers, other.elements) && in_place == other.in_place &&
         table == other.table && body == other.body;
}

}  // namespace espalier
