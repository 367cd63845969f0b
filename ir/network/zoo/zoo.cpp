#include "ir/network/zoo/zoo.h"

#include "ir/network/zoo/zoo_builder.h"

namespace espalier {
namespace {

constexpr ZooModel kModels[] = {
    {"mobilenet_v1", "13 depthwise-separable blocks", 224, build_mobilenet_v1},
    {"mobilenet_v2", "17 inverted residuals", 224, build_mobilenet_v2},
    {"mobilenet_v2_cache_aware", "21 inverted residuals of at most 512 channels; widths by our rule, not the paper's",
     224, build_mobilenet_v2_cache_aware},
    {"mobilenet_v3_large", "15 inverted residuals, squeeze-excite, hard-swish", 224, build_mobilenet_v3_large},
    {"mobilenet_v3_small", "11 inverted residuals, squeeze-excite, hard-swish", 224, build_mobilenet_v3_small},
    {"efficientnet_b0", "16 inverted residuals, squeeze-excite, swish", 224, build_efficientnet_b0},
    {"efficientnet_b1", "23 inverted residuals, squeeze-excite, swish", 240, build_efficientnet_b1},
    {"efficientnet_lite0", "16 inverted residuals, ReLU6", 224, build_efficientnet_lite0},
    {"resnet50", "16 bottlenecks of 1x1 and 3x3 convolutions", 224, build_resnet50},
};

constexpr uint32_t kLeastSize = 32, kMostSize = 4096, kMostBlock = 64;
constexpr double kLeastWidth = 0.1, kMostWidth = 4;

std::string known_models() {
  std::string names;
  for (const ZooModel& model : kModels) names += fmt::format("{}{}", names.empty() ? "" : ", ", model.name);
  return names;
}

}  // namespace

Status check_options(const ZooOptions& o, uint32_t own_size) {
  const uint32_t size = o.size == 0 ? own_size : o.size;
  if (!(o.width >= kLeastWidth && o.width <= kMostWidth))
    return bad_input("width is {}, but must be in {}..{}", o.width, kLeastWidth, kMostWidth);
  if (!(o.sparsity >= 0 && o.sparsity < 1)) return bad_input("sparsity is {}, but must be in [0, 1)", o.sparsity);
  if (o.block < 1 || o.block > kMostBlock) return bad_input("block is {}, but must be in 1..{}", o.block, kMostBlock);
  if (size < kLeastSize || size > kMostSize)
    return bad_input("size is {}, but must be in {}..{}", size, kLeastSize, kMostSize);
  return {};
}

std::span<const ZooModel> zoo_models() { return kModels; }

Result<Network> zoo_network(std::string_view name, const ZooOptions& options) {
  for (const ZooModel& model : kModels) {
    if (model.name != name) continue;
    if (Status s = check_options(options, model.size); !s) return std::move(s).error();
    ZooBuilder builder(std::string(name), options);
    const TensorId image = builder.image(options.size == 0 ? model.size : options.size);
    Result<TensorId> output = model.build(builder, image);
    return std::move(builder).finish(std::move(output));
  }
  return bad_input("no model '{}', known models are {}", name, known_models());
}

}  // namespace espalier
