#include "bench/aarch64_kernels/yardstick_weights.h"

namespace espalier {

YardstickWeights yardstick_weights(const KernelSpec& spec) {
  YardstickWeights w;
  const SparseMatrix& m = spec.matrix;
  for (uint32_t row = 0; row < m.rows(); ++row) {
    w.values.push_back(spec.bias.empty() ? 0 : spec.bias[row]);
    w.values.insert(w.values.end(), m.row_values(row).begin(), m.row_values(row).end());
    w.counts.push_back(static_cast<uint32_t>(m.row_columns(row).size()));
  }
  const auto columns = m.column_indices();
  for (size_t i = 0; i < columns.size(); ++i) {
    const int64_t next = columns[(i + 1) % columns.size()];
    w.steps.push_back(static_cast<int32_t>((next - columns[i]) * spec.input_stride * int64_t{sizeof(float)}));
  }
  if (!columns.empty()) w.first_input = columns[0];
  return w;
}

}  // namespace espalier
