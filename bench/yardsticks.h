// Two rolled sparse kernels as others publish them, to measure generated code by.
#pragma once

#include <vector>

#include "bench/yardstick_kernels.h"
#include "ir/error.h"
#include "ir/kernel_spec.h"
#include "ir/target.h"

namespace espalier {

/// Both compute KernelSpec's Y = clamp(bias + W * X) on plain CHW buffers of the spec's strides, all of its pixels.
/// They work on whole vectors: pixels are rounded up, so the padding of X is read and that of Y written. One thread.
/// The buffers need no alignment and must not overlap.
///
/// Errors of prepare: those of validated(); kUnsupported for panels, for an ISA that has no yardstick in this build,
/// and for strides below the pixels rounded up to whole vectors (recommended_stride never is).

/// XNNPACK's f32-spmm scheme: 32 pixels, one row at a time, one non-zero per turn of the loop, the input pointer moved
/// by a stream of increments, weights broadcast. Source: Elsen, Dukhan, Gale, Simonyan, "Fast Sparse ConvNets" (2019).
class RolledYardstick {
 public:
  static Result<RolledYardstick> prepare(const KernelSpec& spec, const VectorIsa& isa);
  void run(const float* x, float* y) const;

 private:
  const YardstickKernels* kernels_ = nullptr;
  KernelSpec spec_;
  std::vector<float> stream_;
  std::vector<int32_t> steps_;
  std::vector<uint32_t> counts_;
  size_t first_ = 0;
};

/// Row-pattern nano-kernels: 4 rows x 2 to 4 vectors, input channels in blocks of 128, the columns of a row panel
/// sorted by which rows they have, one loop per pattern. Source: Wilkinson, Cheshmi, Dehnavi, "Register Tiling for
/// Unstructured Sparsity in Neural Network Inference" (PLDI 2023); the paper also reorders rows, this does not.
class NanoYardstick {
 public:
  static Result<NanoYardstick> prepare(const KernelSpec& spec, const VectorIsa& isa);
  void run(const float* x, float* y) const;

 private:
  void add_panel(uint32_t first_row, uint32_t first_column);

  const YardstickKernels* kernels_ = nullptr;
  KernelSpec spec_;
  std::vector<NanoPanel> panels_;
  std::vector<uint32_t> columns_;
  std::vector<float> weights_, bias_;
};

}  // namespace espalier
