// Row clustering: output channels with like columns come into one row tile, so that they share input loads.
#include <algorithm>
#include <bit>
#include <numeric>

#include "codegen/kernel_plan.h"

namespace espalier {
namespace {

/// Candidates looked at for one place of a tile; more gain nothing measurable and take quadratic time.
constexpr size_t kWindow = 256;

/// The columns of every row as bits.
class ColumnBits {
 public:
  explicit ColumnBits(const SparseMatrix& m)
      : words_((m.columns() + 63) / 64), bits_(size_t{m.rows()} * words_), counts_(m.rows()) {
    for (uint32_t row = 0; row < m.rows(); ++row) {
      for (const uint32_t c : m.row_columns(row)) bits_[row * words_ + c / 64] |= uint64_t{1} << (c % 64);
      counts_[row] = static_cast<uint32_t>(m.row_columns(row).size());
    }
  }

  size_t words() const { return words_; }
  uint32_t count(uint32_t row) const { return counts_[row]; }
  void add_to(std::vector<uint64_t>& all, uint32_t row) const {
    for (size_t w = 0; w < words_; ++w) all[w] |= bits_[row * words_ + w];
  }
  /// Columns of `row` that `all` has, too.
  uint32_t shared(const std::vector<uint64_t>& all, uint32_t row) const {
    int count = 0;
    for (size_t w = 0; w < words_; ++w) count += std::popcount(all[w] & bits_[row * words_ + w]);
    return static_cast<uint32_t>(count);
  }

 private:
  size_t words_;
  std::vector<uint64_t> bits_;
  std::vector<uint32_t> counts_;
};

/// Rows below this share of a tile's first row wait for a later tile: its sums should take about equally long (llvm-mca,
/// neoverse-n1, 8 rows x 1 vector on 512x512: 0.97 cycles per fmla without this, 0.66 with it).
constexpr double kLeastShareOfFirst = 0.7;

/// Greedy: a tile starts with the fullest row left and takes, one by one, the row with the largest share of its columns
/// in the tile already; among equals the fuller, then the first.
class Clustering {
 public:
  Clustering(const SparseMatrix& matrix, uint32_t tile_rows)
      : bits_(matrix), tile_rows_(tile_rows), left_(matrix.rows()) {
    std::iota(left_.begin(), left_.end(), 0u);
    std::stable_sort(left_.begin(), left_.end(),
                     [&](uint32_t a, uint32_t b) { return bits_.count(a) > bits_.count(b); });
  }

  std::vector<uint32_t> run() {
    while (!left_.empty()) add_tile();
    return std::move(order_);
  }

 private:
  void add_tile() {
    std::vector<uint64_t> columns(bits_.words());
    least_count_ = kLeastShareOfFirst * bits_.count(left_[0]);
    take(0, columns);
    for (uint32_t r = 1; r < tile_rows_ && !left_.empty(); ++r) take(best_for(columns), columns);
  }
  void take(size_t index, std::vector<uint64_t>& columns) {
    const uint32_t row = left_[index];
    order_.push_back(row);
    bits_.add_to(columns, row);
    left_.erase(left_.begin() + static_cast<ptrdiff_t>(index));
  }
  size_t best_for(const std::vector<uint64_t>& columns) const {
    size_t best = 0;
    double best_share = -1;
    for (size_t i = 0; i < std::min(left_.size(), kWindow); ++i) {
      const uint32_t count = bits_.count(left_[i]);
      if (i >= tile_rows_ && count < least_count_) break;
      const double share = count == 0 ? 0 : static_cast<double>(bits_.shared(columns, left_[i])) / count;
      if (share > best_share) best_share = share, best = i;
    }
    return best;
  }

  ColumnBits bits_;
  uint32_t tile_rows_;
  double least_count_ = 0;
  std::vector<uint32_t> left_, order_;
};

}  // namespace

Status order_rows(KernelPlan& plan) {
  if (plan.schedule.cluster != 1 || plan.schedule.tile_rows < 2) return {};
  plan.order = Clustering(plan.spec.matrix, plan.schedule.tile_rows).run();
  plan.program.row_order = plan.order;
  return {};
}

double nonzeros_per_input_load(const SparseMatrix& matrix, const std::vector<uint32_t>& order, uint32_t tile_rows) {
  uint64_t loads = 0;
  std::vector<uint32_t> seen(matrix.columns(), UINT32_MAX);
  for (uint32_t place = 0; place < matrix.rows(); ++place)
    for (const uint32_t column : matrix.row_columns(order.empty() ? place : order[place])) {
      loads += seen[column] != place / tile_rows;
      seen[column] = place / tile_rows;
    }
  return loads == 0 ? 1 : static_cast<double>(matrix.nonzeros()) / static_cast<double>(loads);
}

}  // namespace espalier
