// What each pass does, and where it must keep its hands off.
#include "ir/network/passes/passes.h"

#include "network_test.h"

namespace espalier::test {
namespace {

constexpr Shape kImage{1, 4, 4, 2};

Convolution pointwise(uint32_t outputs, Floats weights, Floats bias = {}) {
  Convolution c;
  c.output_channels = outputs;
  c.weights = std::move(weights);
  c.bias = std::move(bias);
  return c;
}

std::vector<std::string> kinds(const Network& network) {
  std::vector<std::string> names;
  for (const Layer& layer : network.layers)
    names.emplace_back(kind_name(layer.operation, network.input_shape(layer).c));
  return names;
}

void expect_valid(const Network& network) {
  const Status status = verify(network);
  EXPECT_TRUE(status) << status.error().message;
}

const Convolution& convolution(const Network& network, size_t layer) {
  return *network.layers[layer].as<Convolution>();
}

struct Chain {
  Network network;
  TensorId last;

  explicit Chain(const Shape& shape = kImage) : last(add_input(network, "x", shape)) {}
  Chain& then(Operation operation, const Activation& activation = {}) {
    last = added(network, fmt::format("l{}", network.layers.size()), std::move(operation), {last}, activation);
    network.outputs = {last};
    return *this;
  }
  Chain& combined(BinaryKind kind, const Shape& shape, Floats values, bool constant_first = false) {
    const TensorId k = add_constant(network, "k", shape, std::move(values));
    const std::vector<TensorId> operands = constant_first ? std::vector{k, last} : std::vector{last, k};
    last = added(network, "combined", Binary{kind}, operands);
    network.outputs = {last};
    return *this;
  }
};

TEST(FoldConstants, ComputesWhatDependsOnNoInput) {
  Chain chain;
  const TensorId k = add_constant(chain.network, "k", {1, 1, 1, 2}, {-1, 2});
  const TensorId r = added(chain.network, "r", Unary{}, {k}, Activation::relu());
  const TensorId y = added(chain.network, "y", Binary{}, {chain.last, r});
  chain.network.outputs = {y};
  fold_constants(chain.network);
  EXPECT_THAT(kinds(chain.network), ElementsAre("add"));
  EXPECT_THAT(chain.network.tensors[r].data, ElementsAre(0, 2));
  expect_valid(chain.network);
}

TEST(FoldBatchNorms, GoIntoTheConvolutionBefore) {
  Chain chain;
  chain.then(pointwise(2, {1, 2, 3, 4}, {1, 1})).then(BatchNorm{{2, 1}, {0, 10}, {1, 0}, {4, 1}, 0});
  fold_batch_norms(chain.network);
  EXPECT_THAT(kinds(chain.network), ElementsAre("convolution"));
  EXPECT_THAT(convolution(chain.network, 0).weights, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(convolution(chain.network, 0).bias, ElementsAre(0, 11));
  expect_valid(chain.network);
}

TEST(FoldBatchNorms, TwoInARowBothGo) {
  const BatchNorm doubling{{2, 2}, {0, 0}, {0, 0}, {1, 1}, 0};
  Chain chain;
  chain.then(pointwise(2, {1, 2, 3, 4})).then(doubling).then(doubling);
  fold_batch_norms(chain.network);
  EXPECT_THAT(kinds(chain.network), ElementsAre("convolution"));
  EXPECT_THAT(convolution(chain.network, 0).weights, ElementsAre(4, 8, 12, 16));
}

TEST(FoldBatchNorms, BecomeDepthwiseWhereNothingBeforeTakesThem) {
  const BatchNorm norm{{2, 1}, {0, 10}, {1, 0}, {4, 1}, 0};
  Chain first, behind_activation;
  first.then(norm);
  behind_activation.then(pointwise(2, {1, 2, 3, 4}), Activation::relu()).then(norm);
  fold_batch_norms(first.network);
  fold_batch_norms(behind_activation.network);
  EXPECT_THAT(kinds(first.network), ElementsAre("depthwise_convolution"));
  EXPECT_THAT(convolution(first.network, 0).weights, ElementsAre(1, 1));
  EXPECT_THAT(convolution(first.network, 0).bias, ElementsAre(-1, 10));
  EXPECT_THAT(kinds(behind_activation.network), ElementsAre("convolution", "depthwise_convolution"));
}

TEST(FoldBatchNorms, LeaveAConvolutionThatOthersReadAlone) {
  Chain chain;
  chain.then(pointwise(2, {1, 2, 3, 4}));
  const TensorId shared = chain.last;
  chain.then(BatchNorm{{2, 1}, {0, 0}, {0, 0}, {1, 1}, 0});
  chain.network.outputs.push_back(shared);
  fold_batch_norms(chain.network);
  EXPECT_THAT(kinds(chain.network), ElementsAre("convolution", "depthwise_convolution"));
  EXPECT_THAT(convolution(chain.network, 0).weights, ElementsAre(1, 2, 3, 4));
}

Convolution window3x3() {
  Convolution c = pointwise(1, Floats(18, 1));
  c.window = {3, 3, 1, 1, 1, 1, {0, 0, 1, 1}};
  return c;
}

TEST(FoldPads, GoIntoTheConvolutionBehind) {
  Chain chain;
  chain.then(Pad{{0, 1, 2, 0}, {0, 3, 4, 0}, 0}).then(window3x3());
  fold_pads(chain.network);
  EXPECT_THAT(kinds(chain.network), ElementsAre("convolution"));
  EXPECT_EQ(convolution(chain.network, 0).window.padding, (Padding{1, 2, 4, 5}));
  expect_valid(chain.network);
}

TEST(FoldPads, StayForOtherReaders) {
  Chain chain;
  chain.then(Pad{{0, 1, 1, 0}, {0, 1, 1, 0}, 0});
  const TensorId padded = chain.last;
  chain.then(window3x3());
  chain.network.outputs.push_back(added(chain.network, "pool", Pool{PoolKind::kMax, {2, 2, 1, 1, 1, 1, {}}}, {padded}));
  fold_pads(chain.network);
  EXPECT_THAT(kinds(chain.network), ElementsAre("pad", "convolution", "max_pool"));
  EXPECT_EQ(convolution(chain.network, 1).window.padding, (Padding{1, 1, 2, 2}));
  expect_valid(chain.network);
}

TEST(FoldPads, OfAnotherValueOrAxisStay) {
  Chain value, channels;
  value.then(Pad{{0, 1, 1, 0}, {}, 1}).then(window3x3());
  channels.then(Pad{{0, 0, 0, 1}, {}, 0}).then(pointwise(1, {1, 1, 1}));
  fold_pads(value.network);
  fold_pads(channels.network);
  EXPECT_THAT(kinds(value.network), ElementsAre("pad", "convolution"));
  EXPECT_THAT(kinds(channels.network), ElementsAre("pad", "convolution"));
}

TEST(FuseScalesAndBiases, TakesConstantsPerChannelOrForAll) {
  Chain chain;
  chain.then(pointwise(2, {1, 2, 3, 4}, {1, 1}))
      .combined(BinaryKind::kMultiply, {1, 1, 1, 2}, {2, 3})
      .combined(BinaryKind::kAdd, {1, 1, 1, 1}, {10})
      .combined(BinaryKind::kSubtract, {1, 1, 1, 2}, {100, 200}, true);
  fuse_scales_and_biases(chain.network);
  EXPECT_THAT(kinds(chain.network), ElementsAre("convolution"));
  EXPECT_THAT(convolution(chain.network, 0).weights, ElementsAre(-2, -4, -9, -12));
  EXPECT_THAT(convolution(chain.network, 0).bias, ElementsAre(100 - 12, 200 - 13));
  expect_valid(chain.network);
}

TEST(FuseScalesAndBiases, LeavesConstantsPerPixelAndOtherShapes) {
  Chain pixels, wider({1, 1, 1, 2});
  pixels.then(pointwise(2, {1, 2, 3, 4})).combined(BinaryKind::kAdd, {1, 4, 4, 1}, Floats(16, 1));
  wider.then(pointwise(1, {1, 2})).combined(BinaryKind::kAdd, {1, 1, 1, 3}, {1, 2, 3});
  fuse_scales_and_biases(pixels.network);
  fuse_scales_and_biases(wider.network);
  EXPECT_THAT(kinds(pixels.network), ElementsAre("convolution", "add"));
  EXPECT_THAT(kinds(wider.network), ElementsAre("convolution", "add"));
}

TEST(FuseScalesAndBiases, LeavesWeightsThatWouldNotFitAnyMore) {
  Chain chain;
  chain.then(pointwise(1, {1e30f, 1})).combined(BinaryKind::kMultiply, {1, 1, 1, 1}, {1e30f});
  fuse_scales_and_biases(chain.network);
  EXPECT_THAT(kinds(chain.network), ElementsAre("convolution", "multiply"));
  expect_valid(chain.network);
}

/// x * gate(x), in either order.
Network gated(const Activation& gate, bool gate_first) {
  Network n;
  const TensorId x = add_input(n, "x", kImage), g = added(n, "gate", Unary{}, {x}, gate);
  const std::vector<TensorId> operands = gate_first ? std::vector{g, x} : std::vector{x, g};
  n.outputs = {added(n, "y", Binary{BinaryKind::kMultiply}, operands)};
  return n;
}

Activation hard_sigmoid(float alpha) {
  Activation a = Activation::of(ActivationKind::kHardSigmoid);
  a.alpha = alpha;
  a.beta = 0.5f;
  return a;
}

TEST(RecogniseSwish, FindsGatesInEitherOrder) {
  for (const bool first : {false, true}) {
    Network swish = gated(Activation::of(ActivationKind::kSigmoid), first);
    Network hard = gated(hard_sigmoid(1.0f / 6), first);
    recognise_swish(swish);
    recognise_swish(hard);
    ASSERT_EQ(swish.layers.size(), 1u);
    ASSERT_EQ(hard.layers.size(), 1u);
    EXPECT_EQ(to_string(swish.layers[0].activation), "swish");
    EXPECT_EQ(to_string(hard.layers[0].activation), "hard_swish");
  }
}

TEST(RecogniseSwish, LeavesOtherGates) {
  Network other_slope = gated(hard_sigmoid(0.2f), false), tanh = gated(Activation::of(ActivationKind::kTanh), false);
  recognise_swish(other_slope);
  recognise_swish(tanh);
  EXPECT_EQ(other_slope.layers.size(), 2u);
  EXPECT_EQ(tanh.layers.size(), 2u);
}

/// x * clamp(x + 3, 0, 6) / 6 with the division behind the product or in the gate, the clamp fused or not.
Network written_out(bool sixth_in_gate, bool fused, float shift = 3) {
  Network n;
  const TensorId x = add_input(n, "x", kImage), three = add_constant(n, "three", {}, {shift}),
                 sixth = add_constant(n, "sixth", {}, {1.0f / 6});
  TensorId gate = added(n, "shifted", Binary{}, {x, three}, fused ? Activation::relu6() : Activation{});
  if (!fused) gate = added(n, "clamped", Unary{}, {gate}, Activation::relu6());
  if (sixth_in_gate) gate = added(n, "gate", Binary{BinaryKind::kMultiply}, {gate, sixth});
  TensorId y = added(n, "product", Binary{BinaryKind::kMultiply}, {x, gate});
  if (!sixth_in_gate) y = added(n, "y", Binary{BinaryKind::kMultiply}, {sixth, y});
  n.outputs = {y};
  return n;
}

TEST(RecogniseSwish, FindsHardSwishWrittenOut) {
  for (const bool in_gate : {false, true})
    for (const bool fused : {false, true}) {
      Network n = written_out(in_gate, fused);
      recognise_swish(n);
      ASSERT_EQ(n.layers.size(), 1u) << to_string(n);
      EXPECT_EQ(to_string(n.layers[0].activation), "hard_swish");
      Network other = written_out(in_gate, fused, 2.5f);
      const size_t before = other.layers.size();
      recognise_swish(other);
      EXPECT_EQ(other.layers.size(), before);
    }
}

TEST(FuseActivations, GoIntoTheirProducer) {
  Chain chain;
  chain.then(pointwise(2, {1, 2, 3, 4})).then(Unary{}, Activation::of(ActivationKind::kSwish));
  fuse_activations(chain.network);
  EXPECT_THAT(kinds(chain.network), ElementsAre("convolution"));
  EXPECT_EQ(to_string(chain.network.layers[0].activation), "swish");
  expect_valid(chain.network);
}

TEST(FuseActivations, AClampOfAClampIsOne) {
  Chain chain;
  chain.then(pointwise(2, {1, 2, 3, 4}), Activation::clamped(-2, 4)).then(Unary{}, Activation::relu());
  fuse_activations(chain.network);
  EXPECT_THAT(kinds(chain.network), ElementsAre("convolution"));
  EXPECT_EQ(to_string(chain.network.layers[0].activation), "clamp 0..4");
}

TEST(FuseActivations, StayBehindPoolsOtherFunctionsAndSharedTensors) {
  Chain pool, swish, shared;
  pool.then(Pool{PoolKind::kMax, {2, 2, 1, 1, 1, 1, {}}}).then(Unary{}, Activation::relu());
  swish.then(pointwise(2, {1, 2, 3, 4}), Activation::of(ActivationKind::kSwish)).then(Unary{}, Activation::relu());
  shared.then(pointwise(2, {1, 2, 3, 4}));
  const TensorId plain = shared.last;
  shared.then(Unary{}, Activation::relu());
  shared.network.outputs.push_back(plain);
  for (Chain* chain : {&pool, &swish, &shared}) {
    fuse_activations(chain->network);
    EXPECT_EQ(chain->network.layers.size(), 2u) << to_string(chain->network);
  }
}

Convolution depthwise3(const Padding& padding) {
  Convolution c;
  c.window = {3, 3, 1, 1, 1, 1, padding};
  c.groups = c.output_channels = 3;
  c.weights = counting(27);
  c.bias = {0.5f, 0.25f, 0};
  return c;
}

/// Expansion to 3 channels, of which the first has an empty row with that bias -> depthwise -> projection.
Chain block(float bias, const Padding& padding) {
  Chain chain;
  chain.then(pointwise(3, {0, 0, 1, 2, 3, 4}, {bias, 1, 1}), Activation::relu())
      .then(depthwise3(padding), Activation::relu())
      .then(pointwise(2, {10, 20, 30, 1, 2, 3}, {0, 7}));
  return chain;
}

TEST(DropDeadChannels, PushesAnEmptyRowThroughDepthwiseIntoTheNextBias) {
  Chain chain = block(2, {});
  drop_dead_channels(chain.network);
  // 0.5 + 2 * (1 + ... + 9) = 90.5 is what the projection read in channel 0.
  EXPECT_THAT(convolution(chain.network, 0).weights, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(convolution(chain.network, 0).bias, ElementsAre(1, 1));
  EXPECT_EQ(convolution(chain.network, 1).groups, 2u);
  EXPECT_EQ(convolution(chain.network, 1).weights[0], 10);
  EXPECT_THAT(convolution(chain.network, 1).bias, ElementsAre(0.25f, 0));
  EXPECT_THAT(convolution(chain.network, 2).weights, ElementsAre(20, 30, 2, 3));
  EXPECT_THAT(convolution(chain.network, 2).bias, ElementsAre(905, 97.5f));
  expect_valid(chain.network);
}

TEST(DropDeadChannels, PaddingKeepsAChannelUnlessItIsZero) {
  Chain kept = block(2, {1, 1, 1, 1}), zero = block(-2, {1, 1, 1, 1});
  drop_dead_channels(kept.network);
  drop_dead_channels(zero.network);
  EXPECT_EQ(kept.network.shape_of(1).c, 3u);
  EXPECT_EQ(zero.network.shape_of(1).c, 2u);
  EXPECT_THAT(convolution(zero.network, 2).bias, ElementsAre(5, 7.5f));
  expect_valid(zero.network);
}

TEST(DropDeadChannels, ThatNobodyReadsGoBackToTheirMaker) {
  Chain chain;
  chain.then(pointwise(2, {1, 2, 3, 4}))
      .then(pointwise(3, {1, 0, 2, 0, 5, 6}))
      .then(pointwise(1, {1, 1, 0}));  // channel 2 unread, then its maker's reader of channel 1 is gone too
  drop_dead_channels(chain.network);
  EXPECT_THAT(convolution(chain.network, 2).weights, ElementsAre(1, 1));
  EXPECT_THAT(convolution(chain.network, 1).weights, ElementsAre(1, 2));
  EXPECT_THAT(convolution(chain.network, 0).weights, ElementsAre(1, 2));
  expect_valid(chain.network);
}

TEST(DropDeadChannels, GoThroughSqueezeExciteAndPrelu) {
  Chain chain;
  chain.then(pointwise(3, {0, 0, 1, 2, 3, 4}, {-1, 1, 1}), Activation::relu()).then(Prelu{{1, 2, 3}});
  Network& n = chain.network;
  const TensorId x = chain.last, squeezed = added(n, "mean", Mean{}, {x});
  const TensorId gate =
      added(n, "gate", FullyConnected{3, counting(9), {}}, {squeezed}, Activation::of(ActivationKind::kSigmoid));
  chain.last = added(n, "excited", Binary{BinaryKind::kMultiply}, {x, gate});
  chain.then(pointwise(1, {1, 1, 1}));
  drop_dead_channels(n);
  EXPECT_THAT(n.layers[1].as<Prelu>()->slopes, ElementsAre(2, 3));
  EXPECT_THAT(n.layers[3].as<FullyConnected>()->weights, ElementsAre(5, 6, 8, 9));
  EXPECT_THAT(convolution(n, 5).weights, ElementsAre(1, 1));
  expect_valid(n);
}

TEST(DropDeadChannels, LeaveOutputsConcatenationsAndOneChannelOfEveryTensor) {
  Chain output, joined, all;
  output.then(pointwise(3, {0, 0, 1, 2, 3, 4}));
  joined.then(pointwise(3, {0, 0, 1, 2, 3, 4}));
  joined.last = added(joined.network, "joined", Concat{Axis::kChannel}, {joined.last, joined.last});
  joined.then(pointwise(1, Floats(6, 1)));
  all.then(pointwise(2, {0, 0, 0, 0}, {1, 2})).then(pointwise(1, {10, 100}, {5}));
  for (Chain* chain : {&output, &joined, &all}) {
    drop_dead_channels(chain->network);
    expect_valid(chain->network);
  }
  EXPECT_EQ(output.network.shape_of(1).c, 3u);
  EXPECT_EQ(joined.network.shape_of(1).c, 3u);
  EXPECT_EQ(all.network.shape_of(1).c, 1u);
  EXPECT_THAT(convolution(all.network, 1).weights, ElementsAre(10));
  EXPECT_THAT(convolution(all.network, 1).bias, ElementsAre(205));
}

TEST(DropUnused, RemovesWhatNoOutputNeedsAndRenumbers) {
  Network n;
  add_constant(n, "unread", {}, {1});
  const TensorId x = add_input(n, "x", kImage), ignored = add_input(n, "ignored", kImage);
  added(n, "dead end", Mean{}, {x});
  n.outputs = {added(n, "y", Unary{}, {x}, Activation::relu())};
  drop_unused(n);
  EXPECT_THAT(kinds(n), ElementsAre("activation"));
  EXPECT_THAT(n.inputs, ElementsAre(0, 1));
  EXPECT_THAT(n.outputs, ElementsAre(2));
  EXPECT_EQ(n.tensors.size(), 3u);
  EXPECT_EQ(n.tensors[1].name, "ignored");
  EXPECT_EQ(ignored, 2u);
  expect_valid(n);
}

}  // namespace
}  // namespace espalier::test
