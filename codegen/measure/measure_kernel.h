// How fast a kernel runs on this core, and how near its bound that is.
#pragma once

#include <string_view>

#include "codegen/measure/timing.h"
#include "espalier/kernel_abi.h"
#include "ir/error.h"
#include "ir/target.h"

namespace espalier {

struct MeasureOptions {
  TimingOptions timing;
  const VectorIsa* peak_isa = nullptr;  ///< whose FMA peak counts; null: the widest this CPU has
  uint64_t seed = 1;                    ///< of the input
};

/// A kernel and its two bounds, measured in turns in one run on one core. Rates are useful fp32 GFLOP/s: 2 x non-zeros
/// x pixels per call, whatever the kernel does besides.
struct KernelMeasurement {
  Timing seconds;               ///< per call
  Timing stream;                ///< reading the layer's X once and writing its Y once, the fastest way
  std::string_view stream_way;  ///< which that was
  Timing peak;                  ///< seconds per peak_gflop
  double useful_gflop = 0;      ///< of one call
  double peak_gflop = 0;        ///< of one call of the FMA loop

  double gflops() const { return useful_gflop / seconds.median; }
  double fma_peak_gflops() const { return peak_gflop / peak.median; }
  double stream_gflops() const { return useful_gflop / stream.median; }
  /// min(FMA peak, useful flops / streaming time): no kernel that reads X and writes Y once can be faster.
  double bound_gflops() const;
  double share_of_peak() const { return gflops() / fma_peak_gflops(); }
  double share_of_bound() const { return gflops() / bound_gflops(); }
};

/// Measures a kernel of this process on buffers of its strides (AlignedBuffer, seeded input in [-1, 1]), with the
/// thread pinned. Medians are compared with medians of samples taken in turns, so shares hold on a noisy core, too.
///
/// The streaming time is that of K x pixels and M x pixels elements without gaps, at the beginning of the same buffers:
/// the least any layout would need. Errors: kUnsupported when this machine cannot run the kernel or has no FMA loop;
/// kBadInput for a pixel count the kernel does not take; kSystem without memory for the buffers.
Result<KernelMeasurement> measure_kernel(const espalier_kernel* kernel, uint32_t pixels,
                                         const MeasureOptions& options = {});

}  // namespace espalier
