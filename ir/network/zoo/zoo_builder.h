// What the models of the zoo are made of.
#pragma once

#include "ir/network/zoo/zoo.h"
#include "ir/sparse_matrix.h"

namespace espalier {

/// kBadInput for an option out of range. `own_size`: the model's, for where none is given.
Status check_options(const ZooOptions& options, uint32_t own_size);

struct SeededWeights {
  double sparsity = 0;  ///< share of zeros, exact to the nearest block
  uint32_t block = 1;   ///< so many rows have their zeros in common
  double gain = 1;      ///< variance of a result over that of what goes in
};
std::vector<float> seeded_weights(SeededRandom& random, uint32_t rows, size_t columns, const SeededWeights& wanted);
/// What keeps values from vanishing or exploding where this activation follows.
double gain_before(const Activation& activation);

class ZooBuilder {
 public:
  ZooBuilder(std::string name, const ZooOptions& options);

  TensorId image(uint32_t size);
  /// `channels` times the width, rounded to a multiple of 8 that is at least 0.9 of it.
  uint32_t scaled(uint32_t channels) const;
  uint32_t channels(TensorId x) const { return network_.shape_of(x).c; }

  Result<TensorId> dense_convolution(TensorId x, uint32_t kernel, uint32_t stride, uint32_t outputs,
                                     const Activation& activation);
  Result<TensorId> pruned_convolution(TensorId x, uint32_t kernel, uint32_t stride, uint32_t outputs,
                                      const Activation& activation);
  Result<TensorId> depthwise(TensorId x, uint32_t kernel, uint32_t stride, const Activation& activation);
  /// x times gate(expand(relu-like(squeeze(mean of x)))).
  Result<TensorId> squeeze_excite(TensorId x, uint32_t squeezed, const Activation& inner, const Activation& gate);
  Result<TensorId> sum(TensorId a, TensorId b, const Activation& activation = {});
  Result<TensorId> max_pool(TensorId x, uint32_t kernel, uint32_t stride);
  Result<TensorId> mean(TensorId x);
  /// Matrix to 1000 classes and softmax.
  Result<TensorId> classes(TensorId x, bool pruned);

  Result<Network> finish(Result<TensorId> output) &&;

 private:
  Result<TensorId> convolution(TensorId x, uint32_t kernel, uint32_t stride, uint32_t outputs,
                               const Activation& activation, double sparsity);
  std::vector<float> weights(uint32_t rows, size_t columns, double sparsity, double gain);
  std::vector<float> biases(uint32_t count);
  Result<TensorId> add(std::string_view kind, Operation operation, std::vector<TensorId> inputs,
                       const Activation& activation = {});

  ZooOptions options_;
  SeededRandom random_;
  Network network_;
};

/// An expansion, a depthwise convolution, squeeze-excite where asked for, a projection, and the sum with the input
/// where shapes are equal.
struct InvertedResidual {
  uint32_t kernel, expanded, outputs, stride;
  uint32_t squeezed = 0;  ///< 0: no squeeze-excite
  Activation activation = Activation::relu6(), squeeze_activation = Activation::relu(),
             gate = Activation::of(ActivationKind::kSigmoid);
};
Result<TensorId> add_inverted_residual(ZooBuilder& b, TensorId x, const InvertedResidual& block);

Result<TensorId> build_mobilenet_v1(ZooBuilder& b, TensorId image);  // mobilenets.cpp
Result<TensorId> build_mobilenet_v2(ZooBuilder& b, TensorId image);  // mobilenets.cpp
Result<TensorId> build_mobilenet_v2_cache_aware(ZooBuilder& b, TensorId image);
Result<TensorId> build_mobilenet_v3_large(ZooBuilder& b, TensorId image);  // mobilenets.cpp
Result<TensorId> build_mobilenet_v3_small(ZooBuilder& b, TensorId image);  // mobilenets.cpp
Result<TensorId> build_efficientnet_b0(ZooBuilder& b, TensorId image);     // efficientnets.cpp
Result<TensorId> build_efficientnet_b1(ZooBuilder& b, TensorId image);     // efficientnets.cpp
Result<TensorId> build_efficientnet_lite0(ZooBuilder& b, TensorId image);  // efficientnets.cpp
Result<TensorId> build_resnet50(ZooBuilder& b, TensorId image);            // resnets.cpp

}  // namespace espalier
