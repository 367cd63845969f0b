#include "ir/network/passes/passes.h"

namespace espalier {
namespace {

constexpr NetworkPass kPasses[] = {
    {"fold_constants", fold_constants},
    {"fold_batch_norms", fold_batch_norms},
    {"fold_pads", fold_pads},
    {"fuse_scales_and_biases", fuse_scales_and_biases},
    {"recognise_swish", recognise_swish},
    {"fuse_activations", fuse_activations},
    {"drop_dead_channels", drop_dead_channels},
    {"drop_unused", drop_unused},
};

}  // namespace

std::span<const NetworkPass> network_passes() { return kPasses; }

Status simplify(Network& network) {
  for (const NetworkPass& pass : network_passes()) {
    pass.run(network);
    if (Status s = verify(network); !s)
      return internal_error("pass {} left a network that does not verify: {}", pass.name, s.error().message);
  }
  return {};
}

}  // namespace espalier
