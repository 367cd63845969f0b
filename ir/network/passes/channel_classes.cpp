#include "ir/network/passes/channel_classes.h"

#include <algorithm>
#include <numeric>

namespace espalier {
namespace {

/// How a layer treats channels.
enum class Role { kMixes, kCarries, kFixes };

Role role_of(const Network& network, const Layer& layer) {
  const Shape &in = network.input_shape(layer), &out = network.output_shape(layer);
  if (const auto* c = layer.as<Convolution>()) {
    if (c->groups == 1) return Role::kMixes;
    return c->groups == in.c && out.c == in.c ? Role::kCarries : Role::kFixes;
  }
  if (layer.as<FullyConnected>() != nullptr) return Role::kMixes;
  if (layer.as<Pad>() != nullptr) return in.c == out.c ? Role::kCarries : Role::kFixes;
  const bool carries = layer.as<BatchNorm>() || layer.as<Binary>() || layer.as<Unary>() || layer.as<Prelu>() ||
                       layer.as<Pool>() || layer.as<Mean>() || layer.as<Resize>();
  return carries ? Role::kCarries : Role::kFixes;
}

/// Disjoint sets of tensors.
class Sets {
 public:
  explicit Sets(size_t count) : parents_(count) { std::iota(parents_.begin(), parents_.end(), 0u); }
  TensorId find(TensorId tensor) {
    while (parents_[tensor] != tensor) tensor = parents_[tensor] = parents_[parents_[tensor]];
    return tensor;
  }
  void join(TensorId a, TensorId b) { parents_[find(a)] = find(b); }

 private:
  std::vector<TensorId> parents_;
};

class Classifier {
 public:
  explicit Classifier(const Network& network) : network_(network), sets_(network.tensors.size()) {}

  std::vector<ChannelClass> run() {
    for (const Layer& layer : network_.layers)
      if (role_of(network_, layer) == Role::kCarries) join(layer);
    classes_.resize(network_.tensors.size());
    for (TensorId t = 0; t < network_.tensors.size(); ++t) {
      class_of(t).channels = network_.shape_of(t).c;
      class_of(t).tensors.push_back(t);
    }
    for (size_t i = 0; i < network_.layers.size(); ++i) place(i);
    for (const auto* ends : {&network_.inputs, &network_.outputs})
      for (const TensorId tensor : *ends) class_of(tensor).is_fixed = true;
    std::erase_if(classes_, [](const ChannelClass& c) { return c.tensors.empty(); });
    return std::move(classes_);
  }

 private:
  /// An operand of one channel repeats it and stays out.
  bool shares_channels(const Layer& layer, TensorId input) const {
    return network_.shape_of(input).c == network_.output_shape(layer).c;
  }

  void join(const Layer& layer) {
    for (const TensorId input : layer.inputs)
      if (shares_channels(layer, input)) sets_.join(input, layer.output);
  }

  ChannelClass& class_of(TensorId tensor) { return classes_[sets_.find(tensor)]; }

  void place(size_t i) {
    const Layer& layer = network_.layers[i];
    const Role role = role_of(network_, layer);
    if (role == Role::kCarries) {
      class_of(layer.output).carriers.push_back(i);
    } else if (role == Role::kMixes) {
      class_of(layer.output).makers.push_back(i);
      class_of(layer.inputs[0]).readers.push_back(i);
    } else {
      class_of(layer.output).is_fixed = true;
      for (const TensorId input : layer.inputs) class_of(input).is_fixed = true;
    }
  }

  const Network& network_;
  Sets sets_;
  std::vector<ChannelClass> classes_;
};

}  // namespace

std::vector<ChannelClass> channel_classes(const Network& network) { return Classifier(network).run(); }

}  // namespace espalier
