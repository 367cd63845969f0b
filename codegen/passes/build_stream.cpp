#include <algorithm>
#include <bit>

#include "codegen/kernel_plan.h"

namespace espalier {
namespace {

/// Targets that read four weights at once may load up to the next multiple of four.
constexpr uint64_t kStreamAlignment = 4;

/// Appends one row tile's part: biases by row, weights by column then row, clamp bounds.
class TileStream {
 public:
  TileStream(const KernelPlan& plan, std::vector<float>& stream)
      : plan_(plan), spec_(plan.spec), stream_(stream), next_(spec_.matrix.rows()) {
    std::copy_n(spec_.matrix.row_offsets().begin(), next_.size(), next_.begin());
  }

  void append(const RowTile& tile, std::span<const ColumnUse> uses) {
    if (tile.starts && !spec_.bias.empty())
      for (uint32_t r = 0; r < tile.rows; ++r) stream_.push_back(spec_.bias[plan_.row(tile.first_row + r)]);
    for (const ColumnUse& use : uses)
      for (uint32_t rows = use.rows; rows != 0; rows &= rows - 1) {
        const uint32_t row = plan_.row(tile.first_row + static_cast<uint32_t>(std::countr_zero(rows)));
        stream_.push_back(spec_.matrix.values()[next_[row]++]);
      }
    if (!tile.finishes) return;
    if (spec_.clamp.has_low()) stream_.push_back(spec_.clamp.low);
    if (spec_.clamp.has_high()) stream_.push_back(spec_.clamp.high);
  }

 private:
  const KernelPlan& plan_;
  const KernelSpec& spec_;
  std::vector<float>& stream_;
  std::vector<uint64_t> next_;  // per row: its next non-zero; chunks of a group come in ascending K order
};

uint32_t count_nonzeros(const ChunkPlan& chunk) {
  uint32_t count = 0;
  for (const ColumnUse& use : chunk.uses) count += static_cast<uint32_t>(std::popcount(use.rows));
  return count;
}

}  // namespace

Status build_stream(KernelPlan& plan) {
  std::vector<float>& stream = plan.program.stream;
  stream.reserve(plan.spec.matrix.nonzeros() + plan.spec.bias.size() + 8 * plan.chunks.size());
  TileStream tiles(plan, stream);
  for (const ChunkPlan& plan_chunk : plan.chunks) {
    Chunk chunk;
    chunk.stream_offset = stream.size();
    for (const RowTile& tile : plan_chunk.tiles)
      tiles.append(tile, std::span(plan_chunk.uses).subspan(tile.first_use, tile.uses));
    stream.resize((stream.size() + kStreamAlignment - 1) / kStreamAlignment * kStreamAlignment, 0.0f);
    chunk.stream_count = static_cast<uint32_t>(stream.size() - chunk.stream_offset);
    chunk.nonzeros = count_nonzeros(plan_chunk);
    plan.program.chunks.push_back(std::move(chunk));
  }
  return {};
}

}  // namespace espalier
