// Elements side by side through an activation.
#pragma once

#include "codegen/layers/activation_code.h"
#include "codegen/layers/loop_builder.h"

namespace espalier {

/// A place in a buffer.
struct LinePlace {
  LoopBuffer buffer;
  Affine begin;
};

/// to[i] = activation(from[i]) for i < count. Whole vectors where `room` elements behind the last, which then hold
/// anything, make up for it. The activation's constants stand before.
void write_mapped_line(LoopBuilder& b, const ActivationCode& code, const LinePlace& from, const LinePlace& to,
                       int64_t count, int64_t room);

}  // namespace espalier
