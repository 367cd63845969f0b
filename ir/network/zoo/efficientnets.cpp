// EfficientNet (Tan, Le, 2019) and EfficientNet-Lite, which has neither squeeze-excite nor swish.
#include <algorithm>
#include <cmath>

#include "ir/network/zoo/zoo_builder.h"

namespace espalier {
namespace {

struct Stage {
  uint32_t expansion, kernel, stride, outputs, repeats;
};
constexpr Stage kStages[] = {{1, 3, 1, 16, 1},  {6, 3, 2, 24, 2},  {6, 5, 2, 40, 2}, {6, 3, 2, 80, 3},
                             {6, 5, 1, 112, 3}, {6, 5, 2, 192, 4}, {6, 3, 1, 320, 1}};

/// What the members of the family differ in.
struct Member {
  double depth;  ///< multiplies the repeats
  Activation activation;
  bool excites, is_lite;
};

Result<TensorId> build(ZooBuilder& b, TensorId image, const Member& member) {
  // Lite models keep the width of their first and last convolution.
  const uint32_t first = member.is_lite ? 32 : b.scaled(32), last = member.is_lite ? 1280 : b.scaled(1280);
  Result<TensorId> x = b.dense_convolution(image, 3, 2, first, member.activation);
  for (const Stage& stage : kStages) {
    const auto repeats = static_cast<uint32_t>(std::ceil(stage.repeats * member.depth));
    for (uint32_t i = 0; i < repeats; ++i) {
      if (!x) return x;
      const uint32_t inputs = b.channels(*x);
      x = add_inverted_residual(b, *x,
                                {stage.kernel, inputs * stage.expansion, b.scaled(stage.outputs),
                                 i == 0 ? stage.stride : 1, member.excites ? std::max(1u, inputs / 4) : 0,
                                 member.activation, member.activation, Activation::of(ActivationKind::kSigmoid)});
    }
  }
  if (x) x = b.pruned_convolution(*x, 1, 1, last, member.activation);
  if (x) x = b.mean(*x);
  return x ? b.classes(*x, true) : x;
}

Activation swish() { return Activation::of(ActivationKind::kSwish); }

}  // namespace

Result<TensorId> build_efficientnet_b0(ZooBuilder& b, TensorId image) {
  return build(b, image, {1, swish(), true, false});
}
Result<TensorId> build_efficientnet_b1(ZooBuilder& b, TensorId image) {
  return build(b, image, {1.1, swish(), true, false});
}
Result<TensorId> build_efficientnet_lite0(ZooBuilder& b, TensorId image) {
  return build(b, image, {1, Activation::relu6(), false, true});
}

}  // namespace espalier
