// Mean over pixels, softmax over channels.
#include "codegen/layers/generators.h"

namespace espalier {
namespace {

/// Accumulators of a long sum: as many as hide an addition's latency, and so that no one grows large.
constexpr int kSums = 4;

/// Adds `count` elements from `base` on to sums[0 .. kSums), whole vectors in turns.
void add_run(LoopBuilder& b, const Affine& base, int64_t count, const std::vector<Vec>& sums) {
  const int64_t lanes = b.lanes(), turn = lanes * kSums, turns = count / turn * turn;
  const auto add = [&](const Affine& at, int sum, int64_t width) {
    b.add_to(sums[static_cast<size_t>(sum)], b.load(LoopBuffer::kX0, at, static_cast<uint32_t>(width)));
  };
  if (turns > 0)
    b.loop(0, turns, turn, [&](Index i) {
      for (int s = 0; s < kSums; ++s) add(base + Affine(i) + Affine(s * lanes), s, lanes);
    });
  int sum = 0;
  for (int64_t at = turns; at < count; at += lanes, ++sum) add(base + Affine(at), sum, std::min(lanes, count - at));
}

std::vector<Vec> zeros(LoopBuilder& b, int count) {
  std::vector<Vec> sums;
  for (int s = 0; s < count; ++s) sums.push_back(b.copy(b.constant(0)));
  return sums;
}

/// Per channel, over the pixels of its rows or panels.
LayerSteps mean_by_channel(const LayerJob& job) {
  LoopBuilder b(job.name, job.target);
  const LayerTensor& x = job.input();
  set_tensor(b, LoopBuffer::kX0, x);
  set_tensor(b, LoopBuffer::kY, job.output);
  b.set_items(x.shape.c);
  const auto pixels = static_cast<int64_t>(x.shape.pixels());
  const std::vector<Vec> sums = zeros(b, kSums);
  if (x.layout.kind == LayoutKind::kChannelRows) {
    add_run(b, Affine(b.item()) * x.layout.stride, pixels, sums);
  } else {
    const int64_t panel = x.layout.panel, whole = pixels / panel, step = panel * x.shape.c;
    const Affine base = Affine(b.item()) * panel;
    if (whole > 0) b.loop(0, whole, 1, [&](Index p) { add_run(b, Affine(p) * step + base, panel, sums); });
    if (pixels % panel != 0) add_run(b, base + Affine(whole * step), pixels % panel, sums);
  }
  const Vec pairs = b.add(b.add(sums[0], sums[1]), b.add(sums[2], sums[3]));
  const Vec mean = b.divide(b.sum_lanes(pairs), b.constant(static_cast<float>(pixels)));
  b.store(LoopBuffer::kY, element_at(b, job.output, b.item(), 0), espalier::apply(b, job.layer.activation, mean), 1);
  return single_step(b);
}

/// All channels of a pixel lie together: vectors of channels.
LayerSteps mean_of_interleaved(const LayerJob& job) {
  LoopBuilder b(job.name, job.target);
  const LayerTensor& x = job.input();
  set_tensor(b, LoopBuffer::kX0, x);
  set_tensor(b, LoopBuffer::kY, job.output);
  const auto pixels = static_cast<int64_t>(x.shape.pixels());
  for_vectors(b, x.shape.c, [&](const Affine& c, uint32_t lanes) {
    const Vec sum = b.copy(b.constant(0));
    b.loop(0, pixels, 1, [&](Index p) { b.add_to(sum, b.load(LoopBuffer::kX0, Affine(p) * x.shape.c + c, lanes)); });
    b.store(LoopBuffer::kY, c, b.divide(sum, b.constant(static_cast<float>(pixels))), lanes);
  });
  return single_step(b);
}

/// The softmax of one pixel whose channels are adjacent. What is left of whole vectors goes element by element, since
/// zeros beside them would count.
void softmax_run(LoopBuilder& b, const Affine& base, int64_t channels, float beta) {
  const int64_t lanes = b.lanes(), whole = channels / lanes * lanes;
  const auto each = [&](const std::function<void(const Affine&, uint32_t)>& body) {
    if (whole > 0) b.loop(0, whole, lanes, [&](Index i) { body(base + Affine(i), static_cast<uint32_t>(lanes)); });
    if (whole < channels) b.loop(whole, channels, 1, [&](Index i) { body(base + Affine(i), 1); });
  };
  const auto value = [&](LoopBuffer buffer, const Affine& at, uint32_t width) {
    return width == 1 ? b.splat(buffer, at) : b.load(buffer, at, width);
  };
  const Vec most = b.copy(b.splat(LoopBuffer::kX0, base));
  each([&](const Affine& at, uint32_t width) { b.max_to(most, value(LoopBuffer::kX0, at, width)); });
  const Vec top = b.max_lanes(most), factor = b.constant(beta);
  const ExpCode exp(b);
  const Vec sum = b.copy(b.constant(0)), rest = b.copy(b.constant(0));
  each([&](const Affine& at, uint32_t width) {
    const Vec x = b.subtract(value(LoopBuffer::kX0, at, width), top);
    const Vec power = exp.apply(exp.limited(b.multiply(x, factor)));
    b.store(LoopBuffer::kY, at, power, width);
    b.add_to(width == 1 ? rest : sum, power);
  });
  const Vec total = b.add(b.sum_lanes(sum), rest);
  each([&](const Affine& at, uint32_t width) {
    b.store(LoopBuffer::kY, at, b.divide(value(LoopBuffer::kY, at, width), total), width);
  });
}

/// Element by element, for layouts whose channels are apart. Lane 0 counts.
void softmax_apart(LoopBuilder& b, const LayerJob& job, Index pixel, float beta) {
  const LayerTensor &x = job.input(), &y = job.output;
  const auto in = [&](Index c) { return b.splat(LoopBuffer::kX0, element_at(b, x, c, pixel)); };
  const Vec top = b.copy(b.splat(LoopBuffer::kX0, element_at(b, x, 0, pixel))), factor = b.constant(beta);
  const Vec sum = b.copy(b.constant(0));
  const ExpCode exp(b);
  b.loop(0, x.shape.c, 1, [&](Index c) { b.max_to(top, in(c)); });
  b.loop(0, x.shape.c, 1, [&](Index c) {
    const Vec power = exp.apply(exp.limited(b.multiply(b.subtract(in(c), top), factor)));
    b.store(LoopBuffer::kY, element_at(b, y, c, pixel), power, 1);
    b.add_to(sum, power);
  });
  b.loop(0, x.shape.c, 1, [&](Index c) {
    const Affine at = element_at(b, y, c, pixel);
    b.store(LoopBuffer::kY, at, b.divide(b.splat(LoopBuffer::kY, at), sum), 1);
  });
}

}  // namespace

LayerSteps mean_steps(const LayerJob& job) {
  return job.input().layout.kind == LayoutKind::kInterleaved ? mean_of_interleaved(job) : mean_by_channel(job);
}

LayerSteps softmax_steps(const LayerJob& job) {
  LoopBuilder b(job.name, job.target);
  const LayerTensor& x = job.input();
  const float beta = job.layer.as<Softmax>()->beta;
  set_tensor(b, LoopBuffer::kX0, x);
  set_tensor(b, LoopBuffer::kY, job.output);
  b.set_items(static_cast<uint32_t>(x.shape.pixels()));
  const bool are_adjacent =
      x.layout.kind == LayoutKind::kInterleaved && job.output.layout.kind == LayoutKind::kInterleaved;
  if (are_adjacent)
    softmax_run(b, Affine(b.item()) * x.shape.c, x.shape.c, beta);
  else
    softmax_apart(b, job, b.item(), beta);
  return single_step(b);
}

}  // namespace espalier
