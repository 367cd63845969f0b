#include "ir/network/network_cost.h"

#include <algorithm>

namespace espalier {
namespace {

const std::vector<float>* weights_of(const Layer& layer) {
  if (const auto* c = layer.as<Convolution>()) return &c->weights;
  if (const auto* f = layer.as<FullyConnected>()) return &f->weights;
  return nullptr;
}

}  // namespace

double NetworkCost::sparsity() const {
  return weights == 0 ? 0 : 1 - static_cast<double>(nonzeros) / static_cast<double>(weights);
}

NetworkCost& NetworkCost::operator+=(const NetworkCost& other) {
  weights += other.weights;
  nonzeros += other.nonzeros;
  multiply_adds += other.multiply_adds;
  sparse_multiply_adds += other.sparse_multiply_adds;
  return *this;
}

NetworkCost cost_of(const Network& network, const Layer& layer) {
  const std::vector<float>* weights = weights_of(layer);
  if (weights == nullptr) return {};
  const auto zeros = static_cast<uint64_t>(std::count(weights->begin(), weights->end(), 0.0f));
  const Shape& out = network.output_shape(layer);
  // Every weight belongs to one output channel and works at each of its pixels.
  const uint64_t places = out.n * out.pixels(), nonzeros = weights->size() - zeros;
  return {weights->size(), nonzeros, weights->size() * places, nonzeros * places};
}

NetworkCost cost_of(const Network& network) {
  NetworkCost sum;
  for (const Layer& layer : network.layers) sum += cost_of(network, layer);
  return sum;
}

}  // namespace espalier
