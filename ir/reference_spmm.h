// The definition of the answer, in plain sight.
#pragma once

#include <span>

#include "ir/kernel_spec.h"

namespace espalier {

/// Y = clamp(bias + W * X) in double precision, rounded once to fp32 at the end; see KernelSpec for shapes and strides.
/// Elements of y outside the pixels are left alone. With an output_order (KernelProgram), row m of y is output channel
/// output_order[m].
void reference_spmm(const KernelSpec& spec, std::span<const float> x, std::span<float> y, uint32_t pixels,
                    std::span<const uint32_t> output_order = {});

/// The largest error of a result against reference_spmm, in units of its bound: max |y - reference| / bound(row,
/// pixel).
///
/// Bound: 4 ulp x sqrt(n) x scale, where n is the number of terms of the row (non-zeros, plus one for a bias),
/// ulp = 2^-23 is the spacing at 1, and scale(m, p) = |bias| + sum |w * x| is the row scale: partial sums never exceed
/// it. Each of the at most 2n roundings (mul and add; n when fused) errs by at most 2^-24 * scale; as independent
/// errors of random sign they grow like the square root of their number, sqrt(2n) * 2^-24 * scale in standard deviation
/// at most, of which 4 * 2^-23 * sqrt(n) * scale is more than five. A result at or below 1 passes.
double error_in_bounds(const KernelSpec& spec, std::span<const float> x, std::span<const float> y, uint32_t pixels,
                       std::span<const uint32_t> output_order = {});

}  // namespace espalier
