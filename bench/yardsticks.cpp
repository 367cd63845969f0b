#include "bench/yardsticks.h"

#include <algorithm>
#include <array>

namespace espalier {
namespace {

constexpr const YardstickKernels* kBuilt[] = {
#if defined(__x86_64__)
    &kAvx2Yardsticks,
    &kAvx512Yardsticks,
#elif defined(__aarch64__)
    &kNeonYardsticks,
#endif
    nullptr,
};

Result<const YardstickKernels*> kernels_for(const KernelSpec& spec, const VectorIsa& isa) {
  if (Result<KernelSpec> valid = validated(spec); !valid) return std::move(valid).error();
  if (spec.input_panel || spec.output_panel) return unsupported("yardsticks take plain CHW, not panels");
  const auto found = std::find_if(std::begin(kBuilt), std::end(kBuilt),
                                  [&](const YardstickKernels* k) { return k && k->isa == isa.name; });
  if (found == std::end(kBuilt)) return unsupported("there are no yardsticks for {}", isa.name);
  const uint32_t lanes = (*found)->lanes, whole = (spec.max_pixels() + lanes - 1) / lanes * lanes;
  if (const uint32_t stride = std::min(spec.input_stride, spec.output_stride); stride < whole)
    return unsupported("yardsticks for {} pixels need strides of at least {}, not {}", spec.max_pixels(), whole,
                       stride);
  return *found;
}

YardstickCall call_of(const KernelSpec& spec, uint32_t lanes, const float* x, float* y) {
  const uint32_t whole = (spec.max_pixels() + lanes - 1) / lanes * lanes;
  return {x, y, spec.output_stride, whole, spec.clamp.low, spec.clamp.high};
}

float bias_of(const KernelSpec& spec, uint32_t row) { return row < spec.bias.size() ? spec.bias[row] : 0; }

}  // namespace

Result<RolledYardstick> RolledYardstick::prepare(const KernelSpec& spec, const VectorIsa& isa) {
  Result<const YardstickKernels*> kernels = kernels_for(spec, isa);
  if (!kernels) return std::move(kernels).error();
  RolledYardstick yardstick;
  yardstick.kernels_ = *kernels, yardstick.spec_ = spec;
  for (uint32_t row = 0; row < spec.matrix.rows(); ++row) {
    const auto values = spec.matrix.row_values(row);
    yardstick.counts_.push_back(static_cast<uint32_t>(values.size()));
    yardstick.stream_.push_back(bias_of(spec, row));
    yardstick.stream_.insert(yardstick.stream_.end(), values.begin(), values.end());
  }
  const auto columns = spec.matrix.column_indices();
  // Below 2^29 elements by validated(), so differences fit.
  auto place = [&](size_t i) { return static_cast<int32_t>(columns[i % columns.size()] * spec.input_stride); };
  for (size_t i = 0; i < columns.size(); ++i) yardstick.steps_.push_back(place(i + 1) - place(i));
  if (!columns.empty()) yardstick.first_ = static_cast<size_t>(place(0));
  return yardstick;
}

void RolledYardstick::run(const float* x, float* y) const {
  kernels_->rolled({stream_.data(), steps_.data(), counts_.data(), spec_.matrix.rows(), first_},
                   call_of(spec_, kernels_->lanes, x, y));
}

Result<NanoYardstick> NanoYardstick::prepare(const KernelSpec& spec, const VectorIsa& isa) {
  Result<const YardstickKernels*> kernels = kernels_for(spec, isa);
  if (!kernels) return std::move(kernels).error();
  NanoYardstick yardstick;
  yardstick.kernels_ = *kernels, yardstick.spec_ = spec;
  const uint32_t rows = spec.matrix.rows(), columns = spec.matrix.columns();
  for (uint32_t column = 0; column == 0 || column < columns; column += kNanoColumns)
    for (uint32_t row = 0; row < rows; row += kNanoRows) yardstick.add_panel(row, column);
  for (uint32_t row = 0; row < rows + kNanoRows; ++row) yardstick.bias_.push_back(bias_of(spec, row));
  return yardstick;
}

void NanoYardstick::add_panel(uint32_t first_row, uint32_t first_column) {
  const SparseMatrix& matrix = spec_.matrix;
  const uint32_t end = std::min(first_column + kNanoColumns, matrix.columns());
  NanoPanel panel{{},
                  first_row,
                  std::min(kNanoRows, matrix.rows() - first_row),
                  first_column == 0,
                  end == matrix.columns(),
                  columns_.size(),
                  weights_.size()};
  // What the rows hold in each column of the block: a pattern and four weights.
  std::array<uint32_t, kNanoColumns> patterns{};
  std::array<std::array<float, kNanoRows>, kNanoColumns> values{};
  for (uint32_t r = 0; r < panel.rows; ++r) {
    const auto columns = matrix.row_columns(first_row + r);
    for (auto at = std::lower_bound(columns.begin(), columns.end(), first_column); at != columns.end() && *at < end;
         ++at) {
      patterns[*at - first_column] |= 1u << r;
      values[*at - first_column][r] = matrix.row_values(first_row + r)[static_cast<size_t>(at - columns.begin())];
    }
  }
  for (uint32_t pattern = 1; pattern <= kNanoPatterns; ++pattern)
    for (uint32_t column = first_column; column < end; ++column) {
      if (patterns[column - first_column] != pattern) continue;
      ++panel.counts[pattern - 1];
      columns_.push_back(column * spec_.input_stride);
      for (uint32_t r = 0; r < kNanoRows; ++r)
        if (pattern >> r & 1) weights_.push_back(values[column - first_column][r]);
    }
  panels_.push_back(panel);
}

void NanoYardstick::run(const float* x, float* y) const {
  kernels_->nano({panels_.data(), panels_.size(), columns_.data(), weights_.data(), bias_.data()},
                 call_of(spec_, kernels_->lanes, x, y));
}

}  // namespace espalier
