// Layers that compute every element of their output from one element of each operand, or only move elements.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "codegen/layers/layer_code.h"
#include "codegen/layers/loop_builder.h"

namespace espalier {

/// Where an operand's elements stand: that of channel c and pixel p at pixel[p] + c * channel_step, or, where `pixel`
/// is empty, at base + p * pixel_step + c * channel_step. "Pixels" are those of the output, whatever the operand's are;
/// an operand that repeats has steps of 0.
struct ElementOperand {
  LoopBuffer buffer = LoopBuffer::kX0;
  int64_t channel_step = 0, pixel_step = 0, base = 0;
  std::vector<int64_t> pixel{};

  int64_t at(uint64_t p) const { return pixel.empty() ? base + static_cast<int64_t>(p) * pixel_step : pixel[p]; }
};

/// From a channel to the next: the same at every pixel in every layout.
int64_t channel_step(const LayerTensor& tensor);
/// All elements of a tensor, or some of its pixels (in their order) from some channel on.
ElementOperand operand_of(LoopBuffer buffer, const LayerTensor& tensor);
ElementOperand operand_of(LoopBuffer buffer, const LayerTensor& tensor, std::span<const uint32_t> pixels,
                          uint32_t first_channel = 0);

/// Y = value(inputs) over channels x pixels. The value is computed lane by lane; lanes that belong to no element hold
/// anything and are not stored.
struct ElementLoop {
  uint32_t channels = 1;
  uint64_t pixels = 1;
  std::vector<ElementOperand> inputs;
  ElementOperand output;
  std::function<Vec(std::span<const Vec>)> value;
  uint32_t unroll = 4;  ///< vectors per turn of the innermost loop
};

/// Work items for so many elements: about 4096 each, at most 256.
uint32_t item_count(uint64_t elements);

/// Writes the loops: vectors along channels where every operand has them side by side, else along runs of pixels in
/// which all operands advance by one or stay, else one element after the other. Work is divided among the `items` of
/// the program; each element is computed by exactly one.
void write_elements(LoopBuilder& builder, ElementLoop loop, uint32_t items);

}  // namespace espalier
