// Straight-line code for row tiles: accumulators stay in registers over a K block, and input vectors are shared by the
// rows of a tile that use them. Every output is summed over ascending input channels, whatever the schedule.
#include <algorithm>
#include <bit>

#include "codegen/cost/cpu_costs.h"
#include "codegen/kernel_plan.h"
#include "ir/half_vectors.h"

namespace espalier {
namespace {

/// In columns of as many rows and more, every other weight is splat on its way from memory where that takes half the
/// time of loading a vector. It spares a splat; all weights so, and the code waits for loads (Zen 4, MobileNetV1 in
/// panels, geometric mean of shares of the bound: none 79.9 %, every other one 80.4; 512x512 93.6, 94.4, all 83
/// GFLOP/s).
constexpr int kRowsOfSplats = 3;

MicroOp access(Op op, uint8_t d, Buffer buffer, uint32_t row, uint32_t column, uint8_t lanes) {
  return {op, d, 0, 0, buffer, 0, lanes, row, column};
}

/// A weight ready to multiply with: a register, and which lane of it (0 where all lanes are equal).
struct Weight {
  uint8_t reg, lane;
};

/// Registers of one row tile: accumulators first, then input vectors in one or two sets, then weights.
struct RegisterPlan {
  uint32_t vectors, input_sets, first_input, first_weight, weights, splat;

  RegisterPlan(const VectorIsa& isa, uint32_t rows, uint32_t vectors_) : vectors(vectors_) {
    first_input = rows * vectors;
    const uint32_t spare = isa.registers - first_input;
    // Splat weights need one register; groups of four want two, so that the next group loads behind the current one.
    // Where multiply-adds read memory, inputs have registers only when they are left over (then columns are shared).
    const uint32_t grouped = isa.has_splat_lane ? 1 : 0;
    const uint32_t splats = isa.has_fma_lane ? 0 : 1;
    const uint32_t fixed = grouped + splats;
    if (isa.has_fma_load)
      input_sets = spare >= vectors + fixed ? 1 : 0;
    else
      input_sets = spare >= 2 * vectors + fixed ? 2 : 1;
    const uint32_t inputs = input_sets * vectors;
    splat = first_input + inputs;
    first_weight = splat + splats;
    weights = grouped == 0 ? 0 : std::min(2u, isa.registers - first_weight);
  }

  uint8_t accumulator(uint32_t row, uint32_t vector) const { return static_cast<uint8_t>(row * vectors + vector); }
  /// Weight groups stay: the bounds come out of them. Inputs and splats are dead at the end of a tile.
  uint8_t bound() const { return static_cast<uint8_t>(first_input); }
  uint8_t input(uint32_t set, uint32_t vector) const {
    return static_cast<uint8_t>(first_input + set * vectors + vector);
  }
};

/// Hands out the chunk's weights in stream order, loading them as the target can.
class WeightStream {
 public:
  WeightStream(const VectorIsa& isa, std::vector<MicroOp>& ops, uint32_t stream_count)
      : isa_(isa), ops_(ops), count_(stream_count) {}

  void begin_tile(const RegisterPlan& registers) {
    registers_ = &registers;
    loaded_end_ = 0;  // the registers are new: nothing is in them
  }

  /// The next weight, as a splat register or as a lane where the target multiplies by lanes.
  Weight next() { return isa_.has_fma_lane ? next_lane() : splat_into(static_cast<uint8_t>(registers_->splat)); }

  /// Where the next weight stands, for operations that read it there.
  uint32_t next_place() { return position_++; }

  /// All lanes of `d` become the next weight.
  Weight splat_into(uint8_t d) {
    if (!isa_.has_splat_lane) {
      ops_.push_back(access(Op::kSplatLoad, d, Buffer::kW, 0, position_++, 0));
    } else {
      const Weight lane = next_lane();
      ops_.push_back({Op::kSplatLane, d, lane.reg, 0, Buffer::kX, lane.lane, 0, 0, 0});
    }
    return {d, 0};
  }

 private:
  uint8_t group_register(uint32_t group) const {
    return static_cast<uint8_t>(registers_->first_weight + group % registers_->weights);
  }
  void load_group(uint32_t group) {
    ops_.push_back(access(Op::kLoad, group_register(group), Buffer::kW, 0, group * 4, 4));
  }
  Weight next_lane() {
    const uint32_t group = position_ / 4;
    if (loaded_end_ <= group) {
      load_group(group);
      loaded_end_ = group + 1;
    }
    // With two registers, the following group is on its way while this one is used.
    if (registers_->weights > 1 && loaded_end_ == group + 1 && (group + 1) * 4 < count_) {
      load_group(group + 1);
      ++loaded_end_;
    }
    return {group_register(group), static_cast<uint8_t>(position_++ % 4)};
  }

  const VectorIsa& isa_;
  std::vector<MicroOp>& ops_;
  uint32_t count_, position_ = 0;
  uint32_t loaded_end_ = 0;
  const RegisterPlan* registers_ = nullptr;
};

/// One chunk for one pixel tile shape.
class ChunkLowering {
 public:
  ChunkLowering(const KernelPlan& plan, size_t chunk_index, const PixelTileShape& shape, std::vector<MicroOp>& ops)
      : plan_(plan),
        chunk_(plan.chunks[chunk_index]),
        shape_(shape),
        isa_(*plan.target.vector),
        ops_(ops),
        weights_(isa_, ops, plan.program.chunks[plan.first_chunk + chunk_index].stream_count),
        vectors_(static_cast<uint32_t>(shape.pieces.size())),
        splats_in_place_(isa_.has_fma_splat && splits_vectors(plan.target)) {
    if (plan.schedule.fetches(Prefetch::kNext)) plan_prefetch(chunk_index, plan.chunks.size());
  }

  void run() {
    for (const RowTile& tile : chunk_.tiles) {
      const RegisterPlan registers(isa_, tile.rows, vectors_);
      registers_ = &registers;
      weights_.begin_tile(registers);
      start_sums(tile);
      const auto uses = std::span(chunk_.uses).subspan(tile.first_use, tile.uses);
      if (isa_.has_fma_load)
        multiply_from_memory(uses);
      else
        multiply_from_registers(uses);
      if (tile.finishes) clamp(tile);
      store(tile);
    }
  }

 private:
  void start_sums(const RowTile& tile) {
    for (uint32_t r = 0; r < tile.rows; ++r) {
      if (tile.starts && !plan_.spec.bias.empty()) {
        start_with_bias(r);
        continue;
      }
      for (uint32_t v = 0; v < vectors_; ++v) {
        const uint8_t d = registers_->accumulator(r, v);
        if (tile.starts)
          ops_.push_back({Op::kZero, d});
        else
          ops_.push_back(piece_access(Op::kLoad, d, Buffer::kY, plan_.output_row(tile.first_row + r), v));
      }
    }
  }
  void start_with_bias(uint32_t r) {
    const uint8_t first = registers_->accumulator(r, 0);
    weights_.splat_into(first);
    for (uint32_t v = 1; v < vectors_; ++v) ops_.push_back({Op::kCopy, registers_->accumulator(r, v), first});
  }

  MicroOp piece_access(Op op, uint8_t d, Buffer buffer, uint32_t row, uint32_t v) const {
    return access(op, d, buffer, row, shape_.pieces[v].column, shape_.pieces[v].lanes);
  }
  bool fuses_load(uint32_t v) const { return isa_.has_masks || shape_.pieces[v].lanes == isa_.lanes; }

  void load_input(uint32_t column, uint32_t set) {
    for (uint32_t v = 0; v < vectors_; ++v)
      ops_.push_back(piece_access(Op::kLoad, registers_->input(set, v), Buffer::kX, column, v));
  }

  /// Lines of the next pixel block that this chunk asks for: every chunk takes its share of the rows of X and Y.
  struct FarLine {
    Buffer buffer;
    uint32_t row, pixel;
  };
  /// As many as give memory its time, if all chunks together take a cycle for each multiply-add of a panel; phones'
  /// small caches like the next one best (simulated, 64x32: with three ahead Cortex-A76 +2 %, A72 -3, A53 -5).
  uint32_t panels_ahead() const {
    if (cpu_costs(plan_.target.cpu->name).prefetch) return 1;
    constexpr size_t kCycles = 2000;
    const size_t round = std::max<size_t>(1, plan_.spec.matrix.nonzeros() * vectors_);
    return static_cast<uint32_t>(std::clamp<size_t>((kCycles + round / 2) / round, 1, 8));
  }
  void plan_prefetch(size_t chunk_index, size_t chunk_count) {
    const uint32_t inputs = plan_.spec.matrix.columns(), outputs = plan_.spec.matrix.rows(), panels = panels_ahead();
    for (size_t row = chunk_index; row < inputs + outputs; row += chunk_count)
      for (uint32_t pixel = 0; pixel < shape_.width; pixel += kLineElements) {
        const bool input = row < inputs, in_panels = input ? plan_.spec.input_panel : plan_.spec.output_panel;
        const auto own = static_cast<uint32_t>(input ? row : row - inputs);
        // The rows of the next panel stand behind those of this one.
        const uint32_t next = in_panels ? own + panels * (input ? inputs : outputs) : own;
        const uint32_t column = (in_panels ? 0 : plan_.schedule.pixel_block) + pixel;
        const uint64_t stride = input ? plan_.spec.input_stride : plan_.spec.output_stride;
        if (next * stride + column < kMaxBufferElements)
          far_lines_.push_back({input ? Buffer::kX : Buffer::kY, next, column});
      }
  }
  /// Called once per column use: spreads the lines evenly, because bursts fill the line buffers.
  void prefetch_some() {
    ++uses_done_;
    const size_t due = far_lines_.size() * uses_done_ / std::max<size_t>(1, chunk_.uses.size());
    for (; prefetched_ < due; ++prefetched_) {
      const FarLine& line = far_lines_[prefetched_];
      ops_.push_back(access(Op::kPrefetchFar, 0, line.buffer, line.row, line.pixel, 0));
    }
  }

  template <typename Multiply>
  void for_rows(uint32_t rows, Multiply multiply) {
    for (; rows != 0; rows &= rows - 1) multiply(static_cast<uint32_t>(std::countr_zero(rows)));
  }

  // Targets whose multiply-add reads memory: a column that one row uses needs no register for its input.
  void multiply_from_memory(std::span<const ColumnUse> uses) {
    for (const ColumnUse& use : uses) {
      prefetch_some();
      const bool shared = registers_->input_sets > 0 && std::popcount(use.rows) > 1;
      if (shared) load_input(use.column, 0);
      const bool some_in_place = shared && splats_in_place_ && std::popcount(use.rows) >= kRowsOfSplats;
      for_rows(use.rows, [&, in_place = false](uint32_t r) mutable {
        in_place = some_in_place && !in_place;
        if (in_place) return multiply_add_splat(r);
        const Weight w = weights_.next();
        for (uint32_t v = 0; v < vectors_; ++v) multiply_add_memory(r, v, use.column, w, shared);
      });
    }
  }
  void multiply_add_splat(uint32_t r) {
    const uint32_t place = weights_.next_place();
    for (uint32_t v = 0; v < vectors_; ++v) {
      ops_.push_back(access(Op::kFmaSplat, registers_->accumulator(r, v), Buffer::kW, 0, place, 0));
      ops_.back().a = registers_->input(0, v);
    }
  }
  void multiply_add_memory(uint32_t r, uint32_t v, uint32_t column, Weight w, bool shared) {
    const uint8_t d = registers_->accumulator(r, v);
    if (!shared && fuses_load(v)) {
      ops_.push_back(piece_access(Op::kFmaLoad, d, Buffer::kX, column, v));
      ops_.back().b = w.reg;
      return;
    }
    const uint8_t x = registers_->input(0, shared ? v : 0);
    if (!shared) ops_.push_back(piece_access(Op::kLoad, x, Buffer::kX, column, v));
    ops_.push_back({Op::kFma, d, x, w.reg});
  }

  // Load-store targets: with two sets of input registers, a column's vectors load while the column before multiplies.
  void multiply_from_registers(std::span<const ColumnUse> uses) {
    const uint32_t sets = registers_->input_sets;
    const Op op = isa_.has_fma_lane ? Op::kFmaLane : Op::kFma;
    if (!uses.empty() && sets > 1) load_input(uses[0].column, 0);
    for (size_t i = 0; i < uses.size(); ++i) {
      const auto set = static_cast<uint32_t>(i % sets);
      prefetch_some();
      if (sets == 1)
        load_input(uses[i].column, 0);
      else if (i + 1 < uses.size())
        load_input(uses[i + 1].column, static_cast<uint32_t>((i + 1) % sets));
      for_rows(uses[i].rows, [&](uint32_t r) {
        const Weight w = weights_.next();
        for (uint32_t v = 0; v < vectors_; ++v)
          ops_.push_back({op, registers_->accumulator(r, v), registers_->input(set, v), w.reg, Buffer::kX, w.lane});
      });
    }
  }

  /// The bounds come into the register above the accumulators, which is free by now.
  void clamp(const RowTile& tile) {
    if (plan_.spec.clamp.has_low()) bound(tile, Op::kMax);
    if (plan_.spec.clamp.has_high()) bound(tile, Op::kMin);
  }
  void bound(const RowTile& tile, Op op) {
    const Weight w = weights_.splat_into(registers_->bound());
    for (uint32_t a = 0; a < tile.rows * vectors_; ++a) ops_.push_back({op, static_cast<uint8_t>(a), w.reg});
  }

  void store(const RowTile& tile) {
    for (uint32_t r = 0; r < tile.rows; ++r)
      for (uint32_t v = 0; v < vectors_; ++v)
        ops_.push_back(piece_access(Op::kStore, registers_->accumulator(r, v), Buffer::kY,
                                    plan_.output_row(tile.first_row + r), v));
  }

  const KernelPlan& plan_;
  const ChunkPlan& chunk_;
  const PixelTileShape& shape_;
  const VectorIsa& isa_;
  std::vector<MicroOp>& ops_;
  WeightStream weights_;
  uint32_t vectors_;
  bool splats_in_place_;
  const RegisterPlan* registers_ = nullptr;
  std::vector<FarLine> far_lines_;
  size_t uses_done_ = 0, prefetched_ = 0;
};

/// Enough for one round of the chunk, so that the vector grows once.
size_t expected_ops(const ChunkPlan& chunk, uint32_t nonzeros, size_t vectors) {
  return (nonzeros + 3 * chunk.tiles.size() * 8) * (vectors + 2) + chunk.uses.size() * vectors;
}

}  // namespace

Status lower_unrolled(KernelPlan& plan) {
  for (size_t c = 0; c < plan.chunks.size(); ++c) {
    Chunk& chunk = plan.program.chunks[plan.first_chunk + c];
    for (const PixelTileShape& shape : plan.shapes) {
      PixelTile tile{shape.width, shape.remainder, {}};
      tile.ops.reserve(expected_ops(plan.chunks[c], chunk.nonzeros, shape.pieces.size()));
      ChunkLowering(plan, c, shape, tile.ops).run();
      chunk.tiles.push_back(std::move(tile));
    }
  }
  return {};
}

}  // namespace espalier
