#include "codegen/cost/cost_model.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "codegen/cost/cpu_costs.h"
#include "codegen/kernel_plan.h"
#include "ir/half_vectors.h"

namespace espalier {
namespace {

// Fitted on znver3 with bench/choice (MobileNetV1, seeded matrices and the Deep Learning Matrix Collection at 70 to 98
// % zeros, images and panels, 110 matrices, 18 schedules each): how much of the traffic does not hide behind computing,
// how much of L1D keeps what a tile reads at random, how far rows overlap.
constexpr double kPanelStall = 0.15, kImageStall = 0.12, kMissStall = 0.37, kImageMiss = 0.03, kOutputRows = 0.33;
constexpr double kInOrderStall = 3;
// Rows of Y pass through L1D once for a tile; more of them take no more of it.
constexpr double kMostOutputRows = 96;
// A call of a chunk, in cycles (Zen 4, 64x32: 74.5 GFLOP/s in blocks of one panel, 76 of eight).
constexpr double kCall = 15;
// Chunks are sized by an estimate.
constexpr double kChunkSlack = 1.5;
constexpr double kRowOverlap = 0.7;
// Rows of rolled tiles, in instructions that nothing hides: nano's loops end, and loops turn (per non-zero).
constexpr double kPatternEnd = 8.5, kTurn = 0.75;
// Far more straight code than L2 holds comes from memory; weights stay while they fit, beside what phones fetch ahead.
constexpr double kWeightsInL2 = 1, kWeightsInPhonesL2 = 0.75, kManyL2 = 8, kMemoryRate = 0.3;
// A column of a block adds to all sums of its tile, so the next column waits for it (znver3, 512x512 in blocks of 4
// rows, 90 % zeros, panels: 4 rows x 2 vectors 46 GFLOP/s, 4 x 3 60).
constexpr double kBlockChain = 1.25;
// Columns of a straight tile hit its rows at random, so its sums are not taken strictly in turns (llvm-mca,
// neoverse-n1: 8 rows x 1 vector 0.94 cycles per fmla, 8 x 3 0.59).
constexpr double kRowsInTurn = 0.6;

constexpr double kLine = 64, kPage = 4096;  // bytes

double ceil_div(double a, double b) { return std::ceil(a / b); }

/// Everything that the parts of a Cost are made of, counted over one call.
class CostModel {
 public:
  CostModel(const KernelSpec& spec, const Target& target, const Schedule& schedule, const TileRows& rows,
            uint32_t pixels)
      : spec_(spec), target_(target), isa_(*target.vector), s_(schedule), c_(cpu_costs(target.cpu->name)) {
    const SparseMatrix& m = spec.matrix;
    const bool padded = between_panels(spec) && s_.tail != 1;
    width_ = tile_pixels(spec, isa_, s_.tile_vectors);
    pixels_ = pixels;
    full_rounds_ = padded ? ceil_div(pixels_, width_) : std::floor(pixels_ / width_);
    tail_vectors_ = padded ? 0 : tail_vectors(pixels_ - full_rounds_ * width_);
    vectors_ = full_rounds_ * s_.tile_vectors + tail_vectors_;
    rounds_ = full_rounds_ + (tail_vectors_ > 0 ? 1 : 0);
    rows_ = rows.rows;
    columns_ = std::max(1u, m.columns());
    used_ = rows.columns > 0 ? rows.columns / columns_ : 1;
    blocks_ = ceil_div(columns_, s_.k_block);
    nonzeros_ = std::max(1.0, s_.form == CodeForm::kDense ? rows_ * columns_ : rows.nonzeros);
    sharing_ = s_.form == CodeForm::kDense  ? s_.tile_rows
               : s_.form == CodeForm::kLoop ? 1
                                            : std::max(1.0, rows.sharing);
    in_blocks_ = rows.nonzeros_in_blocks;
    rows_in_blocks_ = rows.rows_in_blocks;
    clamps_ = double(spec.clamp.has_low()) + double(spec.clamp.has_high());
  }

  Cost run() {
    Cost cost;
    const double outputs = rows_ * vectors_, partial = outputs * (blocks_ - 1);
    const double worked = full_rounds_ * worked_vectors(width_) + worked_vectors(pixels_ - full_rounds_ * width_);
    cost.fma = nonzeros_ * worked / c_.fmas;
    const double rows_at_once = s_.form == CodeForm::kUnrolled ? std::max(1.0, kRowsInTurn * s_.tile_rows)
                                : s_.form == CodeForm::kNano   ? 1
                                                               : s_.tile_rows;
    const double in_blocks = s_.form == CodeForm::kNano ? in_blocks_ : 0;
    cost.chain = nonzeros_ * rounds_ * c_.fma_latency *
                 ((1 - in_blocks) * kRowOverlap / rows_at_once + in_blocks * kBlockChain / s_.tile_rows);
    const double input_loads = nonzeros_ * worked / sharing_ * straddling(),
                 weight_loads = nonzeros_ * rounds_ * weight_load();
    cost.loads = (input_loads + weight_loads + partial) / c_.loads + (outputs + partial) / c_.stores * 0.25;
    const double fused = isa_.has_fma_load ? nonzeros_ * vectors_ / sharing_ : 0;
    const double per_nonzero = weight_instructions() + index_instructions();
    cost.issue = (nonzeros_ * vectors_ + input_loads - fused + nonzeros_ * rounds_ * per_nonzero +
                  outputs * (2 + clamps_) + 2 * partial) /
                 c_.instructions;
    cost.code_bytes = is_rolled() ? rolled_code_bytes() : all_straight_code_bytes();
    cost.weight_bytes = 4.0 * nonzeros_ + (spec_.bias.empty() ? 0 : 4 * rows_) +
                        (s_.form == CodeForm::kDense || !is_rolled() ? 0 : 2 * nonzeros_ + 6 * rows_ * blocks_);
    cost.fetch = is_rolled() ? 0
                             : fetch(straight_code_bytes(s_.tile_vectors), full_rounds_, cost.code_bytes) +
                                   fetch(straight_code_bytes(tail_vectors_), 1, cost.code_bytes);
    if (c_.in_order) cost.issue = cost.fma + cost.loads + 0.5 * cost.issue + fetch_stalls(cost.fetch);
    cost.traffic = traffic() + streamed_weights(cost.weight_bytes);
    cost.exits = exits() + narrow_tail();
    cost.traffic += partial * (spec_.output_panel ? c_.panel_partial : c_.image_partial);
    if (!spec_.input_panel) cost.traffic += cost.fma * c_.image_width * std::max(0.0, tile_lines() - 2);
    return cost;
  }

 private:
  /// Vectors' worth of multiply-adds and loads of a tile: narrow ones may take less time (instructions are as many).
  double worked_vectors(double pixels) const {
    if (pixels <= 0) return 0;
    if (!splits_vectors(target_)) return pixels == width_ ? s_.tile_vectors : tail_vectors_;
    const double whole = std::floor(pixels / isa_.lanes), rest = pixels - whole * isa_.lanes;
    return whole + (rest == 0 ? 0 : rest <= isa_.lanes / 2 ? 0.5 : 1);
  }
  /// Pixels of a row that a tile reads: an image may be narrower than the tile.
  double touched_width() const { return std::min(width_, ceil_div(pixels_, isa_.lanes) * isa_.lanes); }
  /// Loads of whole lines from rows that begin at halves of them take two, on every second row.
  double straddling() const {
    const bool halves = isa_.lanes * 4 == kLine && spec_.input_panel % isa_.lanes != 0;
    return halves ? 1.5 : 1;
  }
  bool is_rolled() const { return s_.form != CodeForm::kUnrolled; }

  double weight_load() const {
    if (s_.form == CodeForm::kDense) return isa_.has_fma_lane ? 0.25 : 1;
    if (!isa_.has_splat_lane) return 1;
    return isa_.lanes == 16 ? 0.5 : 0.25;  // a load of four weights; 512 bits fitted on Zen 4
  }
  double weight_instructions() const {
    if (isa_.has_fma_lane) return 0.25;
    return isa_.has_splat_lane && s_.form != CodeForm::kDense ? 1.25 : 1;
  }
  /// A pointer is an entry's load and a scaled addition; four non-zeros share a turn.
  double index_instructions() const {
    if (s_.form == CodeForm::kLoop) return 3;
    return s_.form == CodeForm::kNano ? 4 / sharing_ : 0;
  }

  /// Of one body; stores, starts and clamps take a few instructions per output.
  double straight_code_bytes(double vectors) const {
    if (vectors == 0) return 0;
    return nonzeros_ * code_bytes_per_nonzero(target_, s_.form, static_cast<uint32_t>(vectors)) +
           rows_ * blocks_ * vectors * (target_.isa == Isa::kX86_64 ? 14 : 8);
  }
  double all_straight_code_bytes() const {
    return (full_rounds_ > 0 ? straight_code_bytes(s_.tile_vectors) : 0) + straight_code_bytes(tail_vectors_);
  }
  /// What the full tiles leave over has a body of its own, of whole vectors that overlap, or of one or two narrow ones.
  double tail_vectors(double pixels) const {
    if (pixels >= isa_.lanes || isa_.has_masks) return ceil_div(pixels, isa_.lanes);
    return pixels == 0 ? 0 : std::has_single_bit(static_cast<uint32_t>(pixels)) ? 1 : 2;
  }
  double rolled_code_bytes() const {
    const double instruction = target_.isa == Isa::kX86_64 ? 6.5 : 5, v = s_.tile_vectors, r = s_.tile_rows;
    if (s_.form == CodeForm::kDense) return columns_ * (r * v + r + v) * instruction;
    if (s_.form == CodeForm::kLoop) return 3 * (5 * v + 30 + 4 * v) * instruction;
    return 3 * (r * (5 * v + 30) + std::exp2(r) * 2 * v) * instruction;
  }

  /// A body runs once per round; what leaves L1I between rounds comes from where all code fits.
  double fetch(double bytes, double rounds, double all) const {
    if (rounds == 0) return 0;
    const double l2 = target_.cpu->l2;
    const double block = 4 * (columns_ + rows_) * std::min<double>(s_.pixel_block, pixels_);
    const double beside = all + 4 * nonzeros_ + block;  // what is between two runs of one piece of code
    const double beyond = std::clamp((beside / l2 - c_.code_in_l2) / (c_.code_beyond_l2 - c_.code_in_l2), 0.0, 1.0);
    const double near = c_.near_bytes ? c_.near_bytes : target_.cpu->l1i;
    const double l1i = target_.cpu->l1i;
    const double cycles_per_byte = all <= near          ? 1 / c_.code_near
                                   : all <= l1i         ? 1 / c_.code_l1i
                                   : all > kManyL2 * l2 ? 1 / (c_.code_far * kMemoryRate)
                                                        : (1 - beyond) / c_.code_l2 + beyond / c_.code_far;
    const double rounds_of_block = std::max(1.0, std::min(rounds, s_.pixel_block / width_));
    const double chunk = s_.chunk_nonzeros * bytes / nonzeros_;
    const bool stays = chunk <= std::max(near, l1i) || chunk <= c_.chunk_bytes * kChunkSlack;
    const double near_rounds = stays ? rounds * (1 - 1 / rounds_of_block) : 0;
    const double rate = chunk <= near ? c_.code_near : chunk <= l1i ? c_.code_l1i : c_.code_l2;
    return bytes * (near_rounds / rate + (rounds - near_rounds) * cycles_per_byte);
  }

  /// What fetch takes beyond its rate from L1I.
  double fetch_stalls(double fetch) const {
    if (is_rolled()) return 0;
    const double bytes = straight_code_bytes(s_.tile_vectors) * full_rounds_ + straight_code_bytes(tail_vectors_);
    return std::max(0.0, fetch - bytes / c_.code_near);
  }

  /// The input once per pass, the output out and in, partial sums again; of what a tile reads at random, the part of
  /// the K block's slice that L1D does not keep comes from L2. Panels stream, rows of an image do not.
  double traffic() const {
    const bool streams = between_panels(spec_), by_lines = counts_lines();
    const double whole = std::max(spec_.input_panel ? 0 : kLine, touched_width() * 4), l1d = target_.cpu->l1d;
    const double line = by_lines ? row_lines() * kLine : whole;
    const double tiles_of_block = std::max(1.0, std::min(full_rounds_, s_.pixel_block / width_));
    const bool stays = std::min<double>(columns_, s_.k_block) * line * tiles_of_block <= c_.panel_l1 * l1d;
    const double passes = is_rolled() || stays ? 1 : std::max(1.0, nonzeros_ / blocks_ / s_.chunk_nonzeros);
    const double near = 4 * used_ * columns_ * pixels_ * passes + 4 * rows_ * pixels_ * 2 * (2 * blocks_ - 1);
    const double rows_of_chunk =
        is_rolled() ? 0 : std::min({rows_, kMostOutputRows, s_.chunk_nonzeros * rows_ * blocks_ / nonzeros_});
    const double slice = (used_ * std::min<double>(columns_, s_.k_block) + kOutputRows * rows_of_chunk) * line;
    const double kept = (streams ? c_.panel_l1 : c_.image_l1) * l1d / slice;
    const double misses = std::max(0.0, 1 - kept);
    const double stall =
        kMissStall * c_.miss_stall * (is_rolled() || !c_.straight_miss ? 1 : c_.straight_miss * misses);
    const double missed = stall * misses + (streams ? 0 : kImageMiss);
    const double random = nonzeros_ * vectors_ * isa_.lanes * 4 / sharing_ * missed;
    const double from_l2 =
        near * (by_lines ? line / whole : 1) * (streams ? kPanelStall : kImageStall * c_.image_stall) + random;
    return from_l2 / c_.data_l2 * (c_.in_order ? kInOrderStall : 1) + from_beyond(passes) + page_misses();
  }

  /// Cycles of activations that do not stay in L2. Tiles that are no whole lines bring lines of images twice, unless
  /// what they touch is counted by lines: then the next tile still finds them, but every row's first line comes late.
  double from_beyond(double passes) const {
    const double l2 = 0.75 * target_.cpu->l2;
    if (4 * (columns_ + rows_) * pixels_ <= l2) return 0;
    const bool by_lines = counts_lines();
    const bool whole = between_panels(spec_) || by_lines || std::fmod(width_ * 4, kLine) == 0;
    const double straddle = whole ? 1 : 1 + kLine / (width_ * 4);
    const double again = 4 * columns_ * std::min<double>(pixels_, s_.pixel_block) > l2 ? passes : 1;
    const double bytes = 4 * (again * columns_ + 2 * rows_ * sums_from_beyond()) * pixels_ * straddle;
    return bytes / c_.data_far + (by_lines ? (again * columns_ + rows_) * rounds_ * c_.run_start : 0);
  }

  /// How often sums go there and back where a pixel block's do not stay in L2. (The others' constants are fitted
  /// without.)
  double sums_from_beyond() const {
    const bool stay = 4 * (columns_ + rows_) * std::min<double>(pixels_, s_.pixel_block) <= target_.cpu->l2;
    return stay || !c_.prefetch ? 1 : 2 * blocks_ - 1;
  }

  /// Weights and indices come again for every tile where they do not stay in L2.
  double streamed_weights(double bytes) const {
    const double share = c_.prefetch ? kWeightsInPhonesL2 : kWeightsInL2;
    if (bytes + 4 * (columns_ + rows_) * width_ < share * target_.cpu->l2) return 0;
    // Phones' memory is slow for all schedules alike.
    return bytes * (c_.prefetch ? rounds_ - 1 : rounds_) / c_.data_far;
  }

  double sharing_outside_blocks() const {
    const double loads = 1 / sharing_ - in_blocks_ / s_.tile_rows;
    return in_blocks_ < 1 && loads > 0 ? (1 - in_blocks_) / loads : 1;
  }

  bool counts_lines() const { return c_.image_lines && !between_panels(spec_); }
  /// Lines that a pixel tile of an image touches in a row, on average: tiles begin at multiples of their width, rows at
  /// multiples of the stride.
  double row_lines() const {
    const auto width = static_cast<uint32_t>(width_);
    const uint32_t step = std::gcd(std::gcd(width, spec_.input_stride), kLineElements);
    return double(width + kLineElements - step) / kLineElements;
  }
  double tile_lines() const { return counts_lines() ? row_lines() : touched_width() * 4 / kLine; }
  /// Rows of a K block that lie on more pages than the first level of the TLB keeps: cycles of those it misses.
  double page_misses() const {
    if (c_.pages == 0 || spec_.input_panel) return 0;
    const double rows = used_ * std::min<double>(columns_, s_.k_block);
    const double pages = rows * std::min(1.0, 4 * spec_.input_stride / kPage);
    return nonzeros_ / sharing_ * rounds_ * std::max(0.0, 1 - c_.pages / pages) * c_.page_miss;
  }

  /// Of chunks of straight code: one for each block of pixels.
  double calls() const {
    return ceil_div(pixels_, s_.pixel_block) * std::max(blocks_, ceil_div(nonzeros_, s_.chunk_nonzeros));
  }
  double exits() const {
    const double tiles = std::ceil(rows_ / s_.tile_rows) * blocks_ * rounds_;
    const double row_end = c_.vector_end * s_.tile_vectors, issue = c_.instructions;
    if (!is_rolled() && c_.chunk_bytes) return calls() * kCall;
    const double columns = nonzeros_ / sharing_ * rounds_ * c_.column;
    if (s_.form == CodeForm::kLoop)
      return (tiles * row_end + nonzeros_ * rounds_ * kTurn) / issue + columns + tiles * c_.tile_end;
    if (s_.form == CodeForm::kNano) {
      const double patterns = rows_in_blocks_ + (1 - rows_in_blocks_) * s_.tile_rows * sharing_outside_blocks();
      const double instructions = patterns * kPatternEnd + s_.tile_rows * row_end;
      return tiles * (instructions / issue + patterns * c_.pattern_end) + columns;
    }
    return 0;
  }

  double narrow_tail() const {
    return is_rolled() && full_rounds_ > 0 && tail_vectors_ == 1 ? nonzeros_ * c_.narrow_tail : 0;
  }

  const KernelSpec& spec_;
  const Target& target_;
  const VectorIsa& isa_;
  const Schedule& s_;
  const CpuCosts& c_;
  double width_ = 0, pixels_ = 0, vectors_ = 0, rounds_ = 0, full_rounds_ = 0, rows_ = 0, columns_ = 0, blocks_ = 0,
         nonzeros_ = 0;
  double tail_vectors_ = 0;
  double used_ = 1;  ///< share of the input channels
  double sharing_ = 1, in_blocks_ = 0, rows_in_blocks_ = 0, clamps_ = 0;
};

}  // namespace

double Cost::cycles() const {
  const double computing = priced > 0 ? priced : std::max({fma, chain, loads, issue});
  return std::max(computing, fetch) + apart + traffic + exits;
}

Cost& Cost::operator+=(const Cost& other) {
  const double together = cycles() + other.cycles();
  for (double Cost::* part : {&Cost::fma, &Cost::chain, &Cost::loads, &Cost::issue, &Cost::fetch, &Cost::traffic,
                              &Cost::exits, &Cost::code_bytes, &Cost::weight_bytes})
    this->*part += other.*part;
  priced = 0;
  apart = 0;
  apart = together - cycles();
  return *this;
}

std::string_view Cost::bound_by() const {
  const std::pair<double, std::string_view> parts[] = {{fma, "fma"},     {chain, "chain"}, {loads, "loads"},
                                                       {issue, "issue"}, {fetch, "fetch"}, {traffic, "traffic"},
                                                       {exits, "exits"}};
  return std::max_element(std::begin(parts), std::end(parts), [](auto& a, auto& b) { return a.first < b.first; })
      ->second;
}

Cost predict(const KernelSpec& spec, const Target& target, const Schedule& schedule, double sharing) {
  const SparseMatrix& m = spec.matrix;
  return predict(spec, target, schedule, TileRows{double(m.rows()), double(m.nonzeros()), sharing, 0, 0});
}
Cost predict(const KernelSpec& spec, const Target& target, const Schedule& schedule, const TileRows& rows) {
  const uint32_t pixels = spec.max_pixels();
  if (schedule.tail != 1 || !has_tail(spec, *target.vector, schedule))
    return CostModel(spec, target, schedule, rows, pixels).run();
  const uint32_t left = pixels % tile_pixels(spec, *target.vector, schedule.tile_vectors);
  Cost cost = CostModel(spec, target, schedule, rows, pixels - left).run();
  const uint32_t vectors = (left + target.vector->lanes - 1) / target.vector->lanes;
  if (left != 0) cost += CostModel(spec, target, tail_schedule(schedule, *target.vector, vectors), rows, left).run();
  return cost;
}
Cost predict(const KernelSpec& spec, const Target& target, const Schedule& schedule,
             const std::vector<TileRows>& parts) {
  Cost sum;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].rows == 0) continue;
    sum += predict(spec, target, schedule_of_part(schedule, i), parts[i]);
  }
  return sum;
}

Cost priced_by_llvm(Cost cost, const Target& target, double cycles_per_multiply_add) {
  cost.priced = cycles_per_multiply_add * cost.fma * cpu_costs(target.cpu->name).fmas;
  return cost;
}

double expected_sharing(double density, uint32_t rows) {
  const double any = 1 - std::pow(1 - density, rows);
  return any > 0 ? rows * density / any : 1;
}

}  // namespace espalier
