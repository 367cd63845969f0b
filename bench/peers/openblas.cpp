// The dense product of OpenBLAS.
#include <cblas.h>

#include <memory>

#include "bench/peers/peer.h"

namespace espalier {
namespace {

Result<PreparedPeer> prepare(const KernelSpec& given, const Target& target) {
  openblas_set_num_threads(1);
  const KernelSpec spec = with_stride(given, recommended_stride(given.max_pixels(), target.vector->lanes));
  const auto rows = static_cast<blasint>(spec.matrix.rows()), columns = static_cast<blasint>(spec.matrix.columns()),
             pixels = static_cast<blasint>(spec.max_pixels()), stride = static_cast<blasint>(spec.input_stride);
  auto weights = std::make_shared<const std::vector<float>>(dense_weights(spec.matrix));
  auto run = [=](const float* x, float* y) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, pixels, columns, 1, weights->data(), columns, x,
                stride, 0, y, stride);
  };
  return PreparedPeer{layout_of(spec), std::move(run), openblas_get_corename()};
}

}  // namespace

std::vector<Peer> openblas_peers() {
  return {{"OpenBLAS", "dense `cblas_sgemm`, plain CHW; no bias or clamp", false, false, prepare}};
}

}  // namespace espalier
