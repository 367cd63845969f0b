#include <algorithm>

#include "codegen/layers/activation_code.h"
#include "codegen/layers/bilinear_writer.h"
#include "codegen/layers/element_loop.h"
#include "codegen/layers/image_layers.h"
#include "ir/network/resize_source.h"

namespace espalier {
namespace {

struct Sources {
  std::vector<ResizeSource> rows, columns;
};

Sources sources_of(const LayerRequest& r) {
  const Resize& resize = *r.layer.as<Resize>();
  const Shape &in = r.inputs[0].shape, &out = r.output.shape;
  Sources sources;
  for (uint32_t y = 0; y < out.h; ++y) sources.rows.push_back(resize_source(resize, y, in.h, out.h));
  for (uint32_t x = 0; x < out.w; ++x) sources.columns.push_back(resize_source(resize, x, in.w, out.w));
  return sources;
}

/// For every pixel of the output one of its neighbours.
ElementOperand neighbours(const LayerTensor& in, const Sources& sources, uint32_t ResizeSource::* row,
                          uint32_t ResizeSource::* column) {
  std::vector<uint32_t> pixels;
  for (const ResizeSource& y : sources.rows)
    for (const ResizeSource& x : sources.columns) pixels.push_back(y.*row * in.shape.w + x.*column);
  return operand_of(LoopBuffer::kX0, in, pixels);
}

bool has_panels(const LayerTensor& tensor) { return tensor.layout.kind == LayoutKind::kPanels; }

bool moves_only(const Sources& sources) {
  const auto is_whole = [](const ResizeSource& source) { return source.part == 0; };
  return std::ranges::all_of(sources.rows, is_whole) && std::ranges::all_of(sources.columns, is_whole);
}

/// A value per pixel: the part of its row or column.
ElementOperand parts(StepBuilder& step, const Sources& sources, bool of_rows) {
  std::vector<float> values;
  for (const ResizeSource& y : sources.rows)
    for (const ResizeSource& x : sources.columns) values.push_back(static_cast<float>(of_rows ? y.part : x.part));
  return {LoopBuffer::kWeights, 0, 1, step.add_weights(values), {}};
}

bool adds(const LayerRequest& r) { return r.inputs.size() > 1; }

/// The sum with the second input, if there is one, then the activation.
void finish(LoopBuilder& b, const LayerRequest& r, ElementLoop& loop) {
  const ActivationCode activation(b, r.layer.activation);
  if (adds(r)) loop.inputs.push_back(operand_of(LoopBuffer::kX1, r.inputs[1]));
  loop.value = [&b, activation, sum = adds(r), resized = std::move(loop.value)](std::span<const Vec> v) {
    if (!sum) return activation.apply(resized(v));
    return activation.apply(b.add(resized(v.first(v.size() - 1)), v.back()));
  };
}

Vec between(LoopBuilder& b, Vec from, Vec to, Vec part) { return b.fma(b.subtract(to, from), part, from); }

void write_bilinear(StepBuilder& step, const LayerRequest& r, const Sources& sources, ElementLoop& loop) {
  const LayerTensor& in = r.inputs[0];
  loop.inputs = {neighbours(in, sources, &ResizeSource::low, &ResizeSource::low),
                 neighbours(in, sources, &ResizeSource::low, &ResizeSource::high),
                 neighbours(in, sources, &ResizeSource::high, &ResizeSource::low),
                 neighbours(in, sources, &ResizeSource::high, &ResizeSource::high),
                 parts(step, sources, false),
                 parts(step, sources, true)};
  loop.unroll = 2;
  loop.value = [&b = step.loops()](std::span<const Vec> v) {
    return between(b, between(b, v[0], v[1], v[4]), between(b, v[2], v[3], v[4]), v[5]);
  };
}

}  // namespace

LayerSteps resize_steps(const LayerRequest& r) {
  const Sources sources = sources_of(r);
  const uint32_t items = item_count(r.output.shape.elements());
  StepBuilder step(r.name, r.target, r.output);
  step.set_input(LoopBuffer::kX0, 0, r.inputs[0]);
  step.loops().set_items(items);
  if (adds(r)) step.set_input(LoopBuffer::kX1, 1, r.inputs[1]);
  const bool is_panels = std::ranges::any_of(r.inputs, has_panels) || has_panels(r.output);
  if (!moves_only(sources) && !is_panels) {
    write_bilinear_lines(step, r, sources.rows, sources.columns, items);
    return step.finish_layer();
  }
  ElementLoop loop{r.output.shape.c, r.output.shape.pixels(), {}, operand_of(LoopBuffer::kY, r.output), {}, 4};
  if (moves_only(sources)) {
    loop.inputs = {neighbours(r.inputs[0], sources, &ResizeSource::low, &ResizeSource::low)};
    loop.value = [](std::span<const Vec> v) { return v[0]; };
  } else {
    write_bilinear(step, r, sources, loop);
  }
  finish(step.loops(), r, loop);
  write_elements(step.loops(), std::move(loop), items);
  return step.finish_layer();
}

}  // namespace espalier
