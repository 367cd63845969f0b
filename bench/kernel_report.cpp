#include "bench/kernel_report.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

namespace espalier {
namespace {

std::string markdown_row(const KernelRow& r) {
  const KernelMeasurement& m = r.measured;
  return fmt::format(
      "| {} | {}x{} | {} | {} | {:.1f} ({:.1f}..{:.1f}) | {:.0f} | {:.1f} | {:.1f} | {:.0f} | {:.1f} | {:.1f} | {:.1f} "
      "| "
      "{} | `{}` |\n",
      r.layer, r.rows, r.columns, r.pixels, r.nonzeros, m.gflops(), m.useful_gflop / m.seconds.p90,
      m.useful_gflop / m.seconds.p10, 100 * m.share_of_peak(), m.fma_peak_gflops(), m.stream_gflops(),
      100 * m.share_of_bound(), r.code_bytes_per_nonzero, r.weight_bytes_per_nonzero, 1e3 * r.compile_seconds,
      r.layout, r.schedule);
}

/// All layers as if run one after the other: a network's sparse part.
std::string total_row(const std::vector<KernelRow>& rows) {
  double gflop = 0, seconds = 0, peak_seconds = 0, bound_seconds = 0, compile = 0;
  uint64_t nonzeros = 0;
  for (const KernelRow& r : rows) {
    const KernelMeasurement& m = r.measured;
    gflop += m.useful_gflop, seconds += m.seconds.median, peak_seconds += m.useful_gflop / m.fma_peak_gflops();
    bound_seconds += m.useful_gflop / m.bound_gflops(), compile += r.compile_seconds, nonzeros += r.nonzeros;
  }
  return fmt::format("| all, {:.2f} ms | | | {} | {:.1f} | {:.0f} | {:.1f} | | {:.0f} | | | {:.1f} | | |\n",
                     1e3 * seconds, nonzeros, gflop / seconds, 100 * peak_seconds / seconds, gflop / peak_seconds,
                     100 * bound_seconds / seconds, 1e3 * compile);
}

llvm::json::Object json_timing(const Timing& t) {
  return llvm::json::Object{{"median", t.median}, {"p10", t.p10},         {"p90", t.p90},
                            {"best", t.best},     {"spread", t.spread()}, {"samples", static_cast<int64_t>(t.samples)}};
}

llvm::json::Object json_row(const KernelRow& r) {
  const KernelMeasurement& m = r.measured;
  return llvm::json::Object{{"layer", r.layer},
                            {"output_channels", r.rows},
                            {"input_channels", r.columns},
                            {"pixels", r.pixels},
                            {"nonzeros", static_cast<int64_t>(r.nonzeros)},
                            {"layout", r.layout},
                            {"schedule", r.schedule},
                            {"gflops", m.gflops()},
                            {"gflops_p10", m.useful_gflop / m.seconds.p90},
                            {"gflops_p90", m.useful_gflop / m.seconds.p10},
                            {"fma_peak_gflops", m.fma_peak_gflops()},
                            {"stream_gflops", m.stream_gflops()},
                            {"bound_gflops", m.bound_gflops()},
                            {"share_of_fma_peak", m.share_of_peak()},
                            {"share_of_bound", m.share_of_bound()},
                            {"seconds", json_timing(m.seconds)},
                            {"stream_seconds", json_timing(m.stream)},
                            {"stream_way", std::string(m.stream_way)},
                            {"code_bytes_per_nonzero", r.code_bytes_per_nonzero},
                            {"weight_bytes_per_nonzero", r.weight_bytes_per_nonzero},
                            {"compile_seconds", r.compile_seconds},
                            {"error_in_bounds", r.error}};
}

}  // namespace

std::string markdown_table(const std::vector<KernelRow>& rows) {
  std::string text =
      "| layer | shape | pixels | non-zeros | GFLOP/s (p10..p90) | % of FMA peak | FMA peak | stream bound | % of "
      "bound "
      "| code B/nz | weights B/nz | compile ms | layout | schedule |\n"
      "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|---|\n";
  for (const KernelRow& r : rows) text += markdown_row(r);
  return text + total_row(rows);
}

std::string json_report(const std::vector<KernelRow>& rows, const std::string& source, const Target& target) {
  llvm::json::Array kernels;
  for (const KernelRow& r : rows) kernels.push_back(json_row(r));
  llvm::json::Object report{{"source", source},
                            {"target", std::string(target.name)},
                            {"cpu", std::string(target.cpu->name)},
                            {"kernels", std::move(kernels)}};
  std::string text;
  llvm::raw_string_ostream out(text);
  out << llvm::formatv("{0:2}\n", llvm::json::Value(std::move(report)));
  return text;
}

}  // namespace espalier
