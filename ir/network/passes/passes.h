// What importers hand over, made simpler: each pass is one file, keeps the network's answer, and leaves it verifiable.
#pragma once

#include <span>

#include "ir/network/network.h"

namespace espalier {

/// Replaces layers whose inputs are all constant by their result (computed by the reference executor), up to 2^22
/// elements; not convolutions, matrix products and pools.
void fold_constants(Network& network);

/// BatchNorm into the weights and bias of the convolution or fully connected layer before it, where nothing else reads
/// that one and it has no activation; any other becomes a depthwise 1x1 convolution. Afterwards there is none, but
/// where its factors do not fit fp32.
void fold_batch_norms(Network& network);

/// Pad by zeros in height and width into the padding of every convolution that reads it.
void fold_pads(Network& network);

/// Multiplication by and addition of a constant per channel (or one for all) into weights and bias of the convolution
/// or fully connected layer before them, where nothing else reads that one and it has no activation.
void fuse_scales_and_biases(Network& network);

/// x * sigmoid(x) to swish; x * hard_sigmoid(x) with alpha 1/6 and beta 1/2, and x * clamp(x + 3, 0, 6) * (1/6) in any
/// order of the products, to hard-swish.
void recognise_swish(Network& network);

/// Unary layers into the producer of what they read, where nothing else reads it and it takes an activation. A clamp of
/// a clamp becomes one.
void fuse_activations(Network& network);

/// Drops every channel that no reader needs, because its weights for it are all zero, or because the channel is
/// constant there and goes into the reader's bias. A convolution's empty row makes a constant channel (its bias through
/// its activation); activations, depthwise convolutions (padded ones only where the constant is 0), batch norms,
/// element-wise operations and means carry it on. Sums that go into a bias are computed in double and rounded once.
void drop_dead_channels(Network& network);

/// Removes layers, constants and tensors that no output needs, and renumbers the rest. Inputs stay.
void drop_unused(Network& network);

struct NetworkPass {
  std::string_view name;
  void (*run)(Network&);
};

/// All of them, in the order in which they run.
std::span<const NetworkPass> network_passes();

/// Runs network_passes() and verifies after each. Errors: kInternal, naming the pass.
Status simplify(Network& network);

}  // namespace espalier
