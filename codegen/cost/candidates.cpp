#include "codegen/cost/candidates.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "codegen/cost/cpu_costs.h"
#include "codegen/kernel_plan.h"
#include "codegen/row_parts.h"

namespace espalier {
namespace {

/// Rows and vectors worth trying for one form on one vector ISA; vectors from the least to the most.
struct TileChoice {
  std::string_view isa;
  CodeForm form;
  uint32_t rows, least_vectors, most_vectors;
};
// clang-format off
constexpr TileChoice kTileChoices[] = {
    {"avx2", CodeForm::kUnrolled, 2, 2, 7},   {"avx2", CodeForm::kUnrolled, 3, 2, 4},
    {"avx512", CodeForm::kUnrolled, 6, 1, 4}, {"avx512", CodeForm::kUnrolled, 8, 1, 3},
    {"avx512", CodeForm::kUnrolled, 4, 2, 6},
    {"neon", CodeForm::kUnrolled, 8, 2, 3},   {"neon", CodeForm::kUnrolled, 6, 4, 4},
    {"neon", CodeForm::kUnrolled, 4, 5, 5},   {"neon", CodeForm::kUnrolled, 3, 7, 7},
    {"neon", CodeForm::kUnrolled, 2, 8, 8},
    // V8 keeps straight code in order only in short blocks (backends/wasm/chunk_body.cpp): one vector, many rows.
    {"simd128", CodeForm::kUnrolled, 8, 1, 1},
    {"relaxed", CodeForm::kUnrolled, 8, 1, 1},
    {"portable", CodeForm::kUnrolled, 2, 1, 4},
    {"avx2", CodeForm::kLoop, 1, 1, 7},       {"avx2", CodeForm::kNano, 2, 1, 4},
    {"avx2", CodeForm::kDense, 6, 1, 2},      {"avx2", CodeForm::kDense, 4, 3, 3},
    {"avx512", CodeForm::kLoop, 1, 1, 12},    {"avx512", CodeForm::kNano, 4, 1, 6},
    {"avx512", CodeForm::kLoop, 4, 2, 6},
    {"avx512", CodeForm::kDense, 8, 1, 3},    {"avx512", CodeForm::kDense, 6, 4, 4},
    {"neon", CodeForm::kLoop, 1, 1, 14},      {"neon", CodeForm::kNano, 4, 1, 4},
    {"neon", CodeForm::kLoop, 2, 4, 7},
    {"neon", CodeForm::kDense, 8, 1, 2},      {"neon", CodeForm::kDense, 4, 4, 4},
    {"simd128", CodeForm::kLoop, 1, 1, 14},   {"simd128", CodeForm::kNano, 2, 1, 4},
    {"simd128", CodeForm::kDense, 4, 1, 2},
    {"relaxed", CodeForm::kLoop, 1, 1, 14},   {"relaxed", CodeForm::kNano, 2, 1, 4},
    {"relaxed", CodeForm::kDense, 4, 1, 2},
    {"portable", CodeForm::kLoop, 1, 1, 8},   {"portable", CodeForm::kNano, 2, 1, 4},
    {"portable", CodeForm::kDense, 4, 1, 2},
};
/// For rows that share all of their columns in twos or fours.
constexpr TileChoice kBlockTiles[] = {
    {"avx2", CodeForm::kNano, 4, 1, 3},       {"avx2", CodeForm::kNano, 2, 5, 5},
    {"avx512", CodeForm::kNano, 2, 1, 6},
    {"neon", CodeForm::kNano, 2, 1, 6},
    {"simd128", CodeForm::kNano, 4, 1, 4},    {"relaxed", CodeForm::kNano, 4, 1, 4},
    {"portable", CodeForm::kNano, 4, 1, 4},
};
// clang-format on

/// Vectors of a loop over one row: engines need registers for an input, weights and what they compute with, too (V8:
/// 10 of 16, docs/performance.md).
uint32_t most_vectors(const TileChoice& choice, const Target& target) {
  constexpr uint32_t kOthers = 6;
  const uint32_t registers = target.cpu->engine_registers;
  if (choice.form != CodeForm::kLoop || registers == 0) return choice.most_vectors;
  return std::min(choice.most_vectors, registers - kOthers);
}

uint32_t ceil_div(uint32_t a, uint32_t b) { return (a + b - 1) / b; }

/// A schedule in the making.
struct Choice {
  const KernelSpec& spec;
  const Target& target;
  Schedule schedule;
};

uint32_t tile_pixels(const Choice& plan, uint32_t vectors) {
  return espalier::tile_pixels(plan.spec, *plan.target.vector, vectors);
}

/// Panels cannot be left in the middle of a tile.
bool fits_panels(const Choice& plan, uint32_t vectors) {
  const uint32_t panel = panel_of(plan.spec);
  return panel == 0 || panel % tile_pixels(plan, vectors) == 0;
}

/// Where the tables have no pair with what the user fixed: as much of the rest as registers and panels allow, up to 8.
void choose_rest_of_tile(Choice& plan) {
  Schedule& s = plan.schedule;
  auto fits = [&] {
    return registers_needed(*plan.target.vector, s.form, s.tile_rows, s.tile_vectors) <= plan.target.vector->registers;
  };
  const bool rows_open = s.tile_rows == 0;
  if (rows_open) s.tile_rows = 1;
  if (!s.tile_vectors)
    for (s.tile_vectors = 8; s.tile_vectors > 1 && (!fits() || !fits_panels(plan, s.tile_vectors));) --s.tile_vectors;
  if (rows_open)
    for (s.tile_rows = 8; s.tile_rows > 1 && !fits();) --s.tile_rows;
}

/// Bytes of one input channel in a pixel tile; caches hold whole lines, which rows of panels share.
uint32_t tile_row_bytes(const Choice& plan) {
  return std::max(plan.spec.input_panel ? 0u : 64u, tile_pixels(plan, plan.schedule.tile_vectors) * 4);
}

/// A K block's slice of one pixel tile of the input has to stay in L1D while the chunk's rows pass over it; about a
/// third of the cache is left for the output rows and the weights.
void choose_k_block(Choice& plan) {
  Schedule& s = plan.schedule;
  if (s.k_block) return;
  const uint32_t columns = std::max(1u, plan.spec.matrix.columns());
  const uint32_t fits = std::max(16u, plan.target.cpu->l1d * 2 / 3 / tile_row_bytes(plan));
  // Up to half as much again costs less than another pass over the output.
  const uint32_t blocks = columns <= fits + fits / 2 ? 1 : ceil_div(columns, fits);
  s.k_block = ceil_div(columns, blocks);
}

/// K blocks worth a prediction: those whose slice takes from a sixth of L1D to two and a half of it, and a single one.
/// Fewer non-zeros per block make row ends dearer, so sparse layers want larger blocks than the cache.
std::vector<uint32_t> k_blocks_to_try(const Choice& plan) {
  if (plan.schedule.k_block) return {plan.schedule.k_block};
  const uint32_t columns = std::max(1u, plan.spec.matrix.columns());
  const double line = tile_row_bytes(plan), l1d = plan.target.cpu->l1d;
  std::vector<uint32_t> found{columns};
  for (const uint32_t blocks : {2u, 3u, 4u, 6u, 8u, 12u, 16u, 24u, 32u}) {
    const uint32_t k = ceil_div(columns, blocks);
    if (k >= 16 && k * line >= l1d / 6 && k * line <= 2.5 * l1d && k < found.back()) found.push_back(k);
  }
  if (found.size() > 1 && columns * line > 4 * l1d) found.erase(found.begin());
  return found;
}

/// Non-zeros of a chunk in groups of rows for threads to share where panels, or straight code's tiles, are few. A group
/// costs its own pass over the input (512x512 at 196 pixels, Zen 3, loops: 61 GFLOP/s with 7 groups, 64.6 with one; Zen
/// 4, straight code on an image: 93.5 with 4 groups, 98 with one).
uint32_t nonzeros_of_group(const Choice& plan) {
  constexpr uint32_t kLeast = 1024, kMostNonzeros = 0x7fffffff;
  const uint32_t items = cpu_costs(plan.target.cpu->name).row_groups;
  const SparseMatrix& m = plan.spec.matrix;
  const uint32_t panel = panel_of(plan.spec), tile = tile_pixels(plan, plan.schedule.tile_vectors);
  const bool shares_pixels = panel != 0 || !is_rolled(plan.schedule.form);
  const uint32_t pieces = shares_pixels ? ceil_div(plan.spec.max_pixels(), panel ? panel : tile) : 1;
  const uint64_t groups = std::max(1u, items / std::max(1u, pieces));
  const uint64_t blocks = ceil_div(std::max(1u, m.columns()), plan.schedule.k_block);
  const uint64_t work = plan.schedule.form == CodeForm::kDense ? uint64_t{m.rows()} * m.columns() : m.nonzeros();
  const uint64_t in_block = work / blocks, most = std::min<uint64_t>(groups, (in_block + kLeast - 1) / kLeast);
  if (most <= 1) return static_cast<uint32_t>(std::clamp<uint64_t>(work, 1, kMostNonzeros));
  // Groups of about equal work, an even number of them, and room for a row more, lest a small one is left over.
  const uint64_t shares = (most + 1) / 2 * 2;
  return static_cast<uint32_t>(std::max<uint64_t>(1, in_block / shares + in_block / std::max(1u, m.rows()) + 1));
}

/// Straight-line code of one tile stays inside three quarters of the instruction cache, or in L2 where that is as good:
/// a larger chunk passes over the input fewer times (1024x512 at 49 pixels, Zen 4: 68 GFLOP/s in L1I, 77 in L2). Rolled
/// code has no size to bound.
void choose_chunk(Choice& plan) {
  Schedule& s = plan.schedule;
  if (s.chunk_nonzeros) return;
  if (is_rolled(s.form)) {
    s.chunk_nonzeros = nonzeros_of_group(plan);
    return;
  }
  constexpr double kLargest = 32 * 1024;  // larger caches (Cortex-A76: 64 KiB) gain nothing from larger chunks
  const uint32_t in_l2 = cpu_costs(plan.target.cpu->name).chunk_bytes;
  const double budget = in_l2 ? in_l2 : 0.75 * std::min<double>(plan.target.cpu->l1i, kLargest);
  const auto fits = static_cast<uint32_t>(budget / code_bytes_per_nonzero(plan.target, s.form, s.tile_vectors));
  s.chunk_nonzeros = std::max(32u, in_l2 ? std::min(fits, nonzeros_of_group(plan)) : fits);
}

/// Instruction fetch waits for its misses, data prefetchers hide most of theirs: 512x512 at 196 pixels, 90 % zeros, Zen
/// 3, runs at 50 GFLOP/s in blocks of 64 pixels and at 53 in one block.
constexpr double kCodeWeight = 2;

/// Bytes moved into the L2 cache for one run with a given pixel block: code once per block when it does not stay, input
/// once per row group when it does not stay.
double traffic(const Choice& plan, uint32_t block) {
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

/// Whether straight code has multiply-adds enough to hide what it asks for: a line of every row of X and Y. Zen 4, at
/// 3136 pixels, lines for a multiply-add and what prefetching gains. Hot caches: 64x256 at 90, 95 and 98 % zeros (0.2,
/// 0.4, 1) in panels 1, 0 and -10 %, as an image 1, -7 and -15 %; 128x128 (0.16, 0.3, 0.8) in panels 0, 0, -2.5 %, as
/// an image 0, -3, -13 %. Where others have used the caches meanwhile: 128x128 in panels at 98 % 25 %, as an image at
/// 95 % 67 and at 98 % 38 %. Rows of many pages gain more (64x32 at 12544 pixels, 0.47: 6 %, and 24 to 66 GFLOP/s).
bool hides_prefetch(const Choice& plan) {
  constexpr uint32_t kLongRow = 8192;
  constexpr double kMostInPanels = 0.9, kMostInImages = 0.33;
  const SparseMatrix& m = plan.spec.matrix;
  const bool streams = between_panels(plan.spec) || plan.spec.max_pixels() >= kLongRow;
  const double lines = static_cast<double>(uint64_t{m.rows()} + m.columns());
  return lines <= (streams ? kMostInPanels : kMostInImages) * static_cast<double>(m.nonzeros());
}

/// Where the activations do not stay in L2 and something comes next. Phones' prefetchers do not find the rows; Zen 4
/// gains in straight code only (128x128 at 3136 pixels in panels: 105 and 108 GFLOP/s, as an image 95 and 98; 256x512
/// at 784 as an image loses 2 %). Zen 3 loses a fifth (128x64 at 3136 pixels: 52 instead of 66 GFLOP/s).
bool gains_by_prefetch(const Choice& plan) {
  const SparseMatrix& m = plan.spec.matrix;
  const CpuCosts& c = cpu_costs(plan.target.cpu->name);
  const double far = between_panels(plan.spec) ? c.far_panels : c.far_images;
  const bool straight = far != 0 && plan.schedule.form == CodeForm::kUnrolled && hides_prefetch(plan);
  const double least = c.prefetch ? 0.5 : far;
  const double bytes = 4.0 * (uint64_t{m.rows()} + m.columns()) * plan.spec.max_pixels();
  const uint32_t step = has_pointers(plan.schedule.form) ? plan.schedule.tile_vectors * plan.target.vector->lanes
                                                         : plan.schedule.pixel_block;
  return (c.prefetch || straight) && bytes > least * plan.target.cpu->l2 && step < plan.spec.max_pixels();
}

/// Whether loops touch the rows of their tile before they use them. V8 14 on Zen 4, without and with, GFLOP/s: 64x256
/// at 3136 pixels 12.5 and 22.4 as an image, 18.7 and 30.2 in panels, 128x128 27.2 and 29.4, 35.1 and 35.6 (17 and 24,
/// 28 and 33 where others keep L3 busy); where L2 holds much (512x512 at 196 pixels) 0 to 7 % faster at 70 to 90 %
/// zeros, 2 to 6 % slower at 98.
bool gains_by_own_rows(const Choice& plan) {
  constexpr double kFar = 3, kNear = 1;                     // L2s that the activations take,
  constexpr double kLeastUsesFar = 2, kLeastUsesNear = 40;  // and uses of an input row
  const CpuCosts& c = cpu_costs(plan.target.cpu->name);
  if (!c.touches || !has_pointers(plan.schedule.form)) return false;
  const SparseMatrix& m = plan.spec.matrix;
  const double l2s = 4.0 * (uint64_t{m.rows()} + m.columns()) * plan.spec.max_pixels() / plan.target.cpu->l2;
  const double uses = double(m.nonzeros()) / std::max(1u, m.columns());
  return (l2s > kFar && uses >= kLeastUsesFar) || (l2s > kNear && uses >= kLeastUsesNear);
}
Prefetch chosen_prefetch(const Choice& plan) {
  if (gains_by_own_rows(plan)) return Prefetch::kOwn;
  return gains_by_prefetch(plan) ? Prefetch::kNext : Prefetch::kNone;
}

/// Pixel blocks worth a prediction; 0 leaves it to choose_pixel_block. Several panels at a time spare straight code
/// some fetches from L2, which CPUs that fetch slowly from there gain by; four blocks stay for threads to share.
std::vector<uint32_t> pixel_blocks_to_try(const Choice& plan) {
  const uint32_t panel = panel_of(plan.spec);
  if (plan.schedule.pixel_block || plan.schedule.form != CodeForm::kUnrolled) return {plan.schedule.pixel_block};
  std::vector<uint32_t> found{0};
  if (panel == 0) {  // or as many as L2 keeps; with the next ones, where these are fetched ahead
    const uint32_t channels = std::max(1u, plan.spec.matrix.columns() + plan.spec.matrix.rows());
    const bool with_next = cpu_costs(plan.target.cpu->name).far_images != 0 && gains_by_prefetch(plan);
    const uint32_t keeps = plan.target.cpu->l2 / (with_next ? 32 : 12) / channels;
    if (keeps < plan.spec.max_pixels()) found.push_back(std::max(1u, keeps));
    return found;
  }
  // What half of L1D does not keep costs Cortex-A72 more than the fetches (simulated, layer 2 of MobileNetV1: 8.3
  // GFLOP/s by eight panels of 16 pixels, 11.4 by one of 8).
  const uint64_t row = uint64_t{4} * plan.spec.matrix.columns(), least_l1 = plan.target.cpu->l1d / 2;
  const bool any = !cpu_costs(plan.target.cpu->name).prefetch;
  for (const uint32_t panels : {4u, 8u})
    if (uint64_t{4} * panels * panel <= plan.spec.max_pixels() && (any || row * panels * panel <= least_l1))
      found.push_back(panels * panel);
  // Tiles are shared out inside a block, too, so a small image may be one: its code is fetched once.
  const uint32_t all = ceil_div(plan.spec.max_pixels(), panel);
  if (cpu_costs(plan.target.cpu->name).chunk_bytes && all > 1 && all <= 8) found.push_back(all * panel);
  return found;
}

/// Whether the pixels that are left over go to loops: where straight code comes from L2, and a second body for them
/// takes as long to fetch as full tiles (512x512 at 196 pixels, Zen 4: 94 GFLOP/s in panels without, 100 with loops).
std::vector<int32_t> tails_to_try(const Choice& plan) {
  const Schedule& s = plan.schedule;
  if (s.form != CodeForm::kUnrolled || s.tail != -1) return {s.tail};
  const bool gains = cpu_costs(plan.target.cpu->name).chunk_bytes != 0;
  return gains && has_tail(plan.spec, *plan.target.vector, s) ? std::vector<int32_t>{0, 1} : std::vector<int32_t>{0};
}

/// One panel at a time: its slices stay in the caches, and panels are what threads share. A tile narrower than a panel
/// has to stay inside one (KernelProgram's verifier), so then a block is one tile's walk through what both sides share.
void choose_panel_block(Choice& plan, uint32_t width) {
  Schedule& s = plan.schedule;
  const uint32_t panel = panel_of(plan.spec);
  const bool steps = (!plan.spec.input_panel || plan.spec.input_panel == width) &&
                     (!plan.spec.output_panel || plan.spec.output_panel == width);
  s.pixel_block = steps && s.pixel_block ? ceil_div(s.pixel_block, panel) * panel : panel;
}

/// Loops that fetch the next tile of an image ahead read a tile's rows once from memory and then from the caches, as
/// they would a panel's (simulated Cortex-A76, A72, A53: 1.2 to 1.6 times as fast as by blocks of several tiles).
bool steps_by_tiles(const Choice& plan) {
  return has_pointers(plan.schedule.form) && cpu_costs(plan.target.cpu->name).prefetch;
}

/// The block of whole tiles that moves least; the smallest among equals, because blocks are also what threads share.
void choose_pixel_block(Choice& plan) {
  Schedule& s = plan.schedule;
  const uint32_t width = tile_pixels(plan, s.tile_vectors);
  if (panel_of(plan.spec)) return choose_panel_block(plan, width);
  if (s.pixel_block) {
    s.pixel_block = ceil_div(s.pixel_block, width) * width;
    return;
  }
  if (steps_by_tiles(plan)) {
    s.pixel_block = width;
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

Status check(const Choice& plan) {
  const Schedule& s = plan.schedule;
  const VectorIsa& isa = *plan.target.vector;
  if (s.tile_rows > kMaxTileRows)
    return bad_input("schedule has rows={}, but the limit is {}", s.tile_rows, kMaxTileRows);
  if (s.form == CodeForm::kLoop && s.tile_rows > kInputPointers)
    return bad_input("schedule has rows={}, but loops take at most {} rows at a time", s.tile_rows, kInputPointers);
  const uint64_t needed = registers_needed(isa, s.form, s.tile_rows, s.tile_vectors);
  if (needed > isa.registers)
    return bad_input("schedule with rows={}, vectors={} needs {} vector registers, but {} has {}", s.tile_rows,
                     s.tile_vectors, needed, isa.name, isa.registers);
  const uint32_t panel = panel_of(plan.spec), width = tile_pixels(plan, s.tile_vectors);  // a few vectors at most
  if (panel % width != 0)
    return bad_input("schedule has vectors={} of {} pixels, but panels of {} and {} pixels are not cut into such tiles",
                     s.tile_vectors, isa.lanes, plan.spec.input_panel, plan.spec.output_panel);
  return {};
}

/// Fills in what a schedule with a form and a possible tile leaves open.
void choose_rest(Choice& plan) {
  choose_k_block(plan);
  choose_chunk(plan);
  choose_pixel_block(plan);
  // With the form left open it was asked for where it can be, as a schedule that is printed has to parse again.
  if (plan.schedule.fetches(Prefetch::kOwn) && !has_pointers(plan.schedule.form))
    plan.schedule.prefetch = static_cast<int32_t>(Prefetch::kNone);
  if (plan.schedule.prefetch == -1) plan.schedule.prefetch = static_cast<int32_t>(chosen_prefetch(plan));
  if (plan.schedule.cluster == -1)
    plan.schedule.cluster = plan.schedule.tile_rows > 2 && !takes_turns(plan.schedule) ? 1 : 0;
  if (plan.schedule.form != CodeForm::kUnrolled)
    plan.schedule.tail = -1;
  else if (plan.schedule.tail == -1)
    plan.schedule.tail = 0;
}

/// Clustering finds rows with more in common than chance gives (Zen 3's and NEON's tiles on MobileNetV1: 1.1 to 1.3).
constexpr double kClusterGain = 1.15;
/// Share of zeros from which on nobody is given dense code unasked.
constexpr double kMostZeros = 0.6;

/// What the tiles will share, before the rows have an order: blocks all, the others what is to be expected.
TileRows expected_tiles(const KernelSpec& spec, const Schedule& s, const RowWork& work) {
  TileRows tiles{double(work.rows), double(work.nonzeros), 1, 0, 0, double(work.columns)};
  const double places = tiles.rows * std::max(1u, spec.matrix.columns());
  const double even = places == 0 ? 1 : expected_sharing(tiles.nonzeros / places, s.tile_rows);
  tiles.sharing = s.cluster == 1 ? std::min<double>(s.tile_rows, kClusterGain * even) : even;
  if (s.cluster != 1 || s.tile_rows == 1) return tiles;
  const double blocks = tiles.nonzeros_in_blocks = work.nonzeros_in_blocks(s.tile_rows);
  tiles.rows_in_blocks = work.rows_in_blocks(s.tile_rows);
  tiles.sharing = 1 / (blocks / s.tile_rows + (1 - blocks) / tiles.sharing);
  return tiles;
}

/// Blocks that hold this share of the non-zeros get tiles of their own, and are worth clustering for.
constexpr double kMostlyBlocks = 0.5, kSomeBlocks = 0.1;

/// All schedules of a single form for some rows of the matrix.
class SingleForms {
 public:
  SingleForms(const KernelSpec& spec, const Target& target, const Schedule& wish, const RowWork& work)
      : spec_(spec), target_(target), wish_(wish), work_(work) {}

  Result<std::vector<Candidate>> run() {
    for (const TileChoice& choice : kTileChoices)
      if (is_wished(choice)) add_tiles(choice);
    for (const TileChoice& choice : kBlockTiles)
      if (is_wished(choice) &&
          (wish_.tile_rows == choice.rows || work_.nonzeros_in_blocks(choice.rows) >= kMostlyBlocks))
        add_tiles(choice);
    if (found_.empty())
      if (Status s = add_as_wished(); !s) return std::move(s).error();
    return std::move(found_);
  }

 private:
  bool is_wished(const TileChoice& c) const {
    const bool form = wish_.form == CodeForm::kChosen ? is_sensible(c.form) : wish_.form == c.form;
    const bool vectors = wish_.tile_vectors == 0 ||
                         (wish_.tile_vectors >= c.least_vectors && wish_.tile_vectors <= most_vectors(c, target_));
    const bool tail = wish_.tail == -1 || c.form == CodeForm::kUnrolled;
    return c.isa == target_.vector->name && form && vectors && tail &&
           (wish_.tile_rows == 0 || wish_.tile_rows == c.rows);
  }
  /// Multiplying by zeros is for rows that have few, or whose outputs depend on it not at all.
  bool is_sensible(CodeForm form) const {
    const double places = double(work_.rows) * spec_.matrix.columns();
    return form != CodeForm::kDense || places == 0 || double(work_.nonzeros) > places * (1 - kMostZeros);
  }

  void add_tiles(const TileChoice& c) {
    for (uint32_t v = c.least_vectors; v <= most_vectors(c, target_); ++v) {
      Choice choice{spec_, target_, wish_};
      choice.schedule.form = c.form;
      choice.schedule.tile_rows = c.rows;
      choice.schedule.tile_vectors = v;
      if ((wish_.tile_vectors != 0 && wish_.tile_vectors != v) || !fits_panels(choice, v)) continue;
      for (const uint32_t k : k_blocks_to_try(choice))
        for (const uint32_t pixels : pixel_blocks_to_try(choice))
          for (const int32_t tail : tails_to_try(choice)) {
            Choice blocked = choice;
            blocked.schedule.k_block = k;
            blocked.schedule.pixel_block = pixels;
            blocked.schedule.tail = tail;
            (void)add(blocked);
          }
    }
  }
  /// A tile that is in no table, and maybe impossible.
  Status add_as_wished() {
    if (wish_.form != CodeForm::kChosen) return add_as_wished(wish_.form);
    Status unrolled = add_as_wished(CodeForm::kUnrolled);
    return unrolled || !add_as_wished(CodeForm::kNano) ? unrolled : Status();
  }
  Status add_as_wished(CodeForm form) {
    Choice choice{spec_, target_, wish_};
    choice.schedule.form = form;
    if (form == CodeForm::kLoop && wish_.tile_rows == 0) choice.schedule.tile_rows = 1;
    return add(choice);
  }
  Status add(Choice& choice) {
    choose_rest_of_tile(choice);
    if (Status s = check(choice); !s) return std::move(s).error().in("kernel " + spec_.name);
    Schedule& s = choice.schedule;
    if (s.cluster == -1 && s.tile_rows > 1 && !takes_turns(s) && work_.nonzeros_in_blocks(s.tile_rows) >= kSomeBlocks)
      s.cluster = 1;
    choose_rest(choice);
    found_.push_back({s, predict(spec_, target_, s, expected_tiles(spec_, s, work_))});
    return {};
  }

  const KernelSpec& spec_;
  const Target& target_;
  const Schedule& wish_;
  const RowWork& work_;
  std::vector<Candidate> found_;
};

/// Shares of a row (percent) from which on dense parts may take it.
constexpr uint32_t kLeastShares[] = {40, 50, 60, 75, 90, 100};
constexpr uint32_t kBlockRows[] = {2, 4};
/// A mixture has to be this much faster than a single form before it is looked at: predictions are no better.
constexpr double kMixedGain = 0.97;

/// Schedules whose rows are dealt out to parts.
class MixedForms {
 public:
  MixedForms(const KernelSpec& spec, const Target& target, const Schedule& wish, const RowDealer& dealer)
      : spec_(spec), target_(target), wish_(wish), dealer_(dealer) {}

  /// With the parts that were wished for, as many as there are for the rest of the rows.
  Result<std::vector<Candidate>> wished() {
    std::vector<Candidate> best;
    for (const std::vector<SchedulePart>& parts : alternatives(wish_.parts)) {
      auto mixed = mixed_with(parts);
      if (!mixed) return std::move(mixed).error();
      if (best.empty() || cycles(*mixed) < cycles(best)) best = *std::move(mixed);
    }
    return best;
  }

  /// With every part that would take some rows and leave some, the best for each form of the rest.
  std::vector<Candidate> worthwhile() {
    std::vector<Candidate> found;
    for (const CodeForm form : {CodeForm::kDense, CodeForm::kNano})
      for (const std::vector<SchedulePart>& parts : alternatives({SchedulePart{form}})) {
        if (!takes_some(parts)) continue;
        if (auto mixed = mixed_with(parts)) add_best_by_form(*std::move(mixed), found);
      }
    return found;
  }

 private:
  using Parts = std::vector<SchedulePart>;

  static std::vector<Candidate>::const_iterator fastest(const std::vector<Candidate>& all) {
    return std::min_element(all.begin(), all.end(),
                            [](const Candidate& a, const Candidate& b) { return a.cost.cycles() < b.cost.cycles(); });
  }
  static void add_best_by_form(std::vector<Candidate> mixed, std::vector<Candidate>& found) {
    while (!mixed.empty()) {
      const Candidate best = *fastest(mixed);
      found.push_back(best);
      std::erase_if(mixed, [&](const Candidate& c) { return c.schedule.form == best.schedule.form; });
    }
  }
  static double cycles(const std::vector<Candidate>& all) { return fastest(all)->cost.cycles(); }

  /// All ways to fill in what decides which rows the parts take.
  static std::vector<Parts> alternatives(const Parts& parts) {
    std::vector<Parts> all = {{}};
    for (const SchedulePart& part : parts) {
      std::vector<Parts> longer;
      for (const Parts& before : all)
        for (const SchedulePart& filled : filled_in(part)) {
          longer.push_back(before);
          longer.back().push_back(filled);
        }
      all = std::move(longer);
    }
    return all;
  }
  static Parts filled_in(const SchedulePart& part) {
    const bool dense = part.form == CodeForm::kDense;
    uint32_t SchedulePart::* open = dense ? &SchedulePart::least : &SchedulePart::tile_rows;
    if (part.*open != 0) return {part};
    Parts all;
    for (const uint32_t value :
         dense ? std::span<const uint32_t>(kLeastShares) : std::span<const uint32_t>(kBlockRows)) {
      all.push_back(part);
      all.back().*open = value;
    }
    return all;
  }

  bool takes_some(const Parts& parts) const {
    const auto lists = dealer_.deal(parts);
    return std::none_of(lists.begin(), lists.end(), [](auto& rows) { return rows.empty(); });
  }

  /// Every candidate for the rest of the rows, with the best of each part.
  Result<std::vector<Candidate>> mixed_with(const Parts& parts) {
    Schedule wish = wish_;
    wish.parts = parts;
    std::vector<RowWork> works;
    for (const auto& rows : dealer_.deal(parts)) works.push_back(dealer_.work(rows));
    for (size_t i = 0; i < parts.size(); ++i)
      if (Status s = choose_part(wish, i, works[i]); !s) return std::move(s).error();
    auto found = SingleForms(spec_, target_, schedule_of_part(wish, parts.size()), works.back()).run();
    if (!found) return found;
    for (Candidate& c : *found) {
      c.schedule.parts = wish.parts;
      share_pixel_block(c.schedule);
      c.cost = predict(spec_, target_, c.schedule, tiles_of(c.schedule, works));
    }
    return found;
  }
  Status choose_part(Schedule& wish, size_t i, const RowWork& work) {
    auto own = schedule_of_part(wish, i);
    const auto found = SingleForms(spec_, target_, own, work).run();
    if (!found) return found.error();
    const Schedule& best = fastest(*found)->schedule;
    SchedulePart& part = wish.parts[i];
    part.tile_rows = best.tile_rows;
    part.tile_vectors = best.tile_vectors;
    part.k_block = best.k_block;
    part.chunk_nonzeros = best.chunk_nonzeros;
    return {};
  }
  /// Whole tiles of all parts; in panels that not all of them step through alike, one panel.
  void share_pixel_block(Schedule& s) const {
    const uint32_t panel = panel_of(spec_), width = common_tile_pixels(spec_, *target_.vector, s);
    const bool alike =
        std::all_of(s.parts.begin(), s.parts.end(), [&](auto& p) { return p.tile_vectors == s.tile_vectors; });
    if (panel == 0)
      s.pixel_block = ceil_div(s.pixel_block, width) * width;
    else if (!alike)
      s.pixel_block = panel;
  }
  std::vector<TileRows> tiles_of(const Schedule& s, const std::vector<RowWork>& works) const {
    std::vector<TileRows> tiles;
    for (size_t i = 0; i < works.size(); ++i) {
      const Schedule own = schedule_of_part(s, i);
      tiles.push_back(expected_tiles(spec_, own, works[i]));
      TileRows& t = tiles.back();
      if (i < s.parts.size() && own.form == CodeForm::kNano)  // whether clustered or not
        t = {t.rows, t.nonzeros, double(own.tile_rows), 1, 1, t.columns};
    }
    return tiles;
  }

  const KernelSpec& spec_;
  const Target& target_;
  const Schedule& wish_;
  const RowDealer& dealer_;
};

void sort_by_cycles(std::vector<Candidate>& candidates) {
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.cost.cycles() < b.cost.cycles(); });
}

/// Whether the caller has left so much open that a mixture is no contradiction.
bool may_mix(const Schedule& wish) {
  return wish.form == CodeForm::kChosen && !wish.tile_rows && !wish.tile_vectors && !wish.k_block &&
         !wish.chunk_nonzeros;
}

}  // namespace

uint64_t registers_needed(const VectorIsa& isa, CodeForm form, uint32_t rows, uint32_t vectors) {
  const uint64_t accumulators = uint64_t{rows} * vectors;
  if (is_rolled(form)) {
    const bool fours = isa.has_splat_lane && (isa.has_fma_lane || form != CodeForm::kNano);  // nano can do without
    const uint32_t weights = (fours ? 1 : 0) + (isa.has_fma_lane ? 0 : 1);
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

uint32_t panel_of(const KernelSpec& spec) { return std::gcd(spec.input_panel, spec.output_panel); }

uint32_t tile_pixels(const KernelSpec& spec, const VectorIsa& isa, uint32_t vectors) {
  const uint32_t whole = vectors * isa.lanes, panel = panel_of(spec);
  return isa.has_masks && panel < whole && panel + isa.lanes > whole ? panel : whole;
}

bool has_tail(const KernelSpec& spec, const VectorIsa& isa, const Schedule& schedule) {
  const uint32_t width = tile_pixels(spec, isa, schedule.tile_vectors);
  return !spec.pixels || (*spec.pixels > width && *spec.pixels % width != 0);
}

Schedule tail_schedule(const Schedule& schedule, const VectorIsa& isa, uint32_t vectors) {
  Schedule tail = schedule;
  tail.form = CodeForm::kLoop;
  tail.tile_vectors = vectors;
  tail.tile_rows = kInputPointers;
  while (tail.tile_rows > 1 && registers_needed(isa, tail.form, tail.tile_rows, vectors) > isa.registers)
    --tail.tile_rows;
  tail.prefetch = 0;
  return tail;
}

uint32_t common_tile_pixels(const KernelSpec& spec, const VectorIsa& isa, const Schedule& schedule) {
  uint32_t common = tile_pixels(spec, isa, schedule.tile_vectors);
  for (const SchedulePart& part : schedule.parts) common = std::lcm(common, tile_pixels(spec, isa, part.tile_vectors));
  return common;
}

Result<std::vector<Candidate>> rank_schedules(const KernelSpec& spec, const Target& target, const Schedule& wish) {
  const RowDealer dealer(spec.matrix);
  MixedForms mixed(spec, target, wish, dealer);
  const RowWork all = dealer.work(dealer.deal({})[0]);
  auto found = wish.parts.empty() ? SingleForms(spec, target, wish, all).run() : mixed.wished();
  if (!found) return found;
  sort_by_cycles(*found);
  if (!may_mix(wish) || !wish.parts.empty()) return found;
  const double least = (*found)[0].cost.cycles() * kMixedGain;
  for (Candidate& c : mixed.worthwhile())
    if (c.cost.cycles() < least) found->push_back(std::move(c));
  sort_by_cycles(*found);
  return found;
}

uint32_t most_loop_vectors(const Target& target) {
  uint32_t most = 0;
  for (const TileChoice& choice : kTileChoices)
    if (choice.isa == target.vector->name && choice.form == CodeForm::kLoop && choice.rows == 1)
      most = std::max(most, most_vectors(choice, target));
  return most;
}

}  // namespace espalier
