// A network for people: one line per layer.
#include <algorithm>

#include "ir/network/network.h"

namespace espalier {
namespace {

std::string window_text(const Window& w) {
  std::string text = fmt::format("{}x{}", w.height, w.width);
  if (w.stride_height != 1 || w.stride_width != 1)
    text += fmt::format(" stride {}x{}", w.stride_height, w.stride_width);
  if (w.dilation_height != 1 || w.dilation_width != 1)
    text += fmt::format(" dilation {}x{}", w.dilation_height, w.dilation_width);
  const Padding& p = w.padding;
  if (w.is_padded()) text += fmt::format(" padding {},{},{},{}", p.top, p.left, p.bottom, p.right);
  return text;
}

std::string weights_text(const std::vector<float>& weights, const std::vector<float>& bias) {
  const auto zeros = static_cast<double>(std::count(weights.begin(), weights.end(), 0.0f));
  const double share = weights.empty() ? 0 : 100 * zeros / static_cast<double>(weights.size());
  return fmt::format("{} weights, {:.1f}% zeros{}", weights.size(), share, bias.empty() ? "" : ", bias");
}

constexpr std::string_view kCoordinates[] = {"asymmetric", "half_pixel", "align_corners"};
constexpr std::string_view kRoundings[] = {"floor", "ceil", "half_down", "half_up"};
constexpr std::string_view kAxisNames[kAxes] = {"batch", "height", "width", "channels"};

std::string parameters(const Convolution& c) {
  const std::string groups = c.groups == 1 ? "" : fmt::format(" groups {}", c.groups);
  return fmt::format("{}{}, {}", window_text(c.window), groups, weights_text(c.weights, c.bias));
}
std::string parameters(const FullyConnected& f) { return weights_text(f.weights, f.bias); }
std::string parameters(const BatchNorm& b) { return fmt::format("epsilon {}", b.epsilon); }
std::string parameters(const Pool& p) { return window_text(p.window); }
std::string parameters(const DepthToSpace& d) {
  return fmt::format("block {}, {}", d.block, d.order == DepthOrder::kBlockFirst ? "block first" : "channel first");
}
std::string parameters(const Concat& c) { return std::string(kAxisNames[static_cast<size_t>(c.axis)]); }
std::string parameters(const Reshape& r) { return r.channels_first ? "in NCHW order" : ""; }
std::string parameters(const Softmax& s) { return s.beta == 1 ? "" : fmt::format("beta {}", s.beta); }

std::string parameters(const Resize& r) {
  const std::string_view coordinates = kCoordinates[static_cast<size_t>(r.coordinates)];
  if (r.kind == ResizeKind::kBilinear) return std::string(coordinates);
  return fmt::format("{} {}", coordinates, kRoundings[static_cast<size_t>(r.rounding)]);
}

std::string parameters(const Pad& p) {
  std::string text;
  for (size_t a = 0; a < kAxes; ++a)
    if (p.before[a] != 0 || p.after[a] != 0) text += fmt::format("{} {}+{}, ", kAxisNames[a], p.before[a], p.after[a]);
  return text + fmt::format("value {}", p.value);
}

/// Binary, Unary, Prelu and Mean say all with their name.
template <typename T>
std::string parameters(const T&) {
  return {};
}

std::string tensor_text(const Network& network, TensorId id) {
  const Tensor& tensor = network.tensors[id];
  return fmt::format("%{} {} {}", id, tensor.name, to_string(tensor.shape));
}

std::string references(const std::vector<TensorId>& tensors) {
  std::string text;
  for (const TensorId tensor : tensors) text += fmt::format("{}%{}", text.empty() ? "" : ", ", tensor);
  return text;
}

}  // namespace

std::string to_string(const Network& network, const Layer& layer) {
  const uint32_t channels = layer.inputs.empty() ? 0 : network.input_shape(layer).c;
  const std::string described = std::visit([](const auto& typed) { return parameters(typed); }, layer.operation);
  const std::string activation = to_string(layer.activation);
  std::string text = fmt::format("{} = {}({})", tensor_text(network, layer.output),
                                 kind_name(layer.operation, channels), references(layer.inputs));
  if (!described.empty()) text += " " + described;
  if (!activation.empty()) text += ", " + activation;
  return text;
}

std::string to_string(const Network& network) {
  std::string text = fmt::format("network {}\n", network.name);
  for (const TensorId input : network.inputs) text += fmt::format("input {}\n", tensor_text(network, input));
  for (TensorId id = 0; id < network.tensors.size(); ++id)
    if (network.tensors[id].is_constant()) text += fmt::format("constant {}\n", tensor_text(network, id));
  for (const Layer& layer : network.layers) text += to_string(network, layer) + "\n";
  for (const TensorId output : network.outputs) text += fmt::format("output %{}\n", output);
  return text;
}

}  // namespace espalier
