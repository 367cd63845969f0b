#include "codegen/cost/cost_model.h"

#include <algorithm>
#include <cmath>

#include "codegen/cost/cpu_costs.h"
#include "codegen/kernel_plan.h"

namespace espalier {
namespace {

// Fitted on znver3 with the layers of MobileNetV1 (128x64 to 1024x512, 90 % zeros), images and panels, V from 1 to 8:
// how much of the traffic does not hide behind computing, how far rows overlap, and how many row ends mispredict.
constexpr double kPanelStall = 0.07, kImageStall = 0.35, kImageMiss = 0.1, kMissStall = 0.5, kFarStall = 0.14;
constexpr double kRowOverlap = 0.6, kExit = 0.65;
// A column of a block adds to all sums of its tile, so the next column waits for it (znver3, 512x512 in blocks of 4
// rows, 90 % zeros, panels: 4 rows x 2 vectors 46 GFLOP/s, 4 x 3 60).
constexpr double kBlockChain = 1.25;
// Columns of a straight tile hit its rows at random, so its sums are not taken strictly in turns (llvm-mca, neoverse-n1:
// 8 rows x 1 vector 0.94 cycles per fmla, 8 x 3 0.59).
constexpr double kRowsInTurn = 0.35;

double ceil_div(double a, double b) { return std::ceil(a / b); }

/// Everything that the parts of a Cost are made of, counted over one call.
class CostModel {
 public:
  CostModel(const KernelSpec& spec, const Target& target, const Schedule& schedule, const TileRows& rows)
      : spec_(spec), target_(target), isa_(*target.vector), s_(schedule), c_(cpu_costs(target.cpu->name)) {
    const SparseMatrix& m = spec.matrix;
    const bool padded = spec.input_panel && spec.output_panel;
    width_ = double(s_.tile_vectors) * isa_.lanes;
    pixels_ = spec.max_pixels();
    vectors_ = padded ? ceil_div(pixels_, width_) * s_.tile_vectors : ceil_div(pixels_, isa_.lanes);
    rounds_ = vectors_ / s_.tile_vectors;
    full_rounds_ = padded ? rounds_ : std::floor(pixels_ / width_);
    rows_ = rows.rows;
    columns_ = std::max(1u, m.columns());
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
    cost.fma = nonzeros_ * vectors_ / c_.fmas;
    const double rows_at_once = s_.form == CodeForm::kDense      ? s_.tile_rows
                                : s_.form == CodeForm::kUnrolled ? std::max(1.0, kRowsInTurn * s_.tile_rows)
                                                                 : 1;
    const double in_blocks = s_.form == CodeForm::kNano ? in_blocks_ : 0;
    cost.chain = nonzeros_ * rounds_ * c_.fma_latency *
                 ((1 - in_blocks) * kRowOverlap / rows_at_once + in_blocks * kBlockChain / s_.tile_rows);
    const double input_loads = nonzeros_ * vectors_ / sharing_, weight_loads = nonzeros_ * rounds_ * weight_load();
    cost.loads = (input_loads + weight_loads + partial) / c_.loads + (outputs + partial) / c_.stores * 0.25;
    const double fused = isa_.has_fma_load ? nonzeros_ * vectors_ / sharing_ : 0;
    const double per_nonzero = weight_instructions() + index_instructions();
    cost.issue = (nonzeros_ * vectors_ + input_loads - fused + nonzeros_ * rounds_ * per_nonzero +
                  outputs * (2 + clamps_) + 2 * partial) /
                 c_.instructions;
    cost.code_bytes = is_rolled() ? rolled_code_bytes() : straight_code_bytes(s_.tile_vectors) + straight_code_bytes(tail_vectors());
    cost.weight_bytes = 4.0 * nonzeros_ + (spec_.bias.empty() ? 0 : 4 * rows_) +
                        (s_.form == CodeForm::kDense || !is_rolled() ? 0 : 2 * nonzeros_ + 6 * rows_ * blocks_);
    if (c_.in_order) cost.issue = cost.fma + cost.loads + 0.5 * cost.issue;
    cost.fetch = is_rolled() ? 0 : fetch(straight_code_bytes(s_.tile_vectors), full_rounds_, cost.code_bytes) +
                                      fetch(straight_code_bytes(tail_vectors()), 1, cost.code_bytes);
    cost.traffic = traffic();
    cost.exits = exits();
    return cost;
  }

 private:
  bool is_rolled() const { return s_.form != CodeForm::kUnrolled; }

  double weight_load() const {
    if (s_.form == CodeForm::kDense) return isa_.has_fma_lane ? 0.25 : 1;
    return isa_.has_splat_lane ? 0.25 : 1;
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
  /// What the full tiles leave over has a body of its own.
  double tail_vectors() const { return std::max(0.0, vectors_ - full_rounds_ * s_.tile_vectors); }
  double rolled_code_bytes() const {
    const double instruction = target_.isa == Isa::kX86_64 ? 6.5 : 5, v = s_.tile_vectors,
                 r = s_.tile_rows;
    if (s_.form == CodeForm::kDense) return columns_ * (r * v + r + v) * instruction;
    if (s_.form == CodeForm::kLoop) return 3 * (5 * v + 30 + 4 * v) * instruction;
    return 3 * (r * (5 * v + 30) + std::exp2(r) * 2 * v) * instruction;
  }

  /// A body runs once per round; what leaves L1I between rounds comes from where all code fits.
  double fetch(double bytes, double rounds, double all) const {
    const double rate = all <= target_.cpu->l1i ? c_.code_near : all <= 0.55 * target_.cpu->l2 ? c_.code_l2 : c_.code_far;
    const double rounds_of_block = std::max(1.0, std::min(rounds, s_.pixel_block / width_));
    const bool stays = s_.chunk_nonzeros * bytes / nonzeros_ <= target_.cpu->l1i;
    const double near_rounds = stays ? rounds * (1 - 1 / rounds_of_block) : 0;
    return bytes * (near_rounds / c_.code_near + (rounds - near_rounds) / rate);
  }

  /// The input once per pass, the output out and in, partial sums again; a K block's slice that does not fit L1D comes
  /// from L2 for every non-zero. Panels stream, rows of an image do not.
  double traffic() const {
    const double slice = std::min<double>(columns_, s_.k_block) * width_ * 4;
    const double passes = is_rolled() ? 1 : std::max(1.0, nonzeros_ / blocks_ / s_.chunk_nonzeros);
    const double image = rows_ * pixels_ * 4, input = columns_ * pixels_ * 4;
    const double near = input * passes + image * 2 * (2 * blocks_ - 1);
    const bool streams = spec_.input_panel && spec_.output_panel;
    double cycles = near / c_.data_l2 * (streams ? kPanelStall : kImageStall);
    if (slice > 0.9 * target_.cpu->l1d)
      cycles += nonzeros_ * vectors_ * isa_.lanes * 4 / sharing_ / c_.data_l2 * kMissStall;
    else if (!streams && slice > 0.5 * target_.cpu->l1d)  // rows of an image crowd some of the sets
      cycles += nonzeros_ * vectors_ * isa_.lanes * 4 / sharing_ / c_.data_l2 * kImageMiss;
    if (input + image > 0.75 * target_.cpu->l2) cycles += (input + 2 * image) / c_.data_far * kFarStall;
    return cycles;
  }

  double sharing_outside_blocks() const {
    const double loads = 1 / sharing_ - in_blocks_ / s_.tile_rows;
    return in_blocks_ < 1 && loads > 0 ? (1 - in_blocks_) / loads : 1;
  }
  double exits() const {
    const double tiles = std::ceil(rows_ / s_.tile_rows) * blocks_ * rounds_;
    if (s_.form == CodeForm::kLoop) return tiles * kExit * (c_.mispredict * 0.75 + 1.4 * s_.tile_vectors);
    if (s_.form == CodeForm::kNano) {
      const double patterns = rows_in_blocks_ + (1 - rows_in_blocks_) * s_.tile_rows * sharing_outside_blocks();
      return tiles * kExit * (patterns * c_.mispredict * 0.9 + 1.4 * s_.tile_rows * s_.tile_vectors);
    }
    return 0;
  }

  const KernelSpec& spec_;
  const Target& target_;
  const VectorIsa& isa_;
  const Schedule& s_;
  const CpuCosts& c_;
  double width_ = 0, pixels_ = 0, vectors_ = 0, rounds_ = 0, full_rounds_ = 0, rows_ = 0, columns_ = 0, blocks_ = 0, nonzeros_ = 0;
  double sharing_ = 1, in_blocks_ = 0, rows_in_blocks_ = 0, clamps_ = 0;
};

}  // namespace

double Cost::cycles() const { return std::max({fma, chain, loads, issue, fetch}) + apart + traffic + exits; }

Cost& Cost::operator+=(const Cost& other) {
  const double together = cycles() + other.cycles();
  for (double Cost::* part : {&Cost::fma, &Cost::chain, &Cost::loads, &Cost::issue, &Cost::fetch, &Cost::traffic,
                              &Cost::exits, &Cost::code_bytes, &Cost::weight_bytes})
    this->*part += other.*part;
  apart = 0;
  apart = together - cycles();
  return *this;
}

std::string_view Cost::bound_by() const {
  const std::pair<double, std::string_view> parts[] = {{fma, "fma"},         {chain, "chain"}, {loads, "loads"},
                                                       {issue, "issue"},     {fetch, "fetch"}, {traffic, "traffic"},
                                                       {exits, "exits"}};
  return std::max_element(std::begin(parts), std::end(parts), [](auto& a, auto& b) { return a.first < b.first; })
      ->second;
}

Cost predict(const KernelSpec& spec, const Target& target, const Schedule& schedule, double sharing) {
  const SparseMatrix& m = spec.matrix;
  return predict(spec, target, schedule, TileRows{double(m.rows()), double(m.nonzeros()), sharing, 0, 0});
}
Cost predict(const KernelSpec& spec, const Target& target, const Schedule& schedule, const TileRows& rows) {
  return CostModel(spec, target, schedule, rows).run();
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

double expected_sharing(double density, uint32_t rows) {
  const double any = 1 - std::pow(1 - density, rows);
  return any > 0 ? rows * density / any : 1;
}

}  // namespace espalier
