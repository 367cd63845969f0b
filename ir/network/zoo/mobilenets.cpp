// MobileNetV1 (Howard et al., 2017), V2 (Sandler et al., 2018) and V3 (Howard et al., 2019).
#include <algorithm>

#include "ir/network/zoo/zoo_builder.h"

namespace espalier {
namespace {

struct Separable {
  uint32_t outputs, stride;
};
constexpr Separable kV1[] = {{64, 1},  {128, 2}, {128, 1}, {256, 2}, {256, 1},  {512, 2}, {512, 1},
                             {512, 1}, {512, 1}, {512, 1}, {512, 1}, {1024, 2}, {1024, 1}};

struct V2Stage {
  uint32_t expansion, outputs, repeats, stride;
};
constexpr V2Stage kV2[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                           {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};

/// Channels inside each block of a stage.
using V2Widths = std::vector<uint32_t>;

V2Widths paper_widths(const V2Stage& stage, uint32_t inputs, uint32_t outputs) {
  V2Widths widths(stage.repeats, outputs * stage.expansion);
  widths[0] = inputs * stage.expansion;
  return widths;
}

/// So many channels of a strip of 16 fp32 pixels fill an L1 cache of 32 KiB.
constexpr uint32_t kCachedChannels = 32 * 1024 / (16 * 4);

uint32_t cached_width(const V2Stage& stage, uint32_t channels) {
  return channels * std::max(1u, std::min(stage.expansion, kCachedChannels / channels));
}

/// Multiply-adds for each pixel that comes out.
uint64_t block_cost(uint64_t inputs, uint64_t expanded, uint64_t outputs, uint64_t stride) {
  const uint64_t expansion = expanded == inputs ? 0 : stride * stride * inputs * expanded;
  return expansion + 9 * expanded + expanded * outputs;
}

uint64_t stage_cost(const V2Stage& stage, const V2Widths& widths, uint32_t inputs, uint32_t outputs) {
  uint64_t cost = block_cost(inputs, widths[0], outputs, stage.stride);
  for (size_t i = 1; i < widths.size(); ++i) cost += block_cost(outputs, widths[i], outputs, 1);
  return cost;
}

/// Expansions as wide as the cache allows, and as many more blocks as bring the stage nearest to the work it had.
V2Widths cache_aware_widths(const V2Stage& stage, uint32_t inputs, uint32_t outputs) {
  V2Widths widths(stage.repeats, cached_width(stage, outputs));
  widths[0] = cached_width(stage, inputs);
  const uint64_t wanted = stage_cost(stage, paper_widths(stage, inputs, outputs), inputs, outputs),
                 one = block_cost(outputs, cached_width(stage, outputs), outputs, 1);
  uint64_t cost = stage_cost(stage, widths, inputs, outputs);
  for (; cost + one / 2 < wanted; cost += one) widths.push_back(cached_width(stage, outputs));
  return widths;
}

Result<TensorId> build_v2(ZooBuilder& b, TensorId image,
                          V2Widths (*widths_of)(const V2Stage& stage, uint32_t inputs, uint32_t outputs)) {
  Result<TensorId> x = b.dense_convolution(image, 3, 2, b.scaled(32), Activation::relu6());
  for (const V2Stage& stage : kV2) {
    if (!x) return x;
    const uint32_t outputs = b.scaled(stage.outputs);
    uint32_t stride = stage.stride;
    for (const uint32_t expanded : widths_of(stage, b.channels(*x), outputs)) {
      if (x)
        x = add_inverted_residual(b, *x, {.kernel = 3, .expanded = expanded, .outputs = outputs, .stride = stride});
      stride = 1;
    }
  }
  // A narrow network keeps its features.
  if (x) x = b.pruned_convolution(*x, 1, 1, std::max(1280u, b.scaled(1280)), Activation::relu6());
  if (x) x = b.mean(*x);
  return x ? b.classes(*x, false) : x;
}

struct V3Block {
  uint32_t kernel, expanded, outputs;
  bool excites, hard_swish;
  uint32_t stride;
};
constexpr V3Block kV3Large[] = {
    {3, 16, 16, false, false, 1}, {3, 64, 24, false, false, 2}, {3, 72, 24, false, false, 1},
    {5, 72, 40, true, false, 2},  {5, 120, 40, true, false, 1}, {5, 120, 40, true, false, 1},
    {3, 240, 80, false, true, 2}, {3, 200, 80, false, true, 1}, {3, 184, 80, false, true, 1},
    {3, 184, 80, false, true, 1}, {3, 480, 112, true, true, 1}, {3, 672, 112, true, true, 1},
    {5, 672, 160, true, true, 2}, {5, 960, 160, true, true, 1}, {5, 960, 160, true, true, 1}};
constexpr V3Block kV3Small[] = {{3, 16, 16, true, false, 2}, {3, 72, 24, false, false, 2}, {3, 88, 24, false, false, 1},
                                {5, 96, 40, true, true, 2},  {5, 240, 40, true, true, 1},  {5, 240, 40, true, true, 1},
                                {5, 120, 48, true, true, 1}, {5, 144, 48, true, true, 1},  {5, 288, 96, true, true, 2},
                                {5, 576, 96, true, true, 1}, {5, 576, 96, true, true, 1}};

Activation hard_sigmoid() {
  Activation a = Activation::of(ActivationKind::kHardSigmoid);
  a.alpha = 1.0f / 6;
  a.beta = 0.5f;
  return a;
}

/// Rounded to 8 like ZooBuilder::scaled, but not by the width, which `expanded` has already.
uint32_t quarter(uint32_t expanded) { return std::max(8u, (expanded / 4 + 4) / 8 * 8); }

Result<TensorId> build_v3(ZooBuilder& b, TensorId image, std::span<const V3Block> blocks, uint32_t last,
                          uint32_t features) {
  const Activation hard_swish = Activation::of(ActivationKind::kHardSwish);
  Result<TensorId> x = b.dense_convolution(image, 3, 2, b.scaled(16), hard_swish);
  for (const V3Block& row : blocks) {
    if (!x) return x;
    const uint32_t expanded = b.scaled(row.expanded);
    x = add_inverted_residual(
        b, *x,
        {row.kernel, expanded, b.scaled(row.outputs), row.stride, row.excites ? quarter(expanded) : 0,
         row.hard_swish ? hard_swish : Activation::relu(), Activation::relu(), hard_sigmoid()});
  }
  if (x) x = b.pruned_convolution(*x, 1, 1, b.scaled(last), hard_swish);
  if (x) x = b.mean(*x);
  if (x) x = b.pruned_convolution(*x, 1, 1, std::max(features, b.scaled(features)), hard_swish);
  return x ? b.classes(*x, false) : x;
}

}  // namespace

Result<TensorId> build_mobilenet_v1(ZooBuilder& b, TensorId image) {
  Result<TensorId> x = b.dense_convolution(image, 3, 2, b.scaled(32), Activation::relu6());
  for (const Separable& row : kV1) {
    if (x) x = b.depthwise(*x, 3, row.stride, Activation::relu6());
    if (x) x = b.pruned_convolution(*x, 1, 1, b.scaled(row.outputs), Activation::relu6());
  }
  if (x) x = b.mean(*x);
  return x ? b.classes(*x, false) : x;
}

Result<TensorId> build_mobilenet_v2(ZooBuilder& b, TensorId image) { return build_v2(b, image, paper_widths); }
Result<TensorId> build_mobilenet_v2_cache_aware(ZooBuilder& b, TensorId image) {
  return build_v2(b, image, cache_aware_widths);
}

Result<TensorId> build_mobilenet_v3_large(ZooBuilder& b, TensorId image) {
  return build_v3(b, image, kV3Large, 960, 1280);
}
Result<TensorId> build_mobilenet_v3_small(ZooBuilder& b, TensorId image) {
  return build_v3(b, image, kV3Small, 576, 1024);
}

}  // namespace espalier
