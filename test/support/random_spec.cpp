#include "test/support/random_spec.h"

namespace espalier::test {

KernelSpec random_spec(SeededRandom& random, const SpecLimits& limits) {
  auto below = [&](uint32_t n) { return static_cast<uint32_t>(random.next() % n); };
  KernelSpec spec;
  spec.name = "kernel";
  const uint32_t rows = 1 + below(limits.rows), columns = 1 + below(limits.columns), pixels = 1 + below(limits.pixels);
  spec.matrix = random_sparse_matrix(rows, columns, random.unit(), random.next());
  if (below(2))
    for (uint32_t r = 0; r < rows; ++r) spec.bias.push_back(random.weight());
  if (below(2)) spec.clamp.low = 0;
  if (below(3) == 0) spec.clamp.high = 0.5f;
  if (below(2)) spec.pixels = pixels;
  spec.input_stride = pixels + below(20);
  spec.output_stride = pixels + below(20);
  return spec;
}

}  // namespace espalier::test
