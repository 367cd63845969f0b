// Code of half a vector beside a target's own: AVX2 in programs for AVX-512.
#pragma once

#include <optional>

#include "ir/target.h"

namespace espalier {

/// Whether code for `part` runs wherever code for `isa` does.
bool includes(const VectorIsa& isa, const VectorIsa& part);

/// The same machine with vectors of half as many lanes, where it has such.
std::optional<Target> with_half_vectors(const Target& target);

/// Whether the CPU's pipes take vectors as two halves each: empty lanes cost time, and half vectors nothing.
bool splits_vectors(const Target& target);

}  // namespace espalier
