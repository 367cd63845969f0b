// What bench/kernels prints.
#pragma once

#include <string>
#include <vector>

#include "bench/host_kernel.h"
#include "codegen/measure/measure_kernel.h"

namespace espalier {

struct KernelRow {
  std::string layer;
  uint32_t rows = 0, columns = 0, pixels = 0;
  uint64_t nonzeros = 0;
  std::string layout, schedule;
  KernelMeasurement measured;
  double code_bytes_per_nonzero = 0, weight_bytes_per_nonzero = 0, compile_seconds = 0;
  double error = 0;  ///< in units of error_in_bounds' bound
};

/// A Markdown table, one row per layer, and a last row of all layers together (sums of their times).
std::string markdown_table(const std::vector<KernelRow>& rows);

/// The same as JSON: {"source", "target", "cpu", "kernels": [...]}, times in seconds, rates in GFLOP/s.
std::string json_report(const std::vector<KernelRow>& rows, const std::string& source, const Target& target);

}  // namespace espalier
