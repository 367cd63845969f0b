#include "ir/kernel_program.h"

#include <algorithm>
#include <numeric>

#include "ir/program_walk.h"

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
    {"fma_splat", true, true, true, false, false, true, false},
    {"max", true, true, true, false, false, false, false},
    {"min", true, true, true, false, false, false, false},
    {"prefetch", false, false, false, false, false, true, false},
    {"prefetch_far", false, false, false, false, false, true, false},
    {"touch", false, false, false, false, false, true, false},
    {"loop", false, false, false, false, false, false, false},
    {"loop_indexed", false, false, false, false, false, false, false},
    {"end_loop", false, false, false, false, false, false, false},
    {"point", false, false, false, false, false, false, false},
    {"advance", false, false, false, false, false, false, false},
};

}  // namespace

const OpInfo& op_info(Op op) { return kOps[static_cast<int>(op)]; }

namespace {

/// Pixels that a buffer has room for when their number is left to run time.
uint64_t room(uint32_t stride, uint32_t panel, uint32_t channels) {
  if (panel == 0) return stride;
  return (kMaxBufferElements - 1) / (uint64_t{panel} * std::max(1u, channels)) * panel;
}
uint64_t step(const PixelTile& tile, uint32_t panel, uint32_t channels) {
  return tile.width == panel ? uint64_t{panel} * channels : tile.width;
}
uint64_t place(uint64_t pixel, uint32_t panel, uint32_t channels) {
  return panel == 0 ? pixel : pixel / panel * panel * channels + pixel % panel;
}

}  // namespace

uint32_t KernelProgram::max_pixels() const {
  if (pixels) return pixels;
  const uint64_t both =
      std::min(room(input_stride, input_panel, input_channels), room(output_stride, output_panel, output_channels));
  return static_cast<uint32_t>(std::min(both, kMaxBufferElements - 1));
}
uint32_t KernelProgram::pixel_tile() const {
  uint64_t common = 1;
  for (const Chunk& chunk : chunks) {
    uint32_t widest = 0;
    for (const PixelTile& tile : chunk.tiles) widest = std::max(widest, tile.width);
    common = widest == 0 ? 0 : std::lcm(common, uint64_t{widest});
    if (common == 0 || common > pixel_block) return pixel_block;
  }
  for (const uint32_t pixels : {pixel_block, input_panel, output_panel})
    if (pixels % common != 0) return pixel_block;
  return static_cast<uint32_t>(common);
}

uint64_t KernelProgram::input_step(const PixelTile& tile) const { return step(tile, input_panel, input_channels); }
uint64_t KernelProgram::output_step(const PixelTile& tile) const { return step(tile, output_panel, output_channels); }
uint64_t KernelProgram::input_place(uint64_t pixel) const { return place(pixel, input_panel, input_channels); }
uint64_t KernelProgram::output_place(uint64_t pixel) const { return place(pixel, output_panel, output_channels); }

bool is_rolled(const PixelTile& tile) {
  return std::any_of(tile.ops.begin(), tile.ops.end(), [](const MicroOp& op) { return op.op >= Op::kLoop; });
}

CursorTravel cursor_travel(const KernelProgram& program, const Chunk& chunk, const PixelTile& tile) {
  CursorTravel travel;
  if (!is_rolled(tile)) return travel;
  ProgramWalk walk(program, chunk, tile.ops);
  while (walk.next()) walk.step();
  return {walk.weights(), walk.entries(), walk.rows()};
}

uint64_t KernelProgram::micro_ops() const {
  uint64_t count = 0;
  for (const Chunk& chunk : chunks)
    for (const PixelTile& tile : chunk.tiles) count += tile.ops.size();
  return count;
}

std::vector<uint32_t> KernelProgram::channel_order() const {
  if (row_order.empty() || output_order.empty()) return row_order.empty() ? output_order : row_order;
  std::vector<uint32_t> channels;
  for (const uint32_t row : row_order) channels.push_back(output_order[row]);
  return channels;
}

bool operator==(const KernelProgram& a, const KernelProgram& b) {
  return a.name == b.name && a.target.name == b.target.name && a.target.cpu->name == b.target.cpu->name &&
         a.output_channels == b.output_channels && a.input_channels == b.input_channels && a.nonzeros == b.nonzeros &&
         a.pixels == b.pixels && a.input_stride == b.input_stride && a.output_stride == b.output_stride &&
         a.input_panel == b.input_panel && a.output_panel == b.output_panel && a.pixel_block == b.pixel_block &&
         a.pixel_multiple == b.pixel_multiple && a.schedule == b.schedule && a.row_order == b.row_order &&
         a.output_order == b.output_order && a.groups == b.groups && a.chunks == b.chunks && a.stream == b.stream &&
         a.indices == b.indices && a.index_bytes == b.index_bytes && a.index_shift == b.index_shift;
}

}  // namespace espalier
