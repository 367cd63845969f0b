// All peers on one matrix, in turns.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "bench/peers/bench_matrices.h"
#include "bench/peers/peer.h"
#include "codegen/measure/measure_kernel.h"

namespace espalier {

/// What one peer did on one matrix.
enum class Outcome : uint8_t { kTimed, kUnsupported, kWrong, kFailed };

struct PeerResult {
  std::string name, detail;
  bool ours = false;
  Outcome outcome = Outcome::kTimed;
  std::string problem;         ///< why it was not timed
  double error = 0;            ///< in units of error_in_bounds' bound
  KernelMeasurement measured;  ///< if it was
};

struct MatrixResult {
  std::string group, name;
  uint32_t rows = 0, columns = 0, pixels = 0;
  uint64_t nonzeros = 0;
  std::vector<PeerResult> peers;  ///< in the order given; the first is what the others are compared with

  double sparsity() const;
  /// The time of a peer by that of the first; 0 where one of them was not timed.
  double relative_time(size_t peer) const;
};

/// Prepares every peer, checks its result on seeded input against reference_spmm (error_in_bounds at most 1: zeros that
/// a dense product adds round nothing, and other orders of summation have the same bound), and times those that are
/// right in turns with the FMA loop and the streaming ways for `seconds`. Each peer has buffers of its own. The caller
/// pins the thread. Errors: kUnsupported without an FMA loop; kSystem without memory.
Result<MatrixResult> race(const BenchMatrix& matrix, const Target& target, std::span<const Peer> peers, double seconds);

}  // namespace espalier
