// ResNet-50 (He et al., 2016), with the stride in the 3x3 convolutions.
#include "ir/network/zoo/zoo_builder.h"

namespace espalier {
namespace {

struct Stage {
  uint32_t width, repeats, stride;
};
constexpr Stage kStages[] = {{64, 3, 1}, {128, 4, 2}, {256, 6, 2}, {512, 3, 2}};
constexpr uint32_t kExpansion = 4;

Result<TensorId> add_bottleneck(ZooBuilder& b, TensorId x, uint32_t width, uint32_t stride) {
  const uint32_t outputs = width * kExpansion;
  Result<TensorId> shortcut = x, y = b.pruned_convolution(x, 1, 1, width, Activation::relu());
  if (stride != 1 || b.channels(x) != outputs) shortcut = b.pruned_convolution(x, 1, stride, outputs, {});
  if (y) y = b.pruned_convolution(*y, 3, stride, width, Activation::relu());
  if (y) y = b.pruned_convolution(*y, 1, 1, outputs, {});
  if (!shortcut) return shortcut;
  return y ? b.sum(*shortcut, *y, Activation::relu()) : y;
}

}  // namespace

Result<TensorId> build_resnet50(ZooBuilder& b, TensorId image) {
  Result<TensorId> x = b.dense_convolution(image, 7, 2, b.scaled(64), Activation::relu());
  if (x) x = b.max_pool(*x, 3, 2);
  for (const Stage& stage : kStages)
    for (uint32_t i = 0; i < stage.repeats; ++i)
      if (x) x = add_bottleneck(b, *x, b.scaled(stage.width), i == 0 ? stage.stride : 1);
  if (x) x = b.mean(*x);
  return x ? b.classes(*x, false) : x;
}

}  // namespace espalier
