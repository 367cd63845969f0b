// What a sparse matrix product has to offer to be timed beside ours.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ir/error.h"
#include "ir/kernel_spec.h"
#include "ir/target.h"

namespace espalier {

/// Where a peer wants its activations: elements of the buffers, and of a channel's pixel in them. Padding of X is 0 and
/// must stay unchanged; that of Y may hold anything.
struct PeerLayout {
  size_t input_elements = 0, output_elements = 0;
  std::function<size_t(uint32_t channel, uint32_t pixel)> input_index, output_index;
};

/// A peer ready for one matrix. `run` owns all it needs, computes Y from X in one thread and never fails; x and y are
/// 64-byte aligned and the same in every call.
struct PreparedPeer {
  PeerLayout layout;
  std::function<void(const float* x, float* y)> run;
  std::string detail;  ///< what it chose (a schedule, a memory format), for the report; may be empty
};

/// One of them. `prepare` may take as long as it likes; errors: kUnsupported for a specification, a target or a machine
/// it has no kernel for, anything else when it fails.
struct Peer {
  std::string name;              ///< column heading and JSON key
  std::string about;             ///< one line for the legend
  bool applies_epilogue = true;  ///< false: computes W * X only, and is checked against that
  bool ours = false;             ///< the report gives its rate, not its time
  std::function<Result<PreparedPeer>(const KernelSpec&, const Target&)> prepare;
};

/// Ours in plain CHW first, ours in panels second, the yardsticks, then what this build found.
std::vector<Peer> all_peers();

/// The layout of a specification's own strides and panels, with room behind each buffer for reads past the end.
PeerLayout layout_of(const KernelSpec& spec);

/// `spec` with other row strides, in plain CHW.
KernelSpec with_stride(KernelSpec spec, uint32_t stride);

/// W row by row, zeros included.
std::vector<float> dense_weights(const SparseMatrix& matrix);

}  // namespace espalier
