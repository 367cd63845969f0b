// What bench/peers prints.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "bench/peers/race.h"

namespace espalier {

/// One row per matrix: of our own kernels the rate (useful GFLOP/s) and the share of the bound, of every other peer its
/// time by that of the first kernel (above 1: ours is faster). "-": it has no kernel for that; "wrong", "failed": not
/// timed. Empty for no results.
std::string peer_table(std::span<const MatrixResult> results);

/// Geometric means of the times relative to the first kernel, a row per group and one of all matrices; a peer that was
/// not timed on all of them says on how many.
std::string mean_table(std::span<const MatrixResult> results);

/// A line for every peer that was not timed, with the matrix and the reason; equal reasons of a peer once.
std::string problem_list(std::span<const MatrixResult> results);

/// {"source", "target", "cpu", "vectors", "matrices": [{..., "peers": [...]}]}, times in seconds, rates in GFLOP/s.
std::string peer_json(std::span<const MatrixResult> results, const std::string& source, const Target& target);

}  // namespace espalier
