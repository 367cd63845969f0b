#include "codegen/layers/generators.h"

namespace espalier {

LayerSteps single_step(LoopBuilder& b, std::vector<float> weights, uint32_t x0, uint32_t x1) {
  b.set_elements(LoopBuffer::kWeights, weights.size());
  auto program = b.finish();
  if (!program) return std::move(program).error();
  std::vector<LayerStep> steps;
  steps.push_back({*std::move(program), std::move(weights), x0, x1});
  return steps;
}

void set_tensor(LoopBuilder& b, LoopBuffer buffer, const LayerTensor& tensor) {
  b.set_elements(buffer, tensor.elements());
}

Affine element_at(LoopBuilder& b, const LayerTensor& tensor, const Affine& channel, const Affine& pixel) {
  const int64_t channels = tensor.shape.c, panel = tensor.layout.panel;
  switch (tensor.layout.kind) {
    case LayoutKind::kChannelRows:
      return channel * tensor.layout.stride + pixel;
    case LayoutKind::kPanels: {
      const Index p = b.index(pixel);
      return Affine(b.divide(p, panel)) * (channels * panel) + channel * panel + Affine(b.modulo(p, panel));
    }
    case LayoutKind::kInterleaved:
      break;
  }
  return pixel * channels + channel;
}

void for_vectors(LoopBuilder& b, uint64_t count, const std::function<void(const Affine&, uint32_t)>& body) {
  const uint32_t lanes = b.lanes();
  const auto whole = static_cast<int64_t>(count / lanes * lanes), rest = static_cast<int64_t>(count) - whole;
  if (whole == lanes)
    body(Affine(0), lanes);
  else if (whole > 0)
    b.loop(0, whole, lanes, [&](Index i) { body(Affine(i), lanes); });
  if (rest > 0) body(Affine(whole), static_cast<uint32_t>(rest));
}

Runs runs_of(const LayerTensor& tensor) {
  const Shape& shape = tensor.shape;
  const auto pixels = static_cast<uint32_t>(shape.pixels());
  switch (tensor.layout.kind) {
    case LayoutKind::kChannelRows:
      return {shape.c, tensor.layout.stride};
    case LayoutKind::kPanels:
      return {(pixels + tensor.layout.panel - 1) / tensor.layout.panel * shape.c, tensor.layout.panel};
    case LayoutKind::kInterleaved:
      break;
  }
  return {pixels, shape.c};
}

}  // namespace espalier
