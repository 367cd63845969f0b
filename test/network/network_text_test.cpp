#include "ir/network/network_cost.h"
#include "network_test.h"

namespace espalier::test {
namespace {

Convolution stem() {
  Convolution c;
  c.window = {3, 3, 2, 2, 1, 1, {0, 0, 1, 1}};
  c.output_channels = 4;
  c.weights = Floats(4 * 9 * 2, 0);
  c.weights[0] = 1;
  c.bias = Floats(4, 1);
  return c;
}

Convolution depthwise() {
  Convolution c;
  c.window = {1, 3, 1, 1, 1, 2, {0, 2, 0, 2}};
  c.groups = c.output_channels = 4;
  c.weights = Floats(12, 1);
  return c;
}

/// A layer of every kind.
Network everything() {
  Network n;
  n.name = "everything";
  TensorId x = add_input(n, "image", {1, 8, 8, 2});
  x = added(n, "stem", stem(), {x}, Activation::relu6());
  x = added(n, "depthwise", depthwise(), {x});
  x = added(n, "norm", BatchNorm{Floats(4, 1), Floats(4, 0), Floats(4, 0), Floats(4, 1), 0.5f}, {x});
  x = added(n, "swish", Unary{}, {x}, Activation::of(ActivationKind::kSwish));
  x = added(n, "prelu", Prelu{Floats(4, 1)}, {x});
  const TensorId mean = added(n, "mean", Mean{}, {x});
  const TensorId k = add_constant(n, "half", {1, 1, 1, 1}, {0.5f});
  const TensorId gate = added(n, "gate", Binary{BinaryKind::kSubtract}, {mean, k});
  x = added(n, "scaled", Binary{BinaryKind::kMultiply}, {x, gate});
  x = added(n, "pool", Pool{PoolKind::kMax, {2, 2, 2, 2, 1, 1, {}}}, {x});
  x = added(n, "up", Resize{ResizeKind::kBilinear, ResizeCoordinates::kHalfPixel, ResizeRounding::kFloor, 4, 4}, {x});
  x = added(n, "down", Resize{ResizeKind::kNearest, ResizeCoordinates::kAlignCorners, ResizeRounding::kHalfUp, 2, 2},
            {x});
  x = added(n, "space", DepthToSpace{2}, {x});
  x = added(n, "pad", Pad{{0, 1, 0, 0}, {0, 0, 2, 0}, -1}, {x});
  x = added(n, "twice", Concat{Axis::kChannel}, {x, x});
  x = added(n, "flat", Reshape{{1, 1, 1, 60}, true}, {x});
  x = added(n, "logits", FullyConnected{2, Floats(120, 1), {1, 2}}, {x});
  n.outputs = {added(n, "classes", Softmax{2}, {x}), gate};
  return n;
}

TEST(NetworkText, HasALinePerLayer) {
  const Network network = everything();
  const Status status = verify(network);
  EXPECT_TRUE(status) << status.error().message;
  EXPECT_EQ(to_string(network),
            R"(network everything
input %0 image 1x8x8x2
constant %7 half 1x1x1x1
%1 stem 1x4x4x4 = convolution(%0) 3x3 stride 2x2 padding 0,0,1,1, 72 weights, 98.6% zeros, bias, relu6
%2 depthwise 1x4x4x4 = depthwise_convolution(%1) 1x3 dilation 1x2 padding 0,2,0,2 groups 4, 12 weights, 0.0% zeros
%3 norm 1x4x4x4 = batch_norm(%2) epsilon 0.5
%4 swish 1x4x4x4 = activation(%3), swish
%5 prelu 1x4x4x4 = prelu(%4)
%6 mean 1x1x1x4 = mean(%5)
%8 gate 1x1x1x4 = subtract(%6, %7)
%9 scaled 1x4x4x4 = multiply(%5, %8)
%10 pool 1x2x2x4 = max_pool(%9) 2x2 stride 2x2
%11 up 1x4x4x4 = resize_bilinear(%10) half_pixel
%12 down 1x2x2x4 = resize_nearest(%11) align_corners half_up
%13 space 1x4x4x1 = depth_to_space(%12) block 2, block first
%14 pad 1x5x6x1 = pad(%13) height 1+0, width 0+2, value -1
%15 twice 1x5x6x2 = concat(%14, %14) channels
%16 flat 1x1x1x60 = reshape(%15) in NCHW order
%17 logits 1x1x1x2 = fully_connected(%16) 120 weights, 0.0% zeros, bias
%18 classes 1x1x1x2 = softmax(%17) beta 2
output %18
output %8
)");
}

TEST(NetworkCost, CountsEveryWeightAtEveryPixel) {
  const Network network = everything();
  const NetworkCost stem_cost = cost_of(network, network.layers[0]);
  EXPECT_EQ(stem_cost.weights, 72u);
  EXPECT_EQ(stem_cost.nonzeros, 1u);
  EXPECT_EQ(stem_cost.multiply_adds, 72u * 16);
  EXPECT_EQ(stem_cost.sparse_multiply_adds, 16u);
  EXPECT_DOUBLE_EQ(stem_cost.sparsity(), 71.0 / 72);
  EXPECT_EQ(cost_of(network, network.layers[3]).weights, 0u);
  EXPECT_EQ(cost_of(network).multiply_adds, 72u * 16 + 12 * 16 + 120);
  EXPECT_EQ(cost_of(network).sparse_multiply_adds, 16u + 12 * 16 + 120);
}

}  // namespace
}  // namespace espalier::test
