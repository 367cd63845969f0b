// Element-wise layers: activation, add, subtract, multiply with broadcasting, prelu, batch norm.
#include <algorithm>
#include <cmath>

#include "codegen/layers/generators.h"

namespace espalier {
namespace {

/// How an operand gives its elements for a run of the output.
enum class Access { kSame, kPerChannel, kScalar, kGeneral };

bool is_per_channel(const LayerTensor& operand, const LayerTensor& output) {
  return operand.shape.pixels() == 1 && operand.shape.c == output.shape.c && operand.shape.n == 1;
}

Access access_of(const LayerTensor& operand, const LayerTensor& output) {
  if (operand.shape == output.shape && operand.layout == output.layout) return Access::kSame;
  if (operand.shape.elements() == 1) return Access::kScalar;
  const bool goes_over_channels = output.layout.kind == LayoutKind::kInterleaved;
  const bool is_adjacent = operand.layout.kind == LayoutKind::kInterleaved || operand.layout.stride == 1;
  if (is_per_channel(operand, output) && (is_adjacent || !goes_over_channels)) return Access::kPerChannel;
  return Access::kGeneral;
}

/// The channel of a run; of interleaved tensors, whose runs go over channels, 0.
Affine channel_of(LoopBuilder& b, const LayerTensor& output, Index run) {
  if (output.layout.kind == LayoutKind::kChannelRows) return run;
  if (output.layout.kind == LayoutKind::kPanels) return b.modulo(run, output.shape.c);
  return 0;
}

/// Loads of one operand inside a run. What is the same for all of a run is loaded once.
class Operand {
 public:
  Operand(LoopBuilder& b, LoopBuffer buffer, int64_t base, Access access, const LayerTensor& operand,
          const LayerTensor& output, Index run)
      : b_(b), buffer_(buffer), base_(base), access_(access) {
    const auto length = static_cast<int64_t>(runs_of(output).length);
    if (access == Access::kSame) run_ = Affine(run) * length;
    const bool is_interleaved = output.layout.kind == LayoutKind::kInterleaved;
    if (access == Access::kPerChannel && is_interleaved) access_ = Access::kSame;
    if (access_ == Access::kScalar) once_ = b.splat(buffer, base);
    if (access_ == Access::kPerChannel) {
      const Affine channel = channel_of(b, output, run);
      once_ = b.splat(buffer, element_at(b, operand, channel, 0) + Affine(base));
    }
  }
  Vec load(const Affine& at, uint32_t lanes) {
    return access_ == Access::kSame ? b_.load(buffer_, run_ + at + Affine(base_), lanes) : once_;
  }

 private:
  LoopBuilder& b_;
  LoopBuffer buffer_;
  int64_t base_;
  Access access_;
  Affine run_;
  Vec once_;
};

Vec combined(LoopBuilder& b, BinaryKind kind, Vec x, Vec y) {
  if (kind == BinaryKind::kAdd) return b.add(x, y);
  return kind == BinaryKind::kSubtract ? b.subtract(x, y) : b.multiply(x, y);
}

/// Element by element: any shapes, any layouts.
LayerSteps general_binary(const LayerJob& job) {
  LoopBuilder b(job.name, job.target);
  set_tensor(b, LoopBuffer::kX0, job.input(0));
  set_tensor(b, LoopBuffer::kX1, job.input(1));
  set_tensor(b, LoopBuffer::kY, job.output);
  const Shape& shape = job.output.shape;
  b.set_items(shape.h);
  b.loop(0, shape.w, 1, [&](Index x) {
    b.loop(0, shape.c, 1, [&](Index c) {
      const auto value = [&](LoopBuffer buffer, const LayerTensor& t) {
        const Affine row = t.shape.h == 1 ? Affine(0) : Affine(b.item()),
                     column = t.shape.w == 1 ? Affine(0) : Affine(x);
        return b.splat(buffer, element_at(b, t, t.shape.c == 1 ? Affine(0) : Affine(c), row * t.shape.w + column));
      };
      const Vec v = combined(b, job.layer.as<Binary>()->kind, value(LoopBuffer::kX0, job.input(0)),
                             value(LoopBuffer::kX1, job.input(1)));
      const Affine at = element_at(b, job.output, c, Affine(b.item()) * shape.w + Affine(x));
      b.store(LoopBuffer::kY, at, espalier::apply(b, job.layer.activation, v), 1);
    });
  });
  return single_step(b, {}, 0, 1);
}

/// f of one input and per-channel constants in the weights; layouts may differ.
LayerSteps mapped(const LayerJob& job, std::vector<float> weights,
                  const std::function<Vec(LoopBuilder&, Vec, std::span<const Vec>)>& f) {
  LoopBuilder b(job.name, job.target);
  set_tensor(b, LoopBuffer::kX0, job.input(0));
  set_tensor(b, LoopBuffer::kY, job.output);
  b.set_elements(LoopBuffer::kWeights, weights.size());
  const uint32_t channels = job.output.shape.c;
  const auto constants = static_cast<int64_t>(weights.size() / channels);
  const LayerTensor vector{{1, 1, 1, channels}, {}};
  if (job.input(0).layout == job.output.layout) {
    const Runs runs = runs_of(job.output);
    b.set_items(runs.count);
    b.set_in_place();
    Operand x(b, LoopBuffer::kX0, 0, Access::kSame, job.input(0), job.output, b.item());
    std::vector<Operand> parameters;
    for (int64_t i = 0; i < constants; ++i)
      parameters.emplace_back(b, LoopBuffer::kWeights, i * channels, Access::kPerChannel, vector, job.output, b.item());
    for_vectors(b, runs.length, [&](const Affine& at, uint32_t lanes) {
      std::vector<Vec> values;
      for (Operand& p : parameters) values.push_back(p.load(at, lanes));
      const Affine place = Affine(b.item()) * static_cast<int64_t>(runs.length) + at;
      b.store(LoopBuffer::kY, place, f(b, x.load(at, lanes), values), lanes);
    });
    return single_step(b, std::move(weights));
  }
  b.set_items(channels);
  b.loop(0, static_cast<int64_t>(job.output.shape.pixels()), 1, [&](Index p) {
    std::vector<Vec> values;
    for (int64_t i = 0; i < constants; ++i)
      values.push_back(b.splat(LoopBuffer::kWeights, Affine(b.item()) + Affine(i * channels)));
    const Vec x = b.splat(LoopBuffer::kX0, element_at(b, job.input(0), b.item(), p));
    b.store(LoopBuffer::kY, element_at(b, job.output, b.item(), p), f(b, x, values), 1);
  });
  return single_step(b, std::move(weights));
}

}  // namespace

LayerSteps unary_steps(const LayerJob& job) {
  return mapped(job, {}, [&](LoopBuilder& b, Vec x, auto) { return espalier::apply(b, job.layer.activation, x); });
}

LayerSteps prelu_steps(const LayerJob& job) {
  return mapped(job, job.layer.as<Prelu>()->slopes, [](LoopBuilder& b, Vec x, std::span<const Vec> slope) {
    const Vec zero = b.constant(0);
    return b.fma(slope[0], b.min(x, zero), b.max(x, zero));
  });
}

LayerSteps batch_norm_steps(const LayerJob& job) {
  const auto& norm = *job.layer.as<BatchNorm>();
  const size_t channels = norm.scale.size();
  std::vector<float> weights(2 * channels);
  for (size_t c = 0; c < channels; ++c) {
    const double factor = double{norm.scale[c]} / std::sqrt(double{norm.variance[c]} + double{norm.epsilon});
    weights[c] = static_cast<float>(factor);
    weights[channels + c] = static_cast<float>(double{norm.offset[c]} - factor * double{norm.mean[c]});
  }
  return mapped(job, std::move(weights),
                [](LoopBuilder& b, Vec x, std::span<const Vec> c) { return b.fma(c[0], x, c[1]); });
}

LayerSteps binary_steps(const LayerJob& job) {
  const Access first = access_of(job.input(0), job.output), second = access_of(job.input(1), job.output);
  if (first == Access::kGeneral || second == Access::kGeneral) return general_binary(job);
  LoopBuilder b(job.name, job.target);
  set_tensor(b, LoopBuffer::kX0, job.input(0));
  set_tensor(b, LoopBuffer::kX1, job.input(1));
  set_tensor(b, LoopBuffer::kY, job.output);
  const Runs runs = runs_of(job.output);
  b.set_items(runs.count);
  if (first == Access::kSame) b.set_in_place();
  Operand x0(b, LoopBuffer::kX0, 0, first, job.input(0), job.output, b.item());
  Operand x1(b, LoopBuffer::kX1, 0, second, job.input(1), job.output, b.item());
  for_vectors(b, runs.length, [&](const Affine& at, uint32_t lanes) {
    const Vec v = combined(b, job.layer.as<Binary>()->kind, x0.load(at, lanes), x1.load(at, lanes));
    const Affine place = Affine(b.item()) * static_cast<int64_t>(runs.length) + at;
    b.store(LoopBuffer::kY, place, espalier::apply(b, job.layer.activation, v), lanes);
  });
  return single_step(b, {}, 0, 1);
}

}  // namespace espalier
