// Activations as operations of loop programs.
#pragma once

#include "codegen/layers/loop_builder.h"
#include "ir/network/activation.h"

namespace espalier {

/// activation(x), per lane, with constants at the place of use (backends hoist them). Error bounds against
/// espalier::apply in double precision, in ulp of the result or absolutely, whichever is larger (fused arithmetic; two
/// roundings per product and sum double them): sigmoid and tanh 4 ulp or 2^-23; swish 5 ulp or 2^-22 * max(1, |x|); the
/// others 2 ulp. Infinities as the definition has them; NaN gives NaN or a bound.
/// exp: Cody and Waite's reduction to |r| <= ln 2 / 2 and a polynomial of degree 6 (Cephes expf, S. Moshier).
Vec activated(LoopBuilder& b, const Activation& activation, Vec x);

/// exp(x) for x in [-87.3, 88.3]; beyond, the value at the bound. NaN counts as the lower bound.
Vec exponential(LoopBuilder& b, Vec x);

}  // namespace espalier
