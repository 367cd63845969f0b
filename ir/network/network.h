// A whole network: typed layers over named tensors. What is to be computed, before any choice of layout or code.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ir/network/activation.h"
#include "ir/network/shape.h"

namespace espalier {

/// Y[n, y, x, o] = bias[o] + sum over i, j, k of W[o, i, j, k] * X[n, window row i, window column j, g * K + k], where
/// K = input channels / groups and g = o / (output channels / groups) is o's group. Places in the padding and weights
/// of zero contribute nothing, also where X is not finite. Zeros in W are the sparsity. One group per input channel is
/// a depthwise convolution; its multiplier is output channels / groups.
struct Convolution {
  Window window;
  uint32_t groups = 1;
  uint32_t output_channels = 0;
  std::vector<float> weights;  ///< [output channels][window.height][window.width][input channels / groups]
  std::vector<float> bias;     ///< empty (all zero) or one per output channel

  uint32_t channels_per_group(uint32_t input_channels) const { return input_channels / groups; }
  /// The shape of `weights`, in Shape's order.
  Shape weight_shape(uint32_t input_channels) const {
    return {output_channels, window.height, window.width, channels_per_group(input_channels)};
  }
};

/// Y[n, h, w, o] = bias[o] + sum over k of W[o, k] * X[n, h, w, k]: a matrix product with a constant. Zeros as above.
struct FullyConnected {
  uint32_t output_features = 0;
  std::vector<float> weights;  ///< [output features][input channels]
  std::vector<float> bias;     ///< empty or one per output feature
};

/// Y = scale * (X - mean) / sqrt(variance + epsilon) + offset per channel. fold_batch_norms removes it.
struct BatchNorm {
  std::vector<float> scale, offset, mean, variance;  ///< one per channel
  float epsilon = 0;
};

/// Y = A op B, element by element. An axis on which one operand has size 1 is repeated (squeeze-excite multiplies
/// n x h x w x c by n x 1 x 1 x c). Either operand may be constant.
enum class BinaryKind : uint8_t { kAdd, kSubtract, kMultiply };
struct Binary {
  BinaryKind kind = BinaryKind::kAdd;
};

/// Y = activation(X), where the function is the layer's `activation`: a layer of its own until fused into its producer.
struct Unary {};

/// Y = X where X >= 0, else slope[c] * X.
struct Prelu {
  std::vector<float> slopes;  ///< one per channel
};

/// Average (over the places inside the image, never the padding) or maximum of a window. No dilation; each side's
/// padding is smaller than the window, so every window sees the image.
enum class PoolKind : uint8_t { kAverage, kMax };
struct Pool {
  PoolKind kind = PoolKind::kAverage;
  Window window;
};

/// Mean over height and width: n x 1 x 1 x c.
struct Mean {};

/// Source coordinates of output coordinate i, for `in` inputs and `out` outputs along an axis:
///
///     kAsymmetric    i * in / out
///     kHalfPixel     (i + 0.5) * in / out - 0.5
///     kAlignCorners  i * (in - 1) / (out - 1), or 0 where out is 1
///
/// Bilinear: linear in both axes between the neighbours, coordinates clamped to the image. Nearest: the coordinate
/// rounded, then clamped to the image.
enum class ResizeKind : uint8_t { kNearest, kBilinear };
enum class ResizeCoordinates : uint8_t { kAsymmetric, kHalfPixel, kAlignCorners };
enum class ResizeRounding : uint8_t { kFloor, kCeil, kHalfDown, kHalfUp };
struct Resize {
  ResizeKind kind = ResizeKind::kBilinear;
  ResizeCoordinates coordinates = ResizeCoordinates::kAsymmetric;
  ResizeRounding rounding = ResizeRounding::kFloor;  ///< kNearest only; else kFloor
  uint32_t height = 1, width = 1;                    ///< of the output
};

/// Y[n, y * B + i, x * B + j, c] = X[n, y, x, k], where k = (i * B + j) * C + c with kBlockFirst (TFLite; ONNX "DCR"),
/// k = (c * B + i) * B + j with kChannelFirst (ONNX "CRD"); B = block, C = output channels.
enum class DepthOrder : uint8_t { kBlockFirst, kChannelFirst };
struct DepthToSpace {
  uint32_t block = 1;
  DepthOrder order = DepthOrder::kBlockFirst;
};

/// All inputs one behind the other along an axis.
struct Concat {
  Axis axis = Axis::kChannel;
};

/// Lines of a constant around the tensor, per axis. fold_pads turns it into a convolution's padding where it can.
struct Pad {
  std::array<uint32_t, kAxes> before{}, after{};
  float value = 0;
};

/// The same elements in another shape. They are taken and laid down in NHWC order, or (what ONNX means) in NCHW order.
struct Reshape {
  Shape shape;
  bool channels_first = false;
};

/// exp(beta * X) / sum over channels of exp(beta * X).
struct Softmax {
  float beta = 1;
};

using Operation = std::variant<Convolution, FullyConnected, BatchNorm, Binary, Unary, Prelu, Pool, Mean, Resize,
                               DepthToSpace, Concat, Pad, Reshape, Softmax>;

/// `convolution`, `depthwise_convolution` when every input channel has its own group, `add`, `average_pool`, ...
std::string_view kind_name(const Operation& operation, uint32_t input_channels = 0);

/// A place in Network::tensors.
using TensorId = uint32_t;

/// A value that flows through the network, or a constant.
struct Tensor {
  std::string name;  ///< printable; for people, it need not be unique
  Shape shape;
  std::vector<float> data{};  ///< of a constant: shape.elements() values in NHWC order; else empty

  bool is_constant() const { return !data.empty(); }
};

struct Layer {
  std::string name;  ///< printable; for people
  Operation operation;
  std::vector<TensorId> inputs;
  TensorId output = 0;
  /// Applied to every result before it is rounded. kNone unless takes_activation(operation).
  Activation activation{};

  template <typename T>
  const T* as() const {
    return std::get_if<T>(&operation);
  }
  template <typename T>
  T* as() {
    return std::get_if<T>(&operation);
  }
};

/// Whether a layer of this kind may carry an activation: convolutions, fully connected layers, element-wise
/// operations, and Unary, which must.
bool takes_activation(const Operation& operation);

/// Layers stand in an order in which each reads only network inputs, constants and the outputs of layers before it.
/// Every tensor that is neither constant nor a network input is the output of exactly one layer. Tensors that nobody
/// mentions are legal.
struct Network {
  std::string name;
  std::vector<Tensor> tensors;
  std::vector<Layer> layers;
  std::vector<TensorId> inputs, outputs;

  const Shape& shape_of(TensorId tensor) const { return tensors[tensor].shape; }
  const Shape& input_shape(const Layer& layer, size_t i = 0) const { return shape_of(layer.inputs[i]); }
  const Shape& output_shape(const Layer& layer) const { return shape_of(layer.output); }
};

/// Adds a tensor without data, as a network input.
TensorId add_input(Network& network, std::string name, const Shape& shape);
/// Adds a constant; `data` has shape.elements() values (verify checks it).
TensorId add_constant(Network& network, std::string name, const Shape& shape, std::vector<float> data);
/// Appends a layer and the tensor it makes, named like it, with the shape that inferred_shape gives.
/// Errors: inferred_shape's and check_layer's; the caller puts the layer's name in front.
Result<TensorId> add_layer(Network& network, std::string name, Operation operation, std::vector<TensorId> inputs,
                           const Activation& activation = {});

/// The shape of an operation's result.
/// Errors (kBadInput): the wrong number of inputs, shapes that break the operation's rules; kLimit: too many elements.
Result<Shape> inferred_shape(const Operation& operation, std::span<const Shape> inputs);

/// What inferred_shape, which goes first, does not look at: lengths of weights, biases and other parameters, their
/// values (finite), and the activation. Errors: kBadInput.
Status check_layer(const Layer& layer, std::span<const Shape> inputs);

/// Checks everything that this header promises. Errors: kBadInput and kLimit; messages name the layer, the rule and
/// both values: `layer 3 'conv_1' (convolution): has 12 weights, but shape 4x1x1x6 needs 24`.
Status verify(const Network& network);

/// The network as text: a line per input, per constant, per layer and per output. Constants and weights are described,
/// not listed. (docs/networks.md)
std::string to_string(const Network& network);

/// One line of it.
std::string to_string(const Network& network, const Layer& layer);

}  // namespace espalier
