// Loops for the pixels that full tiles of straight code leave over. A second body of straight code is fetched once for
// a few pixels, and that takes as long as many of them; loops read six bytes for a non-zero instead. Every chunk gets
// the rows of its group in tiles of `loop`, its weights once more in their order, behind those of the straight code.
#include <algorithm>

#include "codegen/kernel_plan.h"

namespace espalier {
namespace {

class RolledTail {
 public:
  explicit RolledTail(KernelPlan& plan) : plan_(plan), tail_{plan.spec, plan.target} {
    tail_.order = plan.order;
    tail_.shapes = plan.tail_shapes;
    tail_.schedule = tail_schedule(plan.schedule, *plan.target.vector, most_vectors());
  }

  Status run() {
    plan_sections();
    if (Status s = find_patterns(tail_); !s) return s;
    if (Status s = build_rolled_streams(tail_); !s) return s;
    if (Status s = lower_rolled(tail_); !s) return s;
    merge();
    return {};
  }

 private:
  uint32_t most_vectors() const {
    size_t most = 0;
    for (const PixelTileShape& shape : plan_.tail_shapes) most = std::max(most, shape.pieces.size());
    return static_cast<uint32_t>(most);
  }

  /// Chunks of the tail are sections of the plan's: whole row tiles, and one of the rows that are left.
  void plan_sections() {
    for (const RowGroup& group : plan_.program.groups) {
      if (group.first_chunk < plan_.first_chunk) continue;
      for (uint32_t c = 0; c < group.chunks; ++c) plan_sections(group, c);
    }
  }
  void plan_sections(const RowGroup& group, uint32_t c) {
    const ChunkPlan& chunk = plan_.chunks[group.first_chunk - plan_.first_chunk + c];
    const uint32_t end = group.first_row + group.rows, whole = end - group.rows % tail_.schedule.tile_rows;
    ChunkArea area{group.first_row, whole, chunk.first_column, chunk.end_column, c == 0, c + 1 == group.chunks};
    first_section_.push_back(tail_.chunks.size());
    if (whole > group.first_row) tail_.chunks.push_back(rolled_chunk(tail_, area));
    area.first_row = whole, area.end_row = end;
    if (end > whole) tail_.chunks.push_back(rolled_chunk(tail_, area));
  }

  /// Every chunk's streams have its straight code's part first, then its sections'.
  void merge() {
    KernelProgram& program = plan_.program;
    program.index_bytes = tail_.program.index_bytes;
    program.index_shift = tail_.program.index_shift;
    const uint64_t first = program.chunks[plan_.first_chunk].stream_offset;
    const std::vector<float> straight(program.stream.begin() + static_cast<ptrdiff_t>(first), program.stream.end());
    program.stream.resize(first);
    first_section_.push_back(tail_.chunks.size());
    for (size_t c = 0; c < plan_.chunks.size(); ++c) {
      Chunk& chunk = program.chunks[plan_.first_chunk + c];
      const uint64_t own = chunk.stream_offset - first;
      chunk.stream_offset = program.stream.size();
      append_slice(straight, own, chunk.stream_count, program.stream);
      chunk.index_offset = program.indices.size();
      for (size_t s = 0; s < plan_.tail_shapes.size(); ++s)
        chunk.tiles.push_back({plan_.tail_shapes[s].width, plan_.tail_shapes[s].remainder, {}});
      for (size_t section = first_section_[c]; section < first_section_[c + 1]; ++section) append(section, chunk);
    }
  }

  void append(size_t section, Chunk& chunk) {
    const Chunk& added = tail_.program.chunks[section];
    for (size_t s = 0; s < added.tiles.size(); ++s)
      append(added.tiles[s].ops, chunk, chunk.tiles[plan_.shapes.size() + s]);
    append_slice(tail_.program.stream, added.stream_offset, added.stream_count, plan_.program.stream);
    append_slice(tail_.program.indices, added.index_offset, added.index_count, plan_.program.indices);
    chunk.stream_count += added.stream_count;
    chunk.index_count += added.index_count;
  }
  /// The cursors move from where the operations so far leave them to where the section's part of the streams begins.
  void append(const std::vector<MicroOp>& added, const Chunk& chunk, PixelTile& tile) {
    const CursorTravel travel = cursor_travel(plan_.program, chunk, tile);
    advance(Buffer::kW, chunk.stream_count - travel.weights, tile.ops);
    advance(Buffer::kI, chunk.index_count - travel.entries, tile.ops);
    tile.ops.insert(tile.ops.end(), added.begin(), added.end());
  }
  static void advance(Buffer buffer, uint64_t elements, std::vector<MicroOp>& ops) {
    if (elements != 0) ops.push_back({Op::kAdvance, 0, 0, 0, buffer, 0, 0, 0, static_cast<uint32_t>(elements)});
  }
  template <typename Value>
  static void append_slice(const std::vector<Value>& from, uint64_t offset, uint32_t count, std::vector<Value>& to) {
    const auto first = from.begin() + static_cast<ptrdiff_t>(offset);
    to.insert(to.end(), first, first + count);
  }

  KernelPlan& plan_;
  KernelPlan tail_;
  std::vector<size_t> first_section_;  ///< by chunk of the plan, and their end: into tail_.chunks
};

}  // namespace

Status lower_tail(KernelPlan& plan) {
  const bool asked = !plan.tail_shapes.empty() && !plan.chunks.empty();  // no chunks where other parts have all rows
  return asked ? RolledTail(plan).run() : Status();
}

}  // namespace espalier
