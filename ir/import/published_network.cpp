#include "ir/import/published_network.h"

#include "ir/import/npz.h"
#include "ir/network/zoo/zoo_builder.h"

namespace espalier {
namespace {

constexpr uint32_t kImageSize = 224, kImageChannels = 3, kWindow = 3, kStandInBlock = 4;
constexpr uint64_t kMostStandIn = uint64_t{1} << 24;
/// Of the first convolution and of the depthwise ones.
constexpr uint32_t kFirstStride = 2, kStrides[] = {1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1};

using ArrayShape = std::vector<uint64_t>;

/// Where the sizes of a layer's weights come from.
std::string rule_text(std::string_view name, uint64_t outputs, uint64_t inputs) {
  return fmt::format("'{}_bias' has {} values and {} channels go in", name, outputs, inputs);
}

class Reader {
 public:
  Reader(std::span<const NpzMember> members, const ZooOptions& options)
      : members_(members), options_(options), random_(options.seed) {}

  Result<PublishedNetwork> run() && {
    Network& network = made_.network;
    network.name = "mobilenet_v1";
    const uint32_t size = options_.size == 0 ? kImageSize : options_.size;
    Result<TensorId> x =
        windowed("initial_conv", add_input(network, "image", {1, size, size, kImageChannels}), kFirstStride, false);
    for (size_t i = 0; i < std::size(kStrides); ++i) {
      if (x) x = windowed(fmt::format("depthwise_nxn_{}", i), *x, kStrides[i], true);
      if (x) x = contraction(fmt::format("contraction_1x1_{}", i), *x);
    }
    if (x) x = add_layer(network, "mean", Mean{}, {*x});
    if (x) x = dense(*x);
    if (!x) return std::move(x).error();
    network.outputs = {*x};
    return std::move(made_);
  }

 private:
  Result<TensorId> windowed(const std::string& name, TensorId x, uint32_t stride, bool depthwise) {
    Convolution c;
    c.window = {kWindow, kWindow, stride, stride, 1, 1, {1, 1, 1, 1}};
    const uint32_t inputs = made_.network.shape_of(x).c;
    Result<std::vector<float>> bias = bias_of(name);
    if (!bias) return std::move(bias).error();
    const uint64_t outputs = bias->size(), per_group = depthwise ? 1 : inputs;
    if (depthwise && outputs != inputs)
      return bad_input("array '{}_bias' has shape ({},), but needs ({},): a bias for each channel that goes in", name,
                       outputs, inputs);
    const ArrayShape shape{outputs, per_group, kWindow, kWindow};
    Result<std::vector<float>> weights = array(name, shape, rule_text(name, outputs, inputs));
    if (!weights) return std::move(weights).error();
    c.groups = depthwise ? inputs : 1;
    c.weights = places_first(*weights, outputs, per_group);
    return convolution(name, std::move(c), *std::move(bias), x);
  }

  Result<TensorId> contraction(const std::string& name, TensorId x) {
    Convolution c;
    const uint32_t inputs = made_.network.shape_of(x).c;
    Result<std::vector<float>> bias = bias_of(name);
    if (!bias) return std::move(bias).error();
    const uint64_t outputs = bias->size();
    const bool is_there = find_member(members_, name) != nullptr;
    Result<std::vector<float>> weights =
        is_there ? array(name, {outputs, inputs}, rule_text(name, outputs, inputs)) : stand_in(name, outputs, inputs);
    if (!weights) return std::move(weights).error();
    c.weights = *std::move(weights);
    return convolution(name, std::move(c), *std::move(bias), x);
  }

  Result<TensorId> dense(TensorId x) {
    constexpr const char* kName = "final_dense";
    const uint32_t inputs = made_.network.shape_of(x).c;
    Result<std::vector<float>> bias = bias_of(kName);
    if (!bias) return std::move(bias).error();
    const uint64_t outputs = bias->size();
    Result<std::vector<float>> weights =
        array(fmt::format("{}_kernel", kName), {outputs, inputs}, rule_text(kName, outputs, inputs));
    if (!weights) return std::move(weights).error();
    FullyConnected f{static_cast<uint32_t>(outputs), *std::move(weights), *std::move(bias)};
    return layer(kName, std::move(f), x, {});
  }

  Result<TensorId> convolution(const std::string& name, Convolution c, std::vector<float> bias, TensorId x) {
    c.output_channels = static_cast<uint32_t>(bias.size());
    c.bias = std::move(bias);
    return layer(name, std::move(c), x, Activation::relu());
  }

  Result<TensorId> layer(const std::string& name, Operation operation, TensorId x, const Activation& activation) {
    Result<TensorId> made = add_layer(made_.network, name, std::move(operation), {x}, activation);
    return made ? std::move(made) : std::move(made).error().in(fmt::format("layer '{}'", name));
  }

  Result<std::vector<float>> stand_in(const std::string& name, uint64_t outputs, uint32_t inputs) {
    if (outputs * inputs > kMostStandIn)
      return limit_exceeded("has no array '{}', and a stand-in of {} x {} weights is too large: at most {} are made",
                            name, outputs, inputs, kMostStandIn);
    made_.stand_ins.push_back(name);
    return seeded_weights(random_, static_cast<uint32_t>(outputs), inputs,
                          {options_.sparsity, kStandInBlock, gain_before(Activation::relu())});
  }

  /// Its length says how many channels the layer makes.
  Result<std::vector<float>> bias_of(std::string_view layer) const {
    const std::string name = fmt::format("{}_bias", layer);
    const NpyArray* found = find_member(members_, name);
    if (found == nullptr) return bad_input("has no array '{}', which says how many channels its layer makes", name);
    if (found->shape.size() != 1 || found->shape[0] == 0 || found->shape[0] > kMaxTensorElements)
      return bad_input("array '{}' has shape {}, but needs (N,): a value for each channel that its layer makes", name,
                       shape_text(found->shape));
    return floats_of(name, *found);
  }

  Result<std::vector<float>> array(const std::string& name, const ArrayShape& shape, const std::string& rule) const {
    const NpyArray* found = find_member(members_, name);
    if (found == nullptr) return bad_input("has no array '{}' of shape {}: {}", name, shape_text(shape), rule);
    if (found->shape != shape)
      return bad_input("array '{}' has shape {}, but needs {}: {}", name, shape_text(found->shape), shape_text(shape),
                       rule);
    return floats_of(name, *found);
  }

  static Result<std::vector<float>> floats_of(const std::string& name, const NpyArray& array) {
    Result<std::vector<float>> values = array.floats();
    return values ? std::move(values) : std::move(values).error().in(fmt::format("array '{}'", name));
  }

  /// [outputs][inputs][3][3] to [outputs][3][3][inputs]
  static std::vector<float> places_first(std::span<const float> values, uint64_t outputs, uint64_t inputs) {
    constexpr uint64_t kPlaces = kWindow * kWindow;
    std::vector<float> turned(values.size());
    for (uint64_t o = 0; o < outputs; ++o)
      for (uint64_t i = 0; i < inputs; ++i)
        for (uint64_t p = 0; p < kPlaces; ++p)
          turned[(o * kPlaces + p) * inputs + i] = values[(o * inputs + i) * kPlaces + p];
    return turned;
  }

  std::span<const NpzMember> members_;
  const ZooOptions& options_;
  SeededRandom random_;
  PublishedNetwork made_;
};

}  // namespace

Result<PublishedNetwork> parse_published_mobilenet_v1(std::string_view file_name, Bytes bytes,
                                                      const ZooOptions& options) {
  if (Status s = check_options(options, kImageSize); !s) return std::move(s).error();
  const Result<std::vector<NpzMember>> members = parse_npz(file_name, bytes);
  if (!members) return members.error();
  Result<PublishedNetwork> made = Reader(*members, options).run();
  return made ? std::move(made) : std::move(made).error().in(file_name);
}

}  // namespace espalier
