#include "codegen/measure/measure_kernel.h"

#include <algorithm>

#include "codegen/measure/aligned_buffer.h"
#include "codegen/measure/fma_peak.h"
#include "codegen/measure/pinned_core.h"
#include "codegen/measure/stream_time.h"
#include "espalier/runtime.h"
#include "ir/sparse_matrix.h"

namespace espalier {
namespace {

constexpr uint64_t kPeakRounds = 1024;

Status check(const espalier_kernel* kernel, uint32_t pixels, const FmaLoop& loop, const VectorIsa& isa) {
  char message[256];
  if (espalier_kernel_check(kernel, espalier_host_cpu_features(), message, sizeof message) != ESPALIER_OK)
    return unsupported("{}", message);
  if (kernel->pixels ? pixels != kernel->pixels : pixels == 0 || pixels > kernel->max_pixels)
    return bad_input("kernel {} cannot be measured with {} pixels, but with {}{}", kernel->name, pixels,
                     kernel->pixels ? "" : "1 to ", kernel->max_pixels);
  if (!loop.run) return unsupported("no FMA peak can be measured here for {}", isa.name);
  return {};
}

/// Index of the timing with the least median.
size_t fastest(std::span<const Timing> timings) {
  auto faster = [](const Timing& a, const Timing& b) { return a.median < b.median; };
  return static_cast<size_t>(std::min_element(timings.begin(), timings.end(), faster) - timings.begin());
}

}  // namespace

double KernelMeasurement::bound_gflops() const { return std::min(fma_peak_gflops(), stream_gflops()); }

Result<KernelMeasurement> measure_kernel(const espalier_kernel* kernel, uint32_t pixels,
                                         const MeasureOptions& options) {
  const VectorIsa& isa = options.peak_isa ? *options.peak_isa : widest_vector_isa();
  const FmaLoop loop = fma_loop(isa);
  if (Status s = check(kernel, pixels, loop, isa); !s) return std::move(s).error();
  // Never less than the elements that are streamed for comparison.
  AlignedBuffer x(std::max(espalier_kernel_input_elements(kernel, pixels), size_t{kernel->input_channels} * pixels));
  AlignedBuffer y(std::max(espalier_kernel_output_elements(kernel, pixels), size_t{kernel->output_channels} * pixels));
  if (!x.data() || !y.data()) return system_error("kernel {}: no memory for its activations", kernel->name);
  SeededRandom random(options.seed);
  for (float& v : x.span()) v = random.weight();

  const PinnedCore pinned;
  const size_t x_count = size_t{kernel->input_channels} * pixels, y_count = size_t{kernel->output_channels} * pixels;
  std::vector<std::function<void()>> calls = {[&] { espalier_kernel_run(kernel, x.data(), y.data(), pixels); },
                                              [&] { loop.run(kPeakRounds); }};
  for (const StreamWay& way : stream_ways())
    calls.push_back([&, run = way.run] { run(x.data(), x_count, y.data(), y_count); });
  const std::vector<Timing> timings = time_interleaved(calls, options.timing);

  const std::span<const Timing> streams = std::span(timings).subspan(2);
  const size_t way = fastest(streams);
  return KernelMeasurement{timings[0],
                           streams[way],
                           stream_ways()[way].name,
                           timings[1],
                           2e-9 * static_cast<double>(kernel->nonzeros) * pixels,
                           1e-9 * loop.flops_per_round * static_cast<double>(kPeakRounds)};
}

}  // namespace espalier
