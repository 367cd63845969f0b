// Deals rows out to parts; row clustering: output channels with like columns come into one row tile, so that they share
// input loads.
#include <algorithm>
#include <bit>

#include "codegen/kernel_plan.h"
#include "codegen/row_parts.h"

namespace espalier {
namespace {

/// Byte sums of eight bits each hold this many words.
constexpr size_t kWordsPerSum = 31;

/// Bits that both have, summed by bytes: without an instruction for it, std::popcount is a call for every word, which was
/// an eighth of all compile time.
uint64_t common_bits(const uint64_t* a, const uint64_t* b, size_t words) {
  constexpr uint64_t kPairs = 0x5555'5555'5555'5555, kFours = 0x3333'3333'3333'3333, kBytes = 0x0f0f'0f0f'0f0f'0f0f,
                     kHalves = 0x00ff'00ff'00ff'00ff;
  uint64_t sum = 0;
  for (size_t w = 0; w < words; ++w) {
    uint64_t x = a[w] & b[w];
    x -= (x >> 1) & kPairs;
    x = (x & kFours) + ((x >> 2) & kFours);
    sum += (x + (x >> 4)) & kBytes;
  }
  sum = (sum & kHalves) + ((sum >> 8) & kHalves);
  return (sum * 0x0001'0001'0001'0001) >> 48;
}

/// Candidates looked at for one place of a tile; more gain nothing measurable and take quadratic time.
constexpr size_t kWindow = 256;

/// The next rows to be chosen from, in order, with their columns as bits. Bits of all rows would take more memory than
/// the matrix where it is wide and sparse.
class Window {
 public:
  Window(const SparseMatrix& m, std::vector<uint32_t> rows)
      : matrix_(m), rows_(std::move(rows)), words_((m.columns() + 63) / 64), bits_(kWindow * words_) {
    for (uint32_t slot = 0; slot < kWindow && next_ < rows_.size(); ++slot) enter(slot);
  }

  size_t size() const { return entries_.size(); }
  size_t words() const { return words_; }
  uint32_t count(size_t i) const { return static_cast<uint32_t>(matrix_.row_columns(entries_[i].row).size()); }
  /// Columns of the i-th that `all` has, too.
  uint32_t shared(const std::vector<uint64_t>& all, size_t i) const {
    const uint64_t* bits = bits_.data() + entries_[i].slot * words_;
    uint64_t count = 0;
    for (size_t first = 0; first < words_; first += kWordsPerSum)
      count += common_bits(all.data() + first, bits + first, std::min(kWordsPerSum, words_ - first));
    return static_cast<uint32_t>(count);
  }
  /// Takes the i-th out, adds its columns to `all`, and lets the next row in.
  uint32_t take(size_t i, std::vector<uint64_t>& all) {
    const Entry taken = entries_[i];
    entries_.erase(entries_.begin() + static_cast<ptrdiff_t>(i));
    uint64_t* bits = bits_.data() + taken.slot * words_;
    for (size_t w = 0; w < words_; ++w) all[w] |= std::exchange(bits[w], 0);
    if (next_ < rows_.size()) enter(taken.slot);
    return taken.row;
  }

 private:
  struct Entry {
    uint32_t row, slot;
  };
  void enter(uint32_t slot) {
    const uint32_t row = rows_[next_++];
    for (const uint32_t c : matrix_.row_columns(row)) bits_[slot * words_ + c / 64] |= uint64_t{1} << (c % 64);
    entries_.push_back({row, slot});
  }

  const SparseMatrix& matrix_;
  std::vector<uint32_t> rows_;
  size_t words_, next_ = 0;
  std::vector<uint64_t> bits_;
  std::vector<Entry> entries_;
};

/// Rows below this share of a tile's first row wait for a later tile: its sums should take about equally long (llvm-mca,
/// neoverse-n1, 8 rows x 1 vector on 512x512: 0.97 cycles per fmla without this, 0.66 with it).
constexpr double kLeastShareOfFirst = 0.7;

/// Fullest first; rows with equal columns stand together, so that blocks are found however far apart their rows are.
std::vector<uint32_t> by_fullness(const SparseMatrix& m, std::vector<uint32_t> rows) {
  const std::vector<uint32_t> first_equal = first_equal_rows(m);
  std::sort(rows.begin(), rows.end(), [&](uint32_t a, uint32_t b) {
    const size_t count_a = m.row_columns(a).size(), count_b = m.row_columns(b).size();
    if (count_a != count_b) return count_a > count_b;
    return first_equal[a] != first_equal[b] ? first_equal[a] < first_equal[b] : a < b;
  });
  return rows;
}

/// Greedy: a tile starts with the fullest row left and takes, one by one, the row with the largest share of its columns
/// in the tile already; among equals the fuller, then the first.
class Clustering {
 public:
  Clustering(const SparseMatrix& matrix, std::vector<uint32_t> rows, uint32_t tile_rows)
      : left_(matrix, by_fullness(matrix, std::move(rows))), tile_rows_(tile_rows) {}

  std::vector<uint32_t> run() {
    while (left_.size() != 0) add_tile();
    return std::move(order_);
  }

 private:
  void add_tile() {
    std::vector<uint64_t> columns(left_.words());
    least_count_ = kLeastShareOfFirst * left_.count(0);
    order_.push_back(left_.take(0, columns));
    for (uint32_t r = 1; r < tile_rows_ && left_.size() != 0; ++r)
      order_.push_back(left_.take(best_for(columns), columns));
  }
  size_t best_for(const std::vector<uint64_t>& columns) const {
    size_t best = 0;
    double best_share = -1;
    for (size_t i = 0; i < left_.size(); ++i) {
      const uint32_t count = left_.count(i);
      if (i >= tile_rows_ && count < least_count_) break;
      const double share = count == 0 ? 0 : static_cast<double>(left_.shared(columns, i)) / count;
      if (share > best_share) best_share = share, best = i;
    }
    return best;
  }

  Window left_;
  uint32_t tile_rows_;
  double least_count_ = 0;
  std::vector<uint32_t> order_;
};

void add_part(KernelPlan& plan, const Schedule& schedule, std::vector<uint32_t> rows) {
  const auto first = static_cast<uint32_t>(plan.order.size());
  if (schedule.cluster == 1 && schedule.tile_rows > 1)
    rows = Clustering(plan.spec.matrix, std::move(rows), schedule.tile_rows).run();
  plan.order.insert(plan.order.end(), rows.begin(), rows.end());
  plan.parts.push_back({schedule, first, static_cast<uint32_t>(plan.order.size())});
}

}  // namespace

Status order_rows(KernelPlan& plan) {
  auto lists = RowDealer(plan.spec.matrix).deal(plan.schedule.parts);
  for (size_t i = 0; i < lists.size(); ++i) add_part(plan, schedule_of_part(plan.schedule, i), std::move(lists[i]));
  if (std::is_sorted(plan.order.begin(), plan.order.end())) plan.order.clear();
  (plan.spec.output_order == OutputOrder::kClustered ? plan.program.output_order : plan.program.row_order) = plan.order;
  return {};
}

}  // namespace espalier
