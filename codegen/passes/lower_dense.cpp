// All input channels, for layers with too few zeros to skip: every input vector serves all rows of the tile.
#include "codegen/rolled_writer.h"

namespace espalier {
namespace {

/// One input channel: its vectors, then the rows' weights.
void multiply_channel(RolledWriter& w, uint32_t channel, uint32_t ahead) {
  const RolledRegisters& r = w.registers();
  for (uint32_t v = 0; v < w.vectors(); ++v) w.load_input(r.input(0, v), Buffer::kX, channel, v);
  for (uint32_t row = 0; row < w.rows(); ++row) {
    const bool lanes = w.isa().has_fma_lane;
    if (lanes && row % 4 == 0) w.load_group(row / 4, ahead + row);
    if (!lanes) w.splat_from_memory(ahead + row);
    const auto weight = lanes ? r.group(row / 4) : static_cast<uint8_t>(r.splat);
    for (uint32_t v = 0; v < w.vectors(); ++v)
      w.multiply(row, v, r.input(0, v), weight, static_cast<uint8_t>(row % 4));
  }
}

/// Channels stand one after the other in straight code that all row tiles share: the offsets of the input are the same
/// for each, and no cursor has to go back. A K block of 128 takes about 12 KB of x86-64 code.
void multiply_block(RolledWriter& w, const ChunkPlan& chunk) {
  const uint32_t channels = chunk.end_column - chunk.first_column;
  for (uint32_t c = 0; c < channels; ++c)
    multiply_channel(w, chunk.first_column + c, w.weights_ahead() + c * w.rows());
  w.skip_weights(channels * w.rows());
}

}  // namespace

Status lower_dense(KernelPlan& plan) {
  return lower_chunks(plan, [](RolledWriter& writer, const ChunkPlan& chunk) {
    writer.run([&] { multiply_block(writer, chunk); });
  });
}

}  // namespace espalier
