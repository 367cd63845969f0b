// Our own yardsticks (bench/yardsticks.h) as peers.
#include <memory>

#include "bench/peers/peer.h"
#include "bench/yardsticks.h"

namespace espalier {
namespace {

template <typename Yardstick>
Result<PreparedPeer> prepare(const KernelSpec& given, const Target& target) {
  const KernelSpec spec = with_stride(given, recommended_stride(given.max_pixels(), target.vector->lanes));
  Result<Yardstick> prepared = Yardstick::prepare(spec, *target.vector);
  if (!prepared) return std::move(prepared).error();
  auto yardstick = std::make_shared<const Yardstick>(std::move(*prepared));
  return PreparedPeer{layout_of(spec), [yardstick](const float* x, float* y) { yardstick->run(x, y); }, {}};
}

}  // namespace

std::vector<Peer> yardstick_peers() {
  return {
      {"rolled", "yardstick: XNNPACK's scheme (one row, 32 pixels, one non-zero per turn) in our vector ISA, plain CHW",
       true, false, prepare<RolledYardstick>},
      {"nano", "yardstick: row-pattern nano-kernels (4 rows, blocks of 128 input channels), plain CHW", true, false,
       prepare<NanoYardstick>}};
}

}  // namespace espalier
