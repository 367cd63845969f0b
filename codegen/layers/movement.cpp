// Layers that move elements: conversions, concat, pad, reshape, depth to space; resize.
#include <algorithm>
#include <cmath>

#include "codegen/layers/generators.h"
#include "codegen/layers/layer_steps.h"

namespace espalier {
namespace {

/// Element (channel, y, x) of the output comes from where `source` says.
using Source = std::function<Affine(LoopBuilder&, Index c, Index y, Index x)>;

/// y[c, y, x] = x0[source(c, y, x)], an element at a time; items are rows of the image.
LayerSteps moved(const LayerJob& job, const Source& source) {
  LoopBuilder b(job.name, job.target);
  set_tensor(b, LoopBuffer::kX0, job.input());
  set_tensor(b, LoopBuffer::kY, job.output);
  const Shape& shape = job.output.shape;
  b.set_items(shape.h);
  b.loop(0, shape.c, 1, [&](Index c) {
    b.loop(0, shape.w, 1, [&](Index x) {
      const Vec value = b.splat(LoopBuffer::kX0, source(b, c, b.item(), x));
      b.store(LoopBuffer::kY, element_at(b, job.output, c, Affine(b.item()) * shape.w + Affine(x)), value, 1);
    });
  });
  return single_step(b);
}

/// Elements [0, count) of x0 to y from `to` on, in items of 4096.
LayerSteps copied(const LayerJob& job, uint64_t count, uint64_t to, uint32_t x0) {
  constexpr uint64_t kBlock = 4096;
  LoopBuilder b(job.name, job.target);
  b.set_elements(LoopBuffer::kX0, count);
  set_tensor(b, LoopBuffer::kY, job.output);
  const uint64_t whole = count / kBlock, rest = count % kBlock;
  const auto block = [&](const Affine& base, uint64_t elements) {
    for_vectors(b, elements, [&](const Affine& at, uint32_t lanes) {
      b.store(LoopBuffer::kY, base + at + Affine(static_cast<int64_t>(to)), b.load(LoopBuffer::kX0, base + at, lanes),
              lanes);
    });
  };
  b.set_items(static_cast<uint32_t>(whole + (rest != 0)));
  const Index next = b.index(Affine(b.item()) + Affine(1));
  if (whole > 0)
    b.loop(b.item(), b.min(next, static_cast<int64_t>(whole)), 1,
           [&](Index i) { block(Affine(i) * static_cast<int64_t>(kBlock), kBlock); });
  if (rest > 0)
    b.loop(b.max(b.item(), static_cast<int64_t>(whole)), next, 1,
           [&](Index) { block(Affine(static_cast<int64_t>(whole * kBlock)), rest); });
  return single_step(b, {}, x0);
}

/// Whether tensors of these shapes hold the same elements in the same order.
bool is_same_order(const LayerTensor& a, const LayerTensor& b) {
  return a.layout.kind == LayoutKind::kInterleaved && b.layout.kind == LayoutKind::kInterleaved &&
         a.shape.elements() == b.shape.elements();
}

/// Element (c, p) where `flat` counts NHWC (or NCHW) order: its channel and pixel.
struct FlatPlace {
  Affine channel, pixel;
};
FlatPlace place_of(LoopBuilder& b, const Shape& shape, bool channels_first, Index flat) {
  const auto pixels = static_cast<int64_t>(shape.pixels());
  if (channels_first) return {b.divide(flat, pixels), b.modulo(flat, pixels)};
  return {b.modulo(flat, shape.c), b.divide(flat, shape.c)};
}

/// The neighbours along one axis of a resize, per output coordinate.
struct Neighbours {
  std::vector<int32_t> low, high;
  std::vector<float> weight;  ///< of the higher
};

double source_coordinate(const Resize& resize, uint32_t i, uint32_t in, uint32_t out) {
  switch (resize.coordinates) {
    case ResizeCoordinates::kHalfPixel:
      return (i + 0.5) * in / out - 0.5;
    case ResizeCoordinates::kAlignCorners:
      return out == 1 ? 0 : static_cast<double>(i) * (in - 1) / (out - 1);
    case ResizeCoordinates::kAsymmetric:
      break;
  }
  return static_cast<double>(i) * in / out;
}

double rounded(ResizeRounding rounding, double x) {
  switch (rounding) {
    case ResizeRounding::kFloor:
      return std::floor(x);
    case ResizeRounding::kCeil:
      return std::ceil(x);
    case ResizeRounding::kHalfDown:
      return std::ceil(x - 0.5);
    case ResizeRounding::kHalfUp:
      break;
  }
  return std::floor(x + 0.5);
}

Neighbours neighbours(const Resize& resize, uint32_t in, uint32_t out) {
  Neighbours n;
  for (uint32_t i = 0; i < out; ++i) {
    double x = source_coordinate(resize, i, in, out);
    if (resize.kind == ResizeKind::kNearest) x = rounded(resize.rounding, x);
    x = std::clamp(x, 0.0, in - 1.0);
    const double low = std::floor(x);
    n.low.push_back(static_cast<int32_t>(low));
    n.high.push_back(std::min(static_cast<int32_t>(low) + 1, static_cast<int32_t>(in) - 1));
    n.weight.push_back(static_cast<float>(x - low));
  }
  return n;
}

/// a + weight * (b - a)
Vec blended(LoopBuilder& b, Vec low, Vec high, Vec weight) { return b.fma(weight, b.subtract(high, low), low); }

LayerSteps nearest_steps(const LayerJob& job, const Neighbours& rows, const Neighbours& columns) {
  LoopBuilder b(job.name, job.target);
  set_tensor(b, LoopBuffer::kX0, job.input());
  set_tensor(b, LoopBuffer::kY, job.output);
  const Shape& shape = job.output.shape;
  const int64_t row_at = b.add_table(rows.low), column_at = b.add_table(columns.low);
  b.set_items(shape.h);
  const Index row = b.load_index(Affine(b.item()) + Affine(row_at));
  b.loop(0, shape.c, 1, [&](Index c) {
    b.loop(0, shape.w, 1, [&](Index x) {
      const Index column = b.load_index(Affine(x) + Affine(column_at));
      const Affine from = element_at(b, job.input(), c, Affine(row) * job.input().shape.w + Affine(column));
      const Affine to = element_at(b, job.output, c, Affine(b.item()) * shape.w + Affine(x));
      b.store(LoopBuffer::kY, to, b.splat(LoopBuffer::kX0, from), 1);
    });
  });
  return single_step(b);
}

LayerSteps bilinear_steps(const LayerJob& job, const Neighbours& rows, const Neighbours& columns) {
  LoopBuilder b(job.name, job.target);
  const LayerTensor &in = job.input(), &out = job.output;
  set_tensor(b, LoopBuffer::kX0, in);
  set_tensor(b, LoopBuffer::kY, out);
  const Shape& shape = out.shape;
  const int64_t low_row = b.add_table(rows.low), high_row = b.add_table(rows.high);
  const int64_t low_column = b.add_table(columns.low), high_column = b.add_table(columns.high);
  std::vector<float> weights = rows.weight;
  weights.insert(weights.end(), columns.weight.begin(), columns.weight.end());
  b.set_elements(LoopBuffer::kWeights, weights.size());
  b.set_items(shape.h);
  const Index top = b.load_index(Affine(b.item()) + Affine(low_row));
  const Index bottom = b.load_index(Affine(b.item()) + Affine(high_row));
  const Vec down = b.splat(LoopBuffer::kWeights, b.item());
  b.loop(0, shape.w, 1, [&](Index x) {
    const Index left = b.load_index(Affine(x) + Affine(low_column)),
                right = b.load_index(Affine(x) + Affine(high_column));
    const Vec across = b.splat(LoopBuffer::kWeights, Affine(x) + Affine(shape.h));
    b.loop(0, shape.c, 1, [&](Index c) {
      const auto at = [&](Index y, Index column) {
        return b.splat(LoopBuffer::kX0, element_at(b, in, c, Affine(y) * in.shape.w + Affine(column)));
      };
      const Vec above = blended(b, at(top, left), at(top, right), across);
      const Vec below = blended(b, at(bottom, left), at(bottom, right), across);
      b.store(LoopBuffer::kY, element_at(b, out, c, Affine(b.item()) * shape.w + Affine(x)),
              blended(b, above, below, down), 1);
    });
  });
  return single_step(b, std::move(weights));
}

}  // namespace

Result<LayerStep> conversion_step(const LayerTensor& from, const LayerTensor& to, const Target& target,
                                  const std::string& name) {
  const Layer layer{name, Unary{}, {}, 0, {}};
  const LayerJob job{layer, std::span(&from, 1), to, target, name};
  auto steps = from.layout == to.layout ? copied(job, from.elements(), 0, 0)
                                        : moved(job, [&](LoopBuilder& b, Index c, Index y, Index x) {
                                            return element_at(b, from, c, Affine(y) * from.shape.w + Affine(x));
                                          });
  if (!steps) return std::move(steps).error();
  return std::move((*steps)[0]);
}

LayerSteps depth_to_space_steps(const LayerJob& job) {
  const auto& layer = *job.layer.as<DepthToSpace>();
  const LayerTensor& in = job.input();
  const int64_t block = layer.block, channels = job.output.shape.c;
  return moved(job, [&](LoopBuilder& b, Index c, Index y, Index x) {
    const Affine inner = Affine(b.modulo(y, block)) * block + Affine(b.modulo(x, block));
    const Affine channel =
        layer.order == DepthOrder::kBlockFirst ? inner * channels + Affine(c) : Affine(c) * (block * block) + inner;
    const Affine pixel = Affine(b.divide(y, block)) * in.shape.w + Affine(b.divide(x, block));
    return element_at(b, in, b.index(channel), b.index(pixel));
  });
}

/// One step per input, each to its own place.
LayerSteps concat_steps(const LayerJob& job) {
  const Axis axis = job.layer.as<Concat>()->axis;
  std::vector<LayerStep> all;
  uint32_t before = 0;
  for (uint32_t i = 0; i < job.inputs.size(); ++i) {
    const LayerTensor& in = job.input(i);
    const std::string name = i == 0 ? job.name : fmt::format("{}_{}", job.name, i);
    LoopBuilder b(name, job.target);
    const LayerJob part{job.layer, job.inputs.subspan(i, 1), job.output, job.target, name};
    const bool is_block =
        axis == Axis::kChannel && in.layout == job.output.layout && in.layout.kind == LayoutKind::kChannelRows;
    auto steps = is_block ? copied(part, in.elements(), uint64_t{before} * in.layout.stride, 0) : LayerSteps([&] {
      set_tensor(b, LoopBuffer::kX0, in);
      set_tensor(b, LoopBuffer::kY, job.output);
      b.set_items(in.shape.h);
      b.loop(0, in.shape.c, 1, [&](Index c) {
        b.loop(0, in.shape.w, 1, [&](Index x) {
          const Vec v = b.splat(LoopBuffer::kX0, element_at(b, in, c, Affine(b.item()) * in.shape.w + Affine(x)));
          const auto shifted = [&](Axis a, Affine at) { return a == axis ? at + Affine(before) : at; };
          const Affine pixel = shifted(Axis::kHeight, b.item()) * job.output.shape.w + shifted(Axis::kWidth, x);
          b.store(LoopBuffer::kY, element_at(b, job.output, shifted(Axis::kChannel, c), pixel), v, 1);
        });
      });
      return single_step(b);
    }());
    if (!steps) return steps;
    all.push_back(std::move((*steps)[0]));
    all.back().x0 = i;
    before += in.shape[axis];
  }
  return all;
}

/// The constant everywhere, then the tensor into the middle.
LayerSteps pad_steps(const LayerJob& job) {
  const auto& pad = *job.layer.as<Pad>();
  const LayerTensor &in = job.input(), &out = job.output;
  if (pad.before[0] != 0 || pad.after[0] != 0) return unsupported("padding of the batch is not supported");
  LoopBuilder fill(job.name, job.target);
  set_tensor(fill, LoopBuffer::kY, out);
  const Vec value = fill.constant(pad.value);
  for_vectors(fill, out.elements(),
              [&](const Affine& at, uint32_t lanes) { fill.store(LoopBuffer::kY, at, value, lanes); });
  auto steps = single_step(fill);
  if (!steps) return steps;
  LoopBuilder b(job.name + "_1", job.target);
  set_tensor(b, LoopBuffer::kX0, in);
  set_tensor(b, LoopBuffer::kY, out);
  b.set_items(in.shape.h);
  b.loop(0, in.shape.c, 1, [&](Index c) {
    b.loop(0, in.shape.w, 1, [&](Index x) {
      const Vec v = b.splat(LoopBuffer::kX0, element_at(b, in, c, Affine(b.item()) * in.shape.w + Affine(x)));
      const Affine pixel = (Affine(b.item()) + Affine(pad.before[1])) * out.shape.w + Affine(x) + Affine(pad.before[2]);
      b.store(LoopBuffer::kY, element_at(b, out, Affine(c) + Affine(pad.before[3]), pixel), v, 1);
    });
  });
  auto second = single_step(b);
  if (!second) return second;
  steps->push_back(std::move((*second)[0]));
  return steps;
}

LayerSteps reshape_steps(const LayerJob& job) {
  const bool channels_first = job.layer.as<Reshape>()->channels_first;
  const LayerTensor &in = job.input(), &out = job.output;
  if (is_same_order(in, out) && (!channels_first || in.shape.pixels() == 1 || in.shape.c == 1) &&
      (!channels_first || out.shape.pixels() == 1 || out.shape.c == 1))
    return copied(job, in.elements(), 0, 0);
  LoopBuilder b(job.name, job.target);
  set_tensor(b, LoopBuffer::kX0, in);
  set_tensor(b, LoopBuffer::kY, out);
  const auto count = static_cast<int64_t>(out.shape.elements());
  b.loop(0, count, 1, [&](Index flat) {
    const FlatPlace from = place_of(b, in.shape, channels_first, flat),
                    to = place_of(b, out.shape, channels_first, flat);
    const Vec v = b.splat(LoopBuffer::kX0, element_at(b, in, from.channel, from.pixel));
    b.store(LoopBuffer::kY, element_at(b, out, to.channel, to.pixel), v, 1);
  });
  return single_step(b);
}

LayerSteps resize_steps(const LayerJob& job) {
  const auto& resize = *job.layer.as<Resize>();
  const Neighbours rows = neighbours(resize, job.input().shape.h, job.output.shape.h);
  const Neighbours columns = neighbours(resize, job.input().shape.w, job.output.shape.w);
  return resize.kind == ResizeKind::kNearest ? nearest_steps(job, rows, columns) : bilinear_steps(job, rows, columns);
}

}  // namespace espalier
