// LIBXSMM's fsspmdm: code for one sparse matrix at run time.
#include <libxsmm.h>

#include <memory>

#include "bench/peers/peer.h"

namespace espalier {
namespace {

Result<PreparedPeer> prepare(const KernelSpec& given, const Target&) {
  // N must be a multiple of the vector length; strides of whole lines are multiples of 16, and padding is computed,
  // too.
  constexpr uint32_t kLanes = 16;
  const KernelSpec spec = with_stride(given, recommended_stride(given.max_pixels()));
  const uint32_t pixels = (spec.max_pixels() + kLanes - 1) / kLanes * kLanes;
  const auto size = [](uint32_t n) { return static_cast<libxsmm_blasint>(n); };
  const std::vector<float> weights = dense_weights(spec.matrix);
  libxsmm_init();
  libxsmm_sfsspmdm* made = libxsmm_sfsspmdm_create(size(spec.matrix.rows()), size(pixels), size(spec.matrix.columns()),
                                                   size(spec.matrix.columns()), size(spec.input_stride),
                                                   size(spec.output_stride), 1, 0, 0, weights.data());
  if (!made) return unsupported("libxsmm_sfsspmdm_create has no kernel for this matrix");
  std::shared_ptr<libxsmm_sfsspmdm> handle(made, libxsmm_sfsspmdm_destroy);
  return PreparedPeer{
      layout_of(spec), [handle](const float* x, float* y) { libxsmm_sfsspmdm_execute(handle.get(), x, y); }, {}};
}

}  // namespace

std::vector<Peer> libxsmm_peers() {
  return {
      {"LIBXSMM",
       "`libxsmm_sfsspmdm`; falls back to its dense kernel without a word where it has no sparse one; no bias or clamp",
       false, false, prepare}};
}

}  // namespace espalier
