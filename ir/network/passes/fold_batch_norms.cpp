#include <cmath>

#include "ir/network/passes/passes.h"
#include "ir/network/passes/rewrite.h"

namespace espalier {
namespace {

/// A batch norm as factor * x + term per channel.
struct Affine {
  std::vector<double> factors, terms;
};

Affine affine_of(const BatchNorm& b) {
  Affine affine;
  for (size_t c = 0; c < b.scale.size(); ++c) {
    const double factor = double{b.scale[c]} / std::sqrt(double{b.variance[c]} + double{b.epsilon});
    affine.factors.push_back(factor);
    affine.terms.push_back(double{b.offset[c]} - double{b.mean[c]} * factor);
  }
  return affine;
}

Convolution as_depthwise(const Affine& affine) {
  Convolution c;
  c.groups = c.output_channels = static_cast<uint32_t>(affine.factors.size());
  for (const double factor : affine.factors) c.weights.push_back(static_cast<float>(factor));
  for (const double term : affine.terms) c.bias.push_back(static_cast<float>(term));
  return c;
}

/// Whether the batch norm's input is made for it alone, by a layer that can take it in.
bool fold_into_producer(Network& network, Uses& uses, size_t i, const Affine& affine, std::vector<bool>& gone) {
  const TensorId input = network.layers[i].inputs[0];
  const auto producer = uses.producer(input);
  if (!producer || !uses.is_read_once(input) || !has_plain_weights(network.layers[*producer])) return false;
  if (!scale_outputs(network.layers[*producer], affine.factors, affine.terms)) return false;
  take_over(network, uses, *producer, i, gone);
  return true;
}

}  // namespace

void fold_batch_norms(Network& network) {
  Uses uses(network);
  std::vector<bool> gone(network.layers.size(), false);
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const auto* norm = network.layers[i].as<BatchNorm>();
    if (norm == nullptr) continue;
    const Affine affine = affine_of(*norm);
    if (fold_into_producer(network, uses, i, affine, gone)) continue;
    Convolution depthwise = as_depthwise(affine);
    if (all_finite(depthwise.weights) && all_finite(depthwise.bias)) network.layers[i].operation = std::move(depthwise);
  }
  remove_layers(network, gone);
}

}  // namespace espalier
