#include "ir/kernel_program.h"

#include <algorithm>

namespace espalier {
namespace {

//                       name          writes_d reads_d reads_a reads_b lane   access lanes
constexpr OpInfo kOps[kOpCount] = {
    {"zero", true, false, false, false, false, false, false},
    {"copy", true, false, true, false, false, false, false},
    {"load", true, false, false, false, false, true, true},
    {"store", false, true, false, false, false, true, true},
    {"splat_load", true, false, false, false, false, true, false},
    {"splat_lane", true, false, true, false, true, false, false},
    {"fma", true, true, true, true, false, false, false},
    {"fma_lane", true, true, true, true, true, false, false},
    {"fma_load", true, true, false, true, false, true, true},
    {"max", true, true, true, false, false, false, false},
    {"min", true, true, true, false, false, false, false},
    {"prefetch", false, false, false, false, false, true, false},
    {"prefetch_far", false, false, false, false, false, true, false},
};

}  // namespace

const OpInfo& op_info(Op op) { return kOps[static_cast<int>(op)]; }

uint64_t KernelProgram::micro_ops() const {
  uint64_t count = 0;
  for (const Chunk& chunk : chunks)
    for (const PixelTile& tile : chunk.tiles) count += tile.ops.size();
  return count;
}

bool operator==(const KernelProgram& a, const KernelProgram& b) {
  return a.name == b.name && a.target.name == b.target.name && a.target.cpu->name == b.target.cpu->name &&
         a.output_channels == b.output_channels && a.input_channels == b.input_channels && a.nonzeros == b.nonzeros &&
         a.pixels == b.pixels && a.input_stride == b.input_stride && a.output_stride == b.output_stride &&
         a.pixel_block == b.pixel_block && a.schedule == b.schedule && a.groups == b.groups && a.chunks == b.chunks &&
         a.stream == b.stream;
}

}  // namespace espalier
