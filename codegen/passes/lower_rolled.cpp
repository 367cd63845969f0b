// Loops over non-zeros: for every pattern of rows one counted loop over the columns that these rows, and no others of
// the tile, share. `loop` is the case of tiles of one row. After: Wilkinson, Cheshmi, Dehnavi, "Register Tiling for
// Unstructured Sparsity in Neural Network Inference" (PLDI 2023), with the patterns of this matrix and without padding.
#include <algorithm>
#include <bit>

#include "codegen/rolled_writer.h"

namespace espalier {
namespace {

class PatternLoops {
 public:
  PatternLoops(RolledWriter& writer, const std::vector<RowPattern>& patterns) : w_(writer), patterns_(patterns) {}

  void run() {
    for (const RowPattern& pattern : patterns_) {
      if (!pattern.occurs_in(w_.rows())) continue;
      const auto row = static_cast<uint32_t>(std::countr_zero(pattern.rows));
      if (pattern.apart) {
        add_loop_of_rows({0, w_.rows()}, pattern.columns_per_turn * w_.rows());
      } else if (std::popcount(pattern.rows) > 1) {
        add_loop_of_shared(pattern.rows);
      } else {
        add_loop_of_rows({row, 1}, pattern.columns_per_turn);
        if (pattern.columns_per_turn > 1) add_loop_of_rows({row, 1}, 1);
      }
    }
  }

 private:
  /// As many columns have pointers and weights at a time, which is what a load of weights brings.
  static constexpr uint32_t kGroup = 4;

  /// The rows that the columns of a turn belong to, one after the other.
  struct RowOfColumn {
    uint32_t first, count;
    uint32_t operator()(uint32_t column) const { return first + column % count; }
  };
  struct ColumnGroup {
    uint32_t first, count;
  };

  void add_loop_of_shared(uint32_t rows) {
    w_.begin_loop_indexed();
    w_.point(0, w_.entries_ahead());
    multiply_shared(rows);
    end_loop(1, static_cast<uint32_t>(std::popcount(rows)));
  }
  void add_loop_of_rows(RowOfColumn row, uint32_t columns) {
    w_.begin_loop_indexed();
    for (uint32_t first = 0; first < columns; first += kGroup) {
      const ColumnGroup group{first, std::min(columns - first, kGroup)};
      for (uint32_t c = 0; c < group.count; ++c) w_.point(c, w_.entries_ahead() + first + c);
      multiply_rows(row, group);
    }
    end_loop(columns, columns);
  }
  void end_loop(uint32_t columns, uint32_t weights) {
    w_.advance(Buffer::kW, 0, weights);
    w_.advance(Buffer::kI, 0, columns);
    w_.end_loop();
  }

  /// Columns of single rows: nothing to share, so the input comes straight from memory where it can.
  void multiply_rows(RowOfColumn row, ColumnGroup columns) {
    const uint32_t ahead = w_.weights_ahead() + columns.first;
    if (columns.count == 1) return multiply_one(row(columns.first), ahead);
    w_.load_group(0, ahead);
    if (w_.isa().has_fma_lane) return multiply_lanes(row, columns);
    for (uint32_t c = 0; c < columns.count; ++c) {
      w_.splat(0, ahead, c);
      for (uint32_t v = 0; v < w_.vectors(); ++v)
        w_.multiply_memory(row(columns.first + c), v, Buffer::kXAt, c, static_cast<uint8_t>(w_.registers().splat));
    }
  }
  void multiply_one(uint32_t row, uint32_t ahead) {
    if (w_.isa().has_fma_lane) {
      w_.load_group(0, ahead);
      return multiply_lanes({row, 1}, {0, 1});
    }
    w_.splat_from_memory(ahead);
    for (uint32_t v = 0; v < w_.vectors(); ++v)
      w_.multiply_memory(row, v, Buffer::kXAt, 0, static_cast<uint8_t>(w_.registers().splat));
  }

  /// With two sets of inputs, a column's vectors load between the multiply-adds of the column before, for cores that
  /// execute in order; two by two, so that the loads can become a pair (llvm-mca, cycles per fmla: neoverse-n1 0.69 one
  /// by one, 0.61 in pairs; apple-m1 0.63 and 0.41).
  void multiply_lanes(RowOfColumn row, ColumnGroup columns) {
    const RolledRegisters& r = w_.registers();
    const bool ahead = r.input_sets > 1;
    for (uint32_t c = 0; c < columns.count; ++c) {
      if (!ahead || c == 0) load_column(c);
      for (uint32_t first = 0; first < w_.vectors(); first += 2) {
        const uint32_t end = std::min(first + 2, w_.vectors());
        for (uint32_t v = first; v < end; ++v)
          w_.multiply(row(columns.first + c), v, r.input(ahead ? c % 2 : 0, v), r.group(0), static_cast<uint8_t>(c));
        for (uint32_t v = first; v < end && ahead && c + 1 < columns.count; ++v)
          w_.load_input(r.input((c + 1) % 2, v), Buffer::kXAt, c + 1, v);
      }
    }
  }
  void load_column(uint32_t c) {
    for (uint32_t v = 0; v < w_.vectors(); ++v) w_.load_input(w_.registers().input(0, v), Buffer::kXAt, c, v);
  }

  /// One column of several rows: its vectors load once. Behind their weights where loads take long to be used, so that
  /// the first multiply-add waits for one load instead of two.
  void multiply_shared(uint32_t rows) {
    const uint32_t ahead = w_.weights_ahead();
    const RolledRegisters& r = w_.registers();
    const bool weights_first = w_.isa().has_fma_lane;
    if (weights_first) w_.load_group(0, ahead);
    load_column(0);
    uint32_t lane = 0;
    for (; rows != 0; rows &= rows - 1, ++lane) {
      if (lane % 4 == 0 && !(weights_first && lane == 0)) w_.load_group(lane / 4, ahead + lane);
      if (!w_.isa().has_fma_lane) w_.splat(lane / 4, ahead + lane / 4 * 4, lane % 4);
      const auto weight = w_.isa().has_fma_lane ? r.group(lane / 4) : static_cast<uint8_t>(r.splat);
      for (uint32_t v = 0; v < w_.vectors(); ++v)
        w_.multiply(static_cast<uint32_t>(std::countr_zero(rows)), v, r.input(0, v), weight,
                    static_cast<uint8_t>(lane % 4));
    }
  }

  RolledWriter& w_;
  const std::vector<RowPattern>& patterns_;
};

}  // namespace

Status lower_rolled(KernelPlan& plan) {
  return lower_chunks(plan, [&](RolledWriter& writer, const ChunkPlan&) {
    writer.run([&] {
      writer.prefetch_next_tile();
      PatternLoops(writer, plan.patterns).run();
    });
  });
}

}  // namespace espalier
