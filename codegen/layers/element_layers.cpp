#include "codegen/layers/element_layers.h"

#include <algorithm>
#include <cmath>

#include "codegen/layers/activation_code.h"
#include "codegen/layers/element_loop.h"

namespace espalier {
namespace {

bool is_alike(const LayerTensor& a, const LayerTensor& b) { return a.shape == b.shape && a.layout == b.layout; }

/// Operands of one layout and shape need no order: their buffers are lines. Not where half of the line is padding.
bool is_line(const LayerTensor& tensor) { return tensor.elements() < 2 * tensor.shape.elements(); }

ElementOperand line_of(LoopBuffer buffer, int64_t base) { return {buffer, 0, 1, base, {}}; }

/// The operand's elements by the pixels of the output: what has size 1 repeats.
ElementOperand repeated(LoopBuffer buffer, const LayerTensor& tensor, const Shape& output) {
  const Shape& s = tensor.shape;
  std::vector<uint32_t> pixels;
  for (uint32_t y = 0; y < output.h; ++y)
    for (uint32_t x = 0; x < output.w; ++x) pixels.push_back((s.h == 1 ? 0 : y) * s.w + (s.w == 1 ? 0 : x));
  ElementOperand operand = operand_of(buffer, tensor, pixels);
  if (s.c == 1) operand.channel_step = 0;
  return operand;
}

/// A constant laid out as the output is.
LayerTensor laid_out(const LayerTensor& constant, const LayerTensor& output) {
  LayerTensor tensor = constant;
  tensor.layout = output.layout;
  if (tensor.layout.kind == LayoutKind::kChannelRows && constant.shape != output.shape)
    tensor.layout.stride = static_cast<uint32_t>(constant.shape.pixels());
  return tensor;
}

std::vector<float> values_of(const LayerTensor& tensor) {
  std::vector<float> values(tensor.elements());
  const uint32_t channels = tensor.shape.c;
  for (size_t i = 0; i < tensor.constant.size(); ++i)
    values[tensor.place(static_cast<uint32_t>(i % channels), static_cast<uint32_t>(i / channels))] = tensor.constant[i];
  return values;
}

/// A Binary layer's step while its operands are put into buffers.
struct BinaryStep {
  const LayerRequest& request;
  StepBuilder step;
  bool is_one_line = true;
  LoopBuffer next = LoopBuffer::kX0;
  ElementOperand operands[2];

  explicit BinaryStep(const LayerRequest& r) : request(r), step(r.name, r.target, r.output) {
    for (const LayerTensor& input : r.inputs)
      is_one_line &= input.shape == r.output.shape && (input.is_constant() || input.layout == r.output.layout);
    is_one_line &= is_line(r.output);
  }

  void add(size_t which) {
    LayerTensor tensor = request.inputs[which];
    LoopBuffer buffer = LoopBuffer::kWeights;
    int64_t base = 0;
    if (tensor.is_constant()) {
      tensor = laid_out(tensor, request.output);
      base = step.add_weights(values_of(tensor));
    } else {
      buffer = next;
      next = LoopBuffer::kX1;
      step.set_input(buffer, which, tensor);
    }
    operands[which] = is_one_line ? line_of(buffer, base) : repeated(buffer, tensor, request.output.shape);
    if (!is_one_line)
      for (int64_t& place : operands[which].pixel) place += base;
  }

  bool may_be_in_place(size_t which) const {
    return !request.inputs[which].is_constant() && is_alike(request.inputs[which], request.output);
  }
};

Vec combined(LoopBuilder& b, BinaryKind kind, Vec x, Vec y) {
  switch (kind) {
    case BinaryKind::kAdd:
      return b.add(x, y);
    case BinaryKind::kSubtract:
      return b.subtract(x, y);
    case BinaryKind::kMultiply:
      break;
  }
  return b.multiply(x, y);
}

void write(StepBuilder& step, ElementLoop loop) {
  const uint32_t items = item_count(loop.channels * loop.pixels);
  step.loops().set_items(items);
  write_elements(step.loops(), std::move(loop), items);
}

/// X and, per channel, `parameters` that stand in the weights one behind the other.
ElementLoop per_channel_loop(StepBuilder& step, const LayerRequest& r,
                             std::initializer_list<std::span<const float>> parameters) {
  const Shape& shape = r.output.shape;
  step.set_input(LoopBuffer::kX0, 0, r.inputs[0]);
  if (is_alike(r.inputs[0], r.output)) step.loops().set_in_place();
  const ElementOperand x = operand_of(LoopBuffer::kX0, r.inputs[0]), y = operand_of(LoopBuffer::kY, r.output);
  ElementLoop loop{shape.c, shape.pixels(), {x}, y, {}, 4};
  for (const auto& values : parameters)
    loop.inputs.push_back({LoopBuffer::kWeights, 1, 0, step.add_weights(values), {}});
  return loop;
}

}  // namespace

LayerSteps binary_steps(const LayerRequest& r) {
  BinaryStep binary(r);
  const bool is_square = r.layer.inputs.size() == 2 && r.layer.inputs[0] == r.layer.inputs[1];
  const size_t first = !binary.may_be_in_place(0) && binary.may_be_in_place(1) ? 1 : 0;
  binary.add(first);
  binary.add(1 - first);
  if (binary.may_be_in_place(first) && !is_square) binary.step.loops().set_in_place();
  LoopBuilder& b = binary.step.loops();
  const ActivationCode activation(b, r.layer.activation);
  const BinaryKind kind = r.layer.as<Binary>()->kind;
  const auto value = [&](std::span<const Vec> in) { return activation.apply(combined(b, kind, in[0], in[1])); };
  const Shape& shape = r.output.shape;
  const ElementOperand y = operand_of(LoopBuffer::kY, r.output);
  ElementLoop loop{shape.c, shape.pixels(), {binary.operands[0], binary.operands[1]}, y, value};
  if (binary.is_one_line) {
    loop.channels = 1;
    loop.pixels = r.output.elements();
    loop.output = line_of(LoopBuffer::kY, 0);
  }
  write(binary.step, std::move(loop));
  return binary.step.finish_layer();
}

LayerSteps unary_steps(const LayerRequest& r) {
  StepBuilder step(r.name, r.target, r.output);
  ElementLoop loop = per_channel_loop(step, r, {});
  if (is_alike(r.inputs[0], r.output) && is_line(r.output)) {
    loop.channels = 1;
    loop.pixels = r.output.elements();
    loop.inputs = {line_of(LoopBuffer::kX0, 0)};
    loop.output = line_of(LoopBuffer::kY, 0);
  }
  const ActivationCode activation(step.loops(), r.layer.activation);
  loop.value = [&](std::span<const Vec> in) { return activation.apply(in[0]); };
  write(step, std::move(loop));
  return step.finish_layer();
}

LayerSteps prelu_steps(const LayerRequest& r) {
  StepBuilder step(r.name, r.target, r.output);
  ElementLoop loop = per_channel_loop(step, r, {r.layer.as<Prelu>()->slopes});
  const Vec zero = step.loops().constant(0);
  loop.value = [&](std::span<const Vec> in) { return leaky(step.loops(), in[0], in[1], zero); };
  write(step, std::move(loop));
  return step.finish_layer();
}

LayerSteps batch_norm_steps(const LayerRequest& r) {
  const BatchNorm& norm = *r.layer.as<BatchNorm>();
  std::vector<float> scale, offset;
  for (size_t c = 0; c < norm.scale.size(); ++c) {
    const double factor = double{norm.scale[c]} / std::sqrt(double{norm.variance[c]} + double{norm.epsilon});
    scale.push_back(static_cast<float>(factor));
    offset.push_back(static_cast<float>(double{norm.offset[c]} - factor * double{norm.mean[c]}));
  }
  StepBuilder step(r.name, r.target, r.output);
  ElementLoop loop = per_channel_loop(step, r, {scale, offset});
  loop.value = [&](std::span<const Vec> in) { return step.loops().fma(in[0], in[1], in[2]); };
  write(step, std::move(loop));
  return step.finish_layer();
}

}  // namespace espalier
