// From a layer of a network to the loop programs that compute it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ir/loop/loop_program.h"
#include "ir/network/network.h"

namespace espalier {

/// How an activation of shape 1 x h x w x c lies in memory; p = y * w + x is the pixel, units are elements.
enum class LayoutKind : uint8_t {
  kChannelRows,  ///< CHW: element (c, p) at c * stride + p
  kPanels,       ///< pixel panels: at (p / panel) * channels * panel + c * panel + p % panel
  kInterleaved,  ///< HWC: at p * channels + c. What callers hold, and vectors (one pixel)
};
struct ActivationLayout {
  LayoutKind kind = LayoutKind::kInterleaved;
  uint32_t stride = 0;  ///< kChannelRows, >= pixels
  uint32_t panel = 0;   ///< kPanels

  bool operator==(const ActivationLayout&) const = default;
};

/// A tensor at the edge of a layer. What stands in the padding (pixels beyond h * w in rows and panels) means nothing:
/// it may be read and, by whoever writes that channel, be overwritten with anything. Tensors of one pixel are
/// interleaved: vectors.
struct LayerTensor {
  Shape shape;
  ActivationLayout layout;
  std::span<const float> constant{};  ///< of a constant input its values in NHWC order (layout counts not); else empty

  bool is_constant() const { return !constant.empty(); }

  /// Of its buffer: c * stride, panels * c * panel, or h * w * c.
  uint64_t elements() const;
  /// Where channel c of pixel p stands.
  uint64_t place(uint32_t channel, uint32_t pixel) const;
};

/// One call of a program. A layer's steps run one after the other.
struct LayerStep {
  LoopProgram program;
  std::vector<float> weights;  ///< what the program's kWeights buffer holds, in its own order
  uint32_t x0 = 0, x1 = 0;     ///< which of the layer's inputs; x1 counts only where the program has it
  uint32_t strip_rows = 0;     ///< the items are the channels of so many output rows, then those of the next; 0: not so
};

}  // namespace espalier
