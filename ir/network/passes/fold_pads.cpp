#include <algorithm>

#include "ir/network/passes/passes.h"
#include "ir/network/passes/rewrite.h"

namespace espalier {
namespace {

/// Zeros in height and width only: what a convolution's padding can say.
bool is_image_padding(const Pad& pad) {
  constexpr auto kBatch = static_cast<size_t>(Axis::kBatch), kChannel = static_cast<size_t>(Axis::kChannel);
  return pad.value == 0 && pad.before[kBatch] + pad.after[kBatch] + pad.before[kChannel] + pad.after[kChannel] == 0;
}

Padding sum(const Padding& padding, const Pad& pad) {
  constexpr auto kHeight = static_cast<size_t>(Axis::kHeight), kWidth = static_cast<size_t>(Axis::kWidth);
  return {padding.top + pad.before[kHeight], padding.left + pad.before[kWidth], padding.bottom + pad.after[kHeight],
          padding.right + pad.after[kWidth]};
}

bool within_limit(const Padding& p) { return std::max({p.top, p.left, p.bottom, p.right}) <= kMaxWindow; }

}  // namespace

void fold_pads(Network& network) {
  const Uses uses(network);
  for (Layer& layer : network.layers) {
    auto* convolution = layer.as<Convolution>();
    if (convolution == nullptr) continue;
    // One layer may be padded more than once.
    for (auto producer = uses.producer(layer.inputs[0]); producer; producer = uses.producer(layer.inputs[0])) {
      const auto* pad = network.layers[*producer].as<Pad>();
      if (pad == nullptr || !is_image_padding(*pad)) break;
      const Padding padding = sum(convolution->window.padding, *pad);
      if (!within_limit(padding)) break;
      convolution->window.padding = padding;
      layer.inputs[0] = network.layers[*producer].inputs[0];
    }
  }
  drop_unused(network);
}

}  // namespace espalier
