#include "codegen/layers/movement_layers.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "codegen/layers/element_loop.h"

namespace espalier {
namespace {

using Pixels = std::vector<uint32_t>;

Pixels all_pixels(const Shape& shape) {
  Pixels pixels(shape.pixels());
  std::iota(pixels.begin(), pixels.end(), 0u);
  return pixels;
}

Vec same(std::span<const Vec> in) { return in[0]; }

void write_moves(StepBuilder& step, std::vector<ElementLoop> loops) {
  uint64_t elements = 0;
  for (const ElementLoop& loop : loops) elements += loop.channels * loop.pixels;
  const uint32_t items = item_count(elements);
  step.loops().set_items(items);
  for (ElementLoop& loop : loops) write_elements(step.loops(), std::move(loop), items);
}

LayerSteps moved(const LayerRequest& r, ElementLoop loop) {
  StepBuilder step(r.name, r.target, r.output);
  step.set_input(LoopBuffer::kX0, 0, r.inputs[0]);
  loop.value = same;
  write_moves(step, {std::move(loop)});
  return step.finish_layer();
}

/// Where the pixels of a tensor stand in a larger one, `top` lines and `left` columns further on.
Pixels shifted_pixels(const Shape& shape, const Shape& larger, uint32_t top, uint32_t left) {
  Pixels pixels;
  for (uint32_t y = 0; y < shape.h; ++y)
    for (uint32_t x = 0; x < shape.w; ++x) pixels.push_back((y + top) * larger.w + x + left);
  return pixels;
}

/// Part `i` of a concatenation, from `before` on along its axis.
Result<LayerStep> concat_step(const LayerRequest& r, size_t i, uint32_t before) {
  const LayerTensor& input = r.inputs[i];
  std::array<uint32_t, kAxes> offset{};
  offset[static_cast<size_t>(r.layer.as<Concat>()->axis)] = before;
  const Pixels places = shifted_pixels(input.shape, r.output.shape, offset[1], offset[2]);
  ElementLoop loop{input.shape.c, input.shape.pixels(), {operand_of(LoopBuffer::kX0, input)}, {}, same, 4};
  loop.output = operand_of(LoopBuffer::kY, r.output, places, offset[3]);
  StepBuilder step(r.inputs.size() == 1 ? r.name : fmt::format("{}_{}", r.name, i), r.target, r.output);
  step.set_input(LoopBuffer::kX0, i, input);
  write_moves(step, {std::move(loop)});
  return step.finish();
}

/// Elements by their place in one order of both shapes, NHWC or NCHW.
ElementOperand elements_in_order(LoopBuffer buffer, const LayerTensor& tensor, bool channels_first) {
  const auto channels = static_cast<uint32_t>(tensor.shape.c), pixels = static_cast<uint32_t>(tensor.shape.pixels());
  ElementOperand operand{buffer, 0, 0, 0, {}};
  operand.pixel.reserve(tensor.shape.elements());
  for (uint32_t i = 0; i < tensor.shape.elements(); ++i) {
    const uint32_t c = channels_first ? i / pixels : i % channels, p = channels_first ? i % pixels : i / channels;
    operand.pixel.push_back(static_cast<int64_t>(tensor.place(c, p)));
  }
  return operand;
}

/// Whether elements stand in that order without gaps; a tensor of one pixel has one order only.
bool stands_in_order(const LayerTensor& t, bool channels_first) {
  if (t.shape.c > 1 && t.shape.pixels() == 1) return channel_step(t) == 1;
  if (t.shape.c == 1) return t.layout.kind != LayoutKind::kPanels || t.shape.pixels() <= t.layout.panel;
  if (channels_first) return t.layout.kind == LayoutKind::kChannelRows && t.layout.stride == t.shape.pixels();
  return t.layout.kind == LayoutKind::kInterleaved;
}

/// A line of elements as a tensor of another shape with the same order.
LayerTensor seen_as(const Shape& shape, bool channels_first) {
  if (channels_first) return {shape, {LayoutKind::kChannelRows, static_cast<uint32_t>(shape.pixels()), 0}};
  return {shape, {LayoutKind::kInterleaved, 0, 0}};
}

ElementLoop conversion_loop(const LayerTensor& from, const LayerTensor& to) {
  ElementLoop loop{to.shape.c, to.shape.pixels(), {operand_of(LoopBuffer::kX0, from)}, {}, same, 4};
  loop.output = operand_of(LoopBuffer::kY, to);
  return loop;
}

/// The parts of a Pad: the constant around the input. Channels before and after it, and in between the pixels around.
class PadLoops {
 public:
  PadLoops(const LayerRequest& r, Vec value)
      : r_(r), pad_(*r.layer.as<Pad>()), fill_([value](std::span<const Vec>) { return value; }) {}

  std::vector<ElementLoop> all() const {
    const Shape &in = r_.inputs[0].shape, &out = r_.output.shape;
    const Pixels inside = shifted_pixels(in, out, pad_.before[1], pad_.before[2]), every = all_pixels(out);
    Pixels around;
    std::ranges::set_difference(every, inside, std::back_inserter(around));
    ElementLoop copy = filled(in.c, inside, pad_.before[3]);
    copy.inputs = {operand_of(LoopBuffer::kX0, r_.inputs[0])};
    copy.value = same;
    return {std::move(copy), filled(in.c, around, pad_.before[3]), filled(pad_.before[3], every, 0),
            filled(pad_.after[3], every, pad_.before[3] + in.c)};
  }

 private:
  ElementLoop filled(uint32_t channels, const Pixels& pixels, uint32_t first_channel) const {
    ElementLoop loop{channels, pixels.size(), {}, {}, fill_, 4};
    if (channels > 0) loop.output = operand_of(LoopBuffer::kY, r_.output, pixels, first_channel);
    return loop;
  }

  const LayerRequest& r_;
  const Pad& pad_;
  std::function<Vec(std::span<const Vec>)> fill_;
};

}  // namespace

LayerSteps concat_steps(const LayerRequest& r) {
  std::vector<LayerStep> steps;
  uint32_t before = 0;
  for (size_t i = 0; i < r.inputs.size(); ++i) {
    auto step = concat_step(r, i, before);
    if (!step) return std::move(step).error();
    steps.push_back(*std::move(step));
    before += r.inputs[i].shape[r.layer.as<Concat>()->axis];
  }
  return steps;
}

LayerSteps pad_steps(const LayerRequest& r) {
  StepBuilder step(r.name, r.target, r.output);
  step.set_input(LoopBuffer::kX0, 0, r.inputs[0]);
  const Vec value = step.loops().constant(r.layer.as<Pad>()->value);
  write_moves(step, PadLoops(r, value).all());
  return step.finish_layer();
}

LayerSteps reshape_steps(const LayerRequest& r) {
  const bool channels_first = r.layer.as<Reshape>()->channels_first;
  const LayerTensor &in = r.inputs[0], &out = r.output;
  if (in.shape == out.shape) return moved(r, conversion_loop(in, out));
  if (stands_in_order(out, channels_first)) return moved(r, conversion_loop(in, seen_as(in.shape, channels_first)));
  if (stands_in_order(in, channels_first)) return moved(r, conversion_loop(seen_as(out.shape, channels_first), out));
  ElementLoop loop{1, in.shape.elements(), {elements_in_order(LoopBuffer::kX0, in, channels_first)}, {}, same, 4};
  loop.output = elements_in_order(LoopBuffer::kY, out, channels_first);
  return moved(r, std::move(loop));
}

// Output (y, x, c) is input (y / B, x / B), channel place * C + c or c * B * B + place; place = (y % B) * B + x % B.
LayerSteps depth_to_space_steps(const LayerRequest& r) {
  const DepthToSpace& operation = *r.layer.as<DepthToSpace>();
  const Shape& shape = r.output.shape;
  const uint32_t block = operation.block;
  const bool block_first = operation.order == DepthOrder::kBlockFirst;
  ElementOperand from{
      LoopBuffer::kX0, channel_step(r.inputs[0]) * (block_first ? 1 : int64_t{block} * block), 0, 0, {}};
  for (uint32_t y = 0; y < shape.h; ++y)
    for (uint32_t x = 0; x < shape.w; ++x) {
      const uint32_t place = y % block * block + x % block, pixel = y / block * r.inputs[0].shape.w + x / block;
      from.pixel.push_back(static_cast<int64_t>(r.inputs[0].place(block_first ? place * shape.c : place, pixel)));
    }
  ElementLoop loop{shape.c, shape.pixels(), {std::move(from)}, operand_of(LoopBuffer::kY, r.output), same, 4};
  return moved(r, std::move(loop));
}

Result<LayerStep> conversion_step(const LayerTensor& from, const LayerTensor& to, const Target& target,
                                  std::string name) {
  StepBuilder step(std::move(name), target, to);
  step.set_input(LoopBuffer::kX0, 0, from);
  write_moves(step, {conversion_loop(from, to)});
  return step.finish();
}

}  // namespace espalier
