#include "codegen/layers/layer_code.h"

namespace espalier {

uint64_t LayerTensor::elements() const {
  const uint64_t pixels = shape.pixels();
  switch (layout.kind) {
    case LayoutKind::kChannelRows:
      return uint64_t{shape.c} * layout.stride;
    case LayoutKind::kPanels:
      return (pixels + layout.panel - 1) / layout.panel * layout.panel * shape.c;
    case LayoutKind::kInterleaved:
      break;
  }
  return pixels * shape.c;
}

uint64_t LayerTensor::place(uint32_t channel, uint32_t pixel) const {
  switch (layout.kind) {
    case LayoutKind::kChannelRows:
      return uint64_t{channel} * layout.stride + pixel;
    case LayoutKind::kPanels:
      return (uint64_t{pixel / layout.panel} * shape.c + channel) * layout.panel + pixel % layout.panel;
    case LayoutKind::kInterleaved:
      break;
  }
  return uint64_t{pixel} * shape.c + channel;
}

}  // namespace espalier
