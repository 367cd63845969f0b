// What the lowerings of the rolled forms share: registers, row tiles' starts and ends, and where the cursors stand.
#pragma once

#include <vector>

#include "codegen/kernel_plan.h"

namespace espalier {

/// Registers of rolled code: sums by row and vector, input vectors in one set or two, a splat weight, weights by fours.
struct RolledRegisters {
  uint32_t vectors = 0, input_sets = 0, first_input = 0, splat = 0, first_weights = 0;
  uint32_t weights = 0;  ///< by fours; none where sums and inputs take all registers but the splat weight's

  RolledRegisters(const VectorIsa& isa, CodeForm form, uint32_t rows, uint32_t vectors);
  uint8_t sum(uint32_t row, uint32_t v) const { return static_cast<uint8_t>(row * vectors + v); }
  uint8_t input(uint32_t set, uint32_t v) const { return static_cast<uint8_t>(first_input + set * vectors + v); }
  uint8_t group(uint32_t number) const { return static_cast<uint8_t>(first_weights + number % weights); }
};

/// Writes the code of one chunk for one tile shape: a loop over row tiles, around what `body` makes of one.
///
/// The cursors only move inside the loops over non-zeros and at the end of a row tile; in between, accesses count what
/// is already behind them ("ahead"). With prefetches, every row tile asks for its share of the next panel of X and for
/// its own rows of the next panel of Y; the cursor of X, which only `dense` needs otherwise, counts the rows of X.
class RolledWriter {
 public:
  RolledWriter(const KernelPlan& plan, size_t chunk, const PixelTileShape& shape, std::vector<MicroOp>& ops);

  template <typename Body>
  void run(Body body) {
    begin_tiles();
    start_sums();
    body();
    finish_sums();
    end_tiles();
  }
  /// To be called once in the body by forms that leave the cursor of X alone.
  void prefetch_next_tile();

  const VectorIsa& isa() const { return isa_; }
  const RolledRegisters& registers() const { return registers_; }
  uint32_t rows() const { return rows_; }
  uint32_t vectors() const { return registers_.vectors; }

  void push(const MicroOp& op) { ops_.push_back(op); }
  void load_input(uint8_t d, Buffer buffer, uint32_t row, uint32_t v);
  /// Rows x vectors of sums += the weight in lane `lane` of group register `group` (or of `splat`) x input.
  void multiply(uint32_t row, uint32_t v, uint8_t input, uint8_t weight, uint8_t lane);
  /// The same with the input straight from memory, where the target has that; through input register v otherwise.
  void multiply_memory(uint32_t row, uint32_t v, Buffer buffer, uint32_t input_row, uint8_t weight);

  /// Four weights, from the cursor + `ahead` on; nothing where the target only splats from memory.
  void load_group(uint32_t number, uint32_t ahead);
  /// Makes weight cursor + `ahead` + `lane` ready in the splat register, from a loaded group if there is one.
  void splat(uint32_t group, uint32_t ahead, uint32_t lane);
  void splat_from_memory(uint32_t ahead);
  bool splats_lanes() const { return isa_.has_splat_lane && !isa_.has_fma_lane; }

  void begin_loop_indexed();
  void end_loop() { push({Op::kEndLoop}); }
  void point(uint32_t pointer, uint32_t entry);
  void advance(Buffer buffer, uint32_t row, uint32_t column);
  void skip_weights(uint32_t count) { weights_ahead_ += count; }
  uint32_t weights_ahead() const { return weights_ahead_; }
  uint32_t entries_ahead() const { return entries_ahead_; }

 private:
  void begin_tiles();
  void fetch_own_rows();
  std::vector<uint32_t> pixels_of_lines() const;
  void end_tiles();
  void start_sums();
  void finish_sums();
  void start_with_bias(uint32_t row);
  void load_sums(uint32_t row);
  void bound(Op op);
  void point_output(uint32_t entry);
  void prefetch_weights();
  void prefetch_output();
  void prefetch_panel();
  void prefetch_image();
  /// Where what comes next stands, seen from here.
  struct FarPlace {
    uint32_t row, column;
  };
  /// Every row tile of the chunk asks for its part of `share` rows of X from row `first` on, `from` there.
  void prefetch_rows(uint32_t first, uint32_t share, FarPlace from);
  void prefetch(Buffer buffer, uint32_t row, uint32_t column);
  MicroOp piece(Op op, uint8_t d, Buffer buffer, uint32_t row, uint32_t v) const;
  bool fuses_load(uint32_t v) const { return isa_.has_masks || shape_.pieces[v].lanes == isa_.lanes; }

  const KernelPlan& plan_;
  size_t chunk_;  ///< into the plan's
  const PixelTileShape& shape_;
  std::vector<MicroOp>& ops_;
  const VectorIsa& isa_;
  uint32_t rows_;
  bool starts_, finishes_, fetches_ahead_;
  RolledRegisters registers_;
  uint32_t weights_ahead_ = 0, entries_ahead_ = 0;
};

/// Runs `lower(writer, chunk plan)` for every chunk and tile shape.
template <typename Lower>
Status lower_chunks(KernelPlan& plan, Lower lower) {
  for (size_t c = 0; c < plan.chunks.size(); ++c)
    for (const PixelTileShape& shape : plan.shapes) {
      PixelTile tile{shape.width, shape.remainder, {}};
      RolledWriter writer(plan, c, shape, tile.ops);
      lower(writer, plan.chunks[c]);
      plan.program.chunks[plan.first_chunk + c].tiles.push_back(std::move(tile));
    }
  return {};
}

}  // namespace espalier
