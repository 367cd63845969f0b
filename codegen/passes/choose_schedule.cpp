#include <algorithm>
#include <cmath>
#include <numeric>

#include "codegen/kernel_plan.h"

namespace espalier {
namespace {

/// Rows x vectors worth trying for one form on one vector ISA, best first among equals.
struct TileChoice {
  std::string_view isa;
  CodeForm form;
  uint32_t rows, vectors;
};
// clang-format off
constexpr TileChoice kTileChoices[] = {
    {"avx2", CodeForm::kUnrolled, 2, 7},   {"avx2", CodeForm::kUnrolled, 2, 6},
    {"avx2", CodeForm::kUnrolled, 2, 5},   {"avx2", CodeForm::kUnrolled, 3, 4},
    {"avx512", CodeForm::kUnrolled, 6, 4}, {"avx512", CodeForm::kUnrolled, 8, 3},
    {"avx512", CodeForm::kUnrolled, 4, 5},
    {"neon", CodeForm::kUnrolled, 8, 3},   {"neon", CodeForm::kUnrolled, 3, 7},
    {"neon", CodeForm::kUnrolled, 4, 5},   {"neon", CodeForm::kUnrolled, 6, 4},
    // V8 keeps straight code in order only in short blocks (backends/wasm/chunk_body.cpp): one vector, many rows.
    {"simd128", CodeForm::kUnrolled, 8, 1},
    {"relaxed", CodeForm::kUnrolled, 8, 1},
    {"portable", CodeForm::kUnrolled, 2, 4},
};
/// Vectors that a row tile of a rolled form may have; the widest that fits the pixels wins.
struct RolledChoice {
  std::string_view isa;
  CodeForm form;
  uint32_t rows, most_vectors;
};
constexpr RolledChoice kRolledChoices[] = {
    {"avx2", CodeForm::kLoop, 1, 7},     {"avx2", CodeForm::kNano, 2, 4},     {"avx2", CodeForm::kDense, 6, 2},
    {"avx512", CodeForm::kLoop, 1, 12},  {"avx512", CodeForm::kNano, 4, 4},   {"avx512", CodeForm::kDense, 8, 3},
    {"neon", CodeForm::kLoop, 1, 8},     {"neon", CodeForm::kNano, 4, 4},     {"neon", CodeForm::kDense, 8, 2},
    {"simd128", CodeForm::kLoop, 1, 8},  {"simd128", CodeForm::kNano, 2, 4},  {"simd128", CodeForm::kDense, 4, 2},
    {"relaxed", CodeForm::kLoop, 1, 8},  {"relaxed", CodeForm::kNano, 2, 4},  {"relaxed", CodeForm::kDense, 4, 2},
    {"portable", CodeForm::kLoop, 1, 8}, {"portable", CodeForm::kNano, 2, 4}, {"portable", CodeForm::kDense, 4, 2},
};
// clang-format on

uint32_t ceil_div(uint32_t a, uint32_t b) { return (a + b - 1) / b; }

/// Instructions per non-zero for a tile of `vectors` vectors, given how many rows share each input load.
double instructions_per_nonzero(const VectorIsa& isa, double vectors, double sharing) {
  if (isa.has_fma_load) return vectors + 1.25;  // the input comes with the multiply-add
  return vectors + vectors / sharing + (isa.has_fma_lane ? 0.25 : 1.25);
}

/// Expected rows of a tile that use a column, given that one does.
double expected_sharing(double density, uint32_t rows) {
  const double any = 1 - std::pow(1 - density, rows);
  return any > 0 ? rows * density / any : 1;
}

/// Wider tiles save instructions until their slice of the input no longer shares L1D with the output rows: 256x256 at
/// 784 pixels, 90 % zeros, Zen 3: 50 GFLOP/s with 2 rows x 7 vectors, 58 with 3 x 4; 512x512 at 196: 46 and 53.
constexpr uint32_t kUsualKBlock = 128;
constexpr double kSpillsL1 = 1.15;

/// Relative cost of the whole matrix with this tile: instructions over all pixels.
double tile_cost(const KernelPlan& plan, const TileChoice& tile) {
  const VectorIsa& isa = *plan.target.vector;
  const double density = 1 - plan.spec.matrix.sparsity();
  const double sharing = expected_sharing(density, tile.rows);
  const uint32_t vectors = ceil_div(plan.spec.max_pixels(), isa.lanes);
  const uint32_t full = vectors / tile.vectors, tail = vectors % tile.vectors;
  const uint32_t slice = std::min(plan.spec.matrix.columns(), kUsualKBlock) * tile.vectors * isa.lanes * 4;
  const double instructions = full * instructions_per_nonzero(isa, tile.vectors, sharing) +
                              (tail ? instructions_per_nonzero(isa, tail, sharing) : 0);
  return isa.has_fma_load && slice > plan.target.cpu->l1d / 2 ? kSpillsL1 * instructions : instructions;
}

/// The pixels that a tile must divide, or 0: panels cannot be left in the middle of a tile.
uint32_t panel_of(const KernelSpec& spec) { return std::gcd(spec.input_panel, spec.output_panel); }

bool fits_panels(const KernelPlan& plan, uint32_t vectors) {
  const uint32_t panel = panel_of(plan.spec);
  return panel == 0 || panel % (vectors * plan.target.vector->lanes) == 0;
}

bool is_allowed(const Schedule& s, uint32_t rows, uint32_t vectors) {
  return (!s.tile_rows || s.tile_rows == rows) && (!s.tile_vectors || s.tile_vectors == vectors);
}

void choose_unrolled_tile(KernelPlan& plan) {
  Schedule& s = plan.schedule;
  double best = HUGE_VAL;
  TileChoice chosen{};
  for (const TileChoice& tile : kTileChoices) {
    if (tile.isa != plan.target.vector->name || !is_allowed(s, tile.rows, tile.vectors)) continue;
    if (!fits_panels(plan, tile.vectors)) continue;
    const double cost = tile_cost(plan, tile);
    if (cost < best * 0.99) best = cost, chosen = tile;
  }
  if (chosen.rows != 0) s.tile_rows = chosen.rows, s.tile_vectors = chosen.vectors;
}

/// Vectors from `most` down: the number that wastes least of its last tile; the largest among equals.
uint32_t fitting_vectors(const KernelPlan& plan, uint32_t most) {
  const uint32_t lanes = plan.target.vector->lanes, all = ceil_div(plan.spec.max_pixels(), lanes);
  uint32_t best = 1, best_tiles = UINT32_MAX;
  for (uint32_t v = std::min(most, all); v > 0; --v) {
    if (!fits_panels(plan, v)) continue;
    const uint32_t tiles = ceil_div(all, v);
    // Another tile costs as much as two vectors: starting sums, loops' ends, weights and indices once more.
    const uint32_t cost = tiles * (v + 2);
    if (cost < best_tiles) best = v, best_tiles = cost;
  }
  return best;
}

void choose_rolled_tile(KernelPlan& plan) {
  Schedule& s = plan.schedule;
  for (const RolledChoice& choice : kRolledChoices) {
    if (choice.isa != plan.target.vector->name || choice.form != s.form) continue;
    if (!s.tile_rows) s.tile_rows = choice.rows;
    if (!s.tile_vectors) s.tile_vectors = fitting_vectors(plan, choice.most_vectors);
  }
}

/// Where the tables have no pair with what the user fixed: as much of the rest as registers and panels allow, up to 8.
void choose_rest_of_tile(KernelPlan& plan) {
  Schedule& s = plan.schedule;
  auto fits = [&] {
    return registers_needed(*plan.target.vector, s.form, s.tile_rows, s.tile_vectors) <=
           plan.target.vector->registers;
  };
  const bool rows_open = s.tile_rows == 0;
  if (rows_open) s.tile_rows = 1;
  if (!s.tile_vectors)
    for (s.tile_vectors = 8; s.tile_vectors > 1 && (!fits() || !fits_panels(plan, s.tile_vectors));) --s.tile_vectors;
  if (rows_open)
    for (s.tile_rows = 8; s.tile_rows > 1 && !fits();) --s.tile_rows;
}

void choose_tile(KernelPlan& plan) {
  if (plan.schedule.form == CodeForm::kLoop && !plan.schedule.tile_rows) plan.schedule.tile_rows = 1;
  if (is_rolled(plan.schedule.form))
    choose_rolled_tile(plan);
  else
    choose_unrolled_tile(plan);
  choose_rest_of_tile(plan);
}

/// A K block's slice of one pixel tile of the input has to stay in L1D while the chunk's rows pass over it; about a
/// third of the cache is left for the output rows and the weights.
void choose_k_block(KernelPlan& plan) {
  Schedule& s = plan.schedule;
  if (s.k_block) return;
  const uint32_t columns = std::max(1u, plan.spec.matrix.columns());
  const uint32_t row_bytes = s.tile_vectors * plan.target.vector->lanes * 4;
  const uint32_t fits = std::max(16u, plan.target.cpu->l1d * 2 / 3 / row_bytes);
  // Up to half as much again costs less than another pass over the output.
  const uint32_t blocks = columns <= fits + fits / 2 ? 1 : ceil_div(columns, fits);
  s.k_block = ceil_div(columns, blocks);
}

/// Rolled code has no size to bound; groups of rows are what threads share, so there should be some, but not so small
/// that starting them costs.
void choose_rolled_chunk(KernelPlan& plan) {
  constexpr uint64_t kGroups = 8, kLeast = 1024;
  const SparseMatrix& m = plan.spec.matrix;
  const uint64_t blocks = ceil_div(std::max(1u, m.columns()), plan.schedule.k_block);
  const uint64_t work =
      plan.schedule.form == CodeForm::kDense ? uint64_t{m.rows()} * m.columns() : m.nonzeros();
  plan.schedule.chunk_nonzeros = static_cast<uint32_t>(std::max(kLeast, work / blocks / kGroups + 1));
}

/// Straight-line code of one tile stays inside three quarters of the instruction cache.
void choose_chunk(KernelPlan& plan) {
  Schedule& s = plan.schedule;
  if (s.chunk_nonzeros) return;
  if (is_rolled(s.form)) return choose_rolled_chunk(plan);
  constexpr double kLargest = 32 * 1024;  // larger caches (Cortex-A76: 64 KiB) gain nothing from larger chunks
  const double budget = 0.75 * std::min<double>(plan.target.cpu->l1i, kLargest);
  s.chunk_nonzeros = std::max(32u, static_cast<uint32_t>(budget / code_bytes_per_nonzero(plan.target, s.form, s.tile_vectors)));
}

/// Instruction fetch waits for its misses, data prefetchers hide most of theirs: 512x512 at 196 pixels, 90 % zeros, Zen
/// 3, runs at 50 GFLOP/s in blocks of 64 pixels and at 53 in one block.
constexpr double kCodeWeight = 2;

/// Bytes moved into the L2 cache for one run with a given pixel block: code once per block when it does not stay, input
/// once per row group when it does not stay.
double traffic(const KernelPlan& plan, uint32_t block) {
  const Schedule& s = plan.schedule;
  const SparseMatrix& m = plan.spec.matrix;
  const double nonzeros = static_cast<double>(m.nonzeros());
  const double code = nonzeros * (code_bytes_per_nonzero(plan.target, s.form, s.tile_vectors) + 4);
  const double k_blocks = ceil_div(std::max(1u, m.columns()), s.k_block);
  const double groups = std::max(1.0, std::ceil(nonzeros / s.chunk_nonzeros / k_blocks));
  const double input = 4.0 * m.columns() * plan.spec.max_pixels();
  const double resident = 4.0 * (m.columns() + m.rows()) * block;
  const double l2 = plan.target.cpu->l2;
  const double blocks = ceil_div(plan.spec.max_pixels(), block);
  const double code_traffic = code > l2 / 2 || resident + code > l2 ? code * blocks : code;
  const double input_traffic = resident > l2 / 2 ? input * groups : input;
  return kCodeWeight * code_traffic + input_traffic;
}

/// One panel at a time: its slices stay in the caches, and panels are what threads share. A tile narrower than a panel
/// has to stay inside one (KernelProgram's verifier), so then a block is one tile's walk through what both sides share.
void choose_panel_block(KernelPlan& plan, uint32_t width) {
  Schedule& s = plan.schedule;
  const uint32_t panel = panel_of(plan.spec);
  const bool steps = (!plan.spec.input_panel || plan.spec.input_panel == width) &&
                     (!plan.spec.output_panel || plan.spec.output_panel == width);
  s.pixel_block = steps && s.pixel_block ? ceil_div(s.pixel_block, panel) * panel : panel;
}

/// The block of whole tiles that moves least; the smallest among equals, because blocks are also what threads share.
void choose_pixel_block(KernelPlan& plan) {
  Schedule& s = plan.schedule;
  const uint32_t width = s.tile_vectors * plan.target.vector->lanes;
  if (panel_of(plan.spec)) return choose_panel_block(plan, width);
  if (s.pixel_block) {
    s.pixel_block = ceil_div(s.pixel_block, width) * width;
    return;
  }
  const uint32_t tiles = std::max(1u, ceil_div(plan.spec.max_pixels(), width));
  double best = HUGE_VAL;
  for (uint32_t per_block : {8u, 12u, 16u, 24u, 32u, 48u, 64u, 2u, 4u, 6u, tiles}) {
    if (per_block > tiles) per_block = tiles;
    const double cost = traffic(plan, per_block * width);
    if (cost < best * 0.98) best = cost, s.pixel_block = per_block * width;
  }
}

/// Between panels the padding may be computed, too, which spares code for tails.
void choose_pixel_multiple(KernelPlan& plan) {
  const bool both = plan.spec.input_panel && plan.spec.output_panel;
  if (both) plan.program.pixel_multiple = plan.schedule.tile_vectors * plan.target.vector->lanes;
}

Status check_registers(const KernelPlan& plan) {
  const Schedule& s = plan.schedule;
  const VectorIsa& isa = *plan.target.vector;
  if (s.tile_rows > kMaxTileRows)
    return bad_input("schedule has rows={}, but the limit is {}", s.tile_rows, kMaxTileRows);
  if (s.form == CodeForm::kLoop && s.tile_rows != 1)
    return bad_input("schedule has rows={}, but loops take one row at a time", s.tile_rows);
  const uint64_t needed = registers_needed(isa, s.form, s.tile_rows, s.tile_vectors);
  if (needed > isa.registers)
    return bad_input("schedule with rows={}, vectors={} needs {} vector registers, but {} has {}", s.tile_rows,
                     s.tile_vectors, needed, isa.name, isa.registers);
  const uint32_t panel = panel_of(plan.spec), width = s.tile_vectors * isa.lanes;
  if (panel % width != 0)
    return bad_input("schedule has vectors={} of {} pixels, but panels of {} and {} pixels are not cut into such tiles",
                     s.tile_vectors, isa.lanes, plan.spec.input_panel, plan.spec.output_panel);
  return {};
}

}  // namespace

uint64_t registers_needed(const VectorIsa& isa, CodeForm form, uint32_t rows, uint32_t vectors) {
  const uint64_t accumulators = uint64_t{rows} * vectors;
  if (is_rolled(form)) {
    const uint32_t weights = (isa.has_splat_lane ? 1 : 0) + (isa.has_fma_lane ? 0 : 1);
    const uint32_t groups = isa.has_fma_lane && form == CodeForm::kDense ? ceil_div(rows, 4) - 1 : 0;
    const bool in_memory = isa.has_fma_load && form == CodeForm::kLoop;
    // A narrow tail of one or two vectors loads its inputs.
    return std::max(accumulators + weights + groups + (in_memory ? 0 : vectors), uint64_t{rows} * 2 + weights + 2);
  }
  // Four weights, a splat weight; and an input where a narrow tail of one vector cannot multiply straight from memory.
  if (isa.has_fma_load) return isa.has_masks ? accumulators + 2 : std::max(accumulators + 2, uint64_t{rows} + 3);
  if (isa.has_fma_lane) return accumulators + vectors + 1;  // input vectors, four weights
  return accumulators + vectors + 2;                        // input vectors, four weights, a splat weight
}

double code_bytes_per_nonzero(const Target& target, CodeForm form, uint32_t vectors) {
  if (is_rolled(form)) return 2;  // an index
  switch (target.isa) {
    case Isa::kX86_64:
      return 6.5 * vectors + 13;
    case Isa::kAArch64:
      return 4 * (vectors * 1.75 + 0.4);
    case Isa::kWasm:
      return 24.0 * vectors + 10;  // what V8 makes of it on x86-64
    // Compilers slow down quadratically on long blocks: keep emitted C functions to a few hundred non-zeros.
    case Isa::kC99:
      return 80;
  }
  return 80;
}

Status choose_schedule(KernelPlan& plan) {
  if (plan.schedule.form == CodeForm::kChosen) plan.schedule.form = CodeForm::kUnrolled;
  choose_tile(plan);
  if (Status s = check_registers(plan); !s) return std::move(s).error().in("kernel " + plan.spec.name);
  choose_k_block(plan);
  choose_chunk(plan);
  choose_pixel_block(plan);
  if (plan.schedule.prefetch == -1) plan.schedule.prefetch = 0;
  if (plan.schedule.cluster == -1) plan.schedule.cluster = plan.schedule.tile_rows > 2 ? 1 : 0;
  choose_pixel_multiple(plan);
  plan.program.schedule = plan.schedule;
  plan.program.pixel_block = plan.schedule.pixel_block;
  return {};
}

}  // namespace espalier
