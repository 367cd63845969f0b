#include "ir/reference_spmm.h"

#include <algorithm>
#include <cmath>

namespace espalier {
namespace {

/// The exact-enough answer at one output, and the sum of the magnitudes that went into it.
struct Output {
  double value, scale;
};

Output output_at(const KernelSpec& spec, std::span<const float> x, uint32_t row, uint32_t pixel) {
  const auto columns = spec.matrix.row_columns(row);
  const auto values = spec.matrix.row_values(row);
  double sum = spec.bias.empty() ? 0 : double{spec.bias[row]};
  double scale = std::abs(sum);
  for (size_t i = 0; i < columns.size(); ++i) {
    const double product = double{values[i]} * double{x[spec.input_index(columns[i], pixel)]};
    sum += product;
    scale += std::abs(product);
  }
  // A bound that is not there changes nothing, not even NaN: compiled kernels have no instruction for it.
  if (spec.clamp.has_low() && !(sum > double{spec.clamp.low})) sum = double{spec.clamp.low};
  if (spec.clamp.has_high() && !(sum < double{spec.clamp.high})) sum = double{spec.clamp.high};
  return {sum, scale};
}

uint32_t channel_of(uint32_t row, std::span<const uint32_t> output_order) {
  return output_order.empty() ? row : output_order[row];
}

bool same(float got, float wanted) { return got == wanted || (std::isnan(got) && std::isnan(wanted)); }

}  // namespace

void reference_spmm(const KernelSpec& spec, std::span<const float> x, std::span<float> y, uint32_t pixels,
                    std::span<const uint32_t> output_order) {
  for (uint32_t row = 0; row < spec.matrix.rows(); ++row)
    for (uint32_t pixel = 0; pixel < pixels; ++pixel)
      y[spec.output_index(row, pixel)] =
          static_cast<float>(output_at(spec, x, channel_of(row, output_order), pixel).value);
}

double error_in_bounds(const KernelSpec& spec, std::span<const float> x, std::span<const float> y, uint32_t pixels,
                       std::span<const uint32_t> output_order) {
  double worst = 0;
  for (uint32_t row = 0; row < spec.matrix.rows(); ++row) {
    const uint32_t channel = channel_of(row, output_order);
    const double terms = static_cast<double>(spec.matrix.row_columns(channel).size() + !spec.bias.empty());
    for (uint32_t pixel = 0; pixel < pixels; ++pixel) {
      const Output wanted = output_at(spec, x, channel, pixel);
      const float got = y[spec.output_index(row, pixel)];
      if (same(got, static_cast<float>(wanted.value))) continue;
      const double bound = 4 * 0x1p-23 * std::sqrt(terms) * wanted.scale;
      const double ratio = std::abs(double{got} - wanted.value) / bound;
      // Not finite: a wrong NaN or infinity, an error where the bound is 0, or an infinite bound, which proves nothing.
      worst = std::isfinite(ratio) ? std::max(worst, ratio) : HUGE_VAL;
    }
  }
  return worst;
}

}  // namespace espalier
