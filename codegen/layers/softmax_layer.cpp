#include "codegen/layers/softmax_layer.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "codegen/layers/activation_code.h"
#include "codegen/layers/element_loop.h"
#include "codegen/layers/pixel_runs.h"

namespace espalier {
namespace {

class SoftmaxWriter {
 public:
  SoftmaxWriter(LoopBuilder& builder, const LayerRequest& r, uint32_t items)
      : b_(builder),
        channels_(r.output.shape.c),
        pixels_(r.output.shape.pixels()),
        in_(operand_of(LoopBuffer::kX0, r.inputs[0])),
        out_(operand_of(LoopBuffer::kY, r.output)),
        items_(items),
        exp_(builder),
        zero_(builder.constant(0)) {
    if (const float beta = r.layer.as<Softmax>()->beta; beta != 1) beta_ = builder.constant(beta);
  }

  bool has_channel_vectors() const { return in_.channel_step == 1 && out_.channel_step == 1; }

  void write_channel_vectors() {
    std::vector<uint64_t> pixels(pixels_);
    std::iota(pixels.begin(), pixels.end(), uint64_t{0});
    const RunBegins from(b_, in_, pixels), to(b_, out_, pixels);
    loop_over_share(b_, pixels_, std::min<uint32_t>(items_, static_cast<uint32_t>(pixels_)),
                    [&](Index p) { write_pixel(from.at(b_, p), to.at(b_, p)); });
  }

  void write_pixel_runs() {
    ElementLoop loop{channels_, pixels_, {in_}, out_, {}, 1};
    for (const RunClass& runs : pixel_runs(loop, kLongest, b_.lanes())) {
      const RunBegins from(b_, in_, runs.begins), to(b_, out_, runs.begins);
      loop_over_share(b_, runs.begins.size(), items_,
                      [&](Index run) { write_run(from.at(b_, run), to.at(b_, run), runs.length); });
    }
  }

 private:
  /// Pixels per work item, where there are several.
  static constexpr uint64_t kLongest = 64;

  Vec scaled(Vec x) { return beta_ ? b_.multiply(x, *beta_) : x; }
  /// exp(x - largest), where x - largest <= 0 but in lanes that do not count.
  Vec exponential(Vec x, Vec largest) {
    return exp_.apply(exp_.limited_below(b_.min(zero_, b_.subtract(scaled(x), largest))));
  }

  /// body(offset, lanes) for all elements side by side; lanes of 0 stands for a full vector.
  void for_vectors(uint64_t length, const std::function<void(const Affine&, uint32_t)>& body) {
    const uint64_t lanes = b_.lanes(), full = length / lanes;
    const auto step = static_cast<int64_t>(lanes);
    if (full > 0) b_.loop(0, static_cast<int64_t>(full), 1, [&](Index v) { body(Affine(v) * step, 0); });
    if (length % lanes > 0) body(static_cast<int64_t>(full * lanes), static_cast<uint32_t>(length % lanes));
  }

  // What lanes beyond the channels hold must not count, so the last vector overlaps the one before it.
  Vec largest_channel(const Affine& from) {
    const int64_t lanes = b_.lanes(), channels = channels_;
    const Vec largest = b_.copy(scaled(b_.splat(LoopBuffer::kX0, from)));
    const auto take = [&](Vec x) { b_.max_to(largest, scaled(x)); };
    if (channels < lanes) {
      for (int64_t c = 1; c < channels; ++c) take(b_.splat(LoopBuffer::kX0, from + Affine(c)));
      return largest;
    }
    b_.loop(0, channels / lanes, 1, [&](Index v) { take(b_.load(LoopBuffer::kX0, from + Affine(v) * lanes)); });
    if (channels % lanes > 0) take(b_.load(LoopBuffer::kX0, from + Affine(channels - lanes)));
    return b_.max_lanes(largest);
  }

  void write_pixel(const Affine& from, const Affine& to) {
    const Vec largest = largest_channel(from), sum = b_.constant(0);
    for_vectors(channels_, [&](const Affine& c, uint32_t lanes) {
      const Vec e = exponential(b_.load(LoopBuffer::kX0, from + c, lanes), largest);
      b_.store(LoopBuffer::kY, to + c, e, lanes);
      b_.add_to(sum, lanes == 0 ? e : b_.load(LoopBuffer::kY, to + c, lanes));  // loaded: 0 beyond the channels
    });
    const Vec factor = b_.divide(exp_.one(), b_.sum_lanes(sum));
    for_vectors(channels_, [&](const Affine& c, uint32_t lanes) {
      const Vec e = b_.load(LoopBuffer::kY, to + c, lanes);
      b_.store(LoopBuffer::kY, to + c, b_.multiply(e, factor), lanes);
    });
  }

  void write_run(const Affine& from, const Affine& to, uint64_t length) {
    for_vectors(length, [&](const Affine& p, uint32_t lanes) { write_pixels(from + p, to + p, lanes); });
  }

  void write_pixels(const Affine& from, const Affine& to, uint32_t lanes) {
    const auto x = [&](Index c) { return b_.load(LoopBuffer::kX0, from + Affine(c) * in_.channel_step, lanes); };
    const auto y = [&](Index c) { return to + Affine(c) * out_.channel_step; };
    const Vec largest = b_.copy(scaled(b_.load(LoopBuffer::kX0, from, lanes))), sum = b_.constant(0);
    if (channels_ > 1) b_.loop(1, channels_, 1, [&](Index c) { b_.max_to(largest, scaled(x(c))); });
    b_.loop(0, channels_, 1, [&](Index c) {
      const Vec e = exponential(x(c), largest);
      b_.store(LoopBuffer::kY, y(c), e, lanes);
      b_.add_to(sum, e);
    });
    const Vec factor = b_.divide(exp_.one(), sum);
    b_.loop(0, channels_, 1, [&](Index c) {
      b_.store(LoopBuffer::kY, y(c), b_.multiply(b_.load(LoopBuffer::kY, y(c), lanes), factor), lanes);
    });
  }

  LoopBuilder& b_;
  const uint32_t channels_;
  const uint64_t pixels_;
  const ElementOperand in_, out_;
  const uint32_t items_;
  ExpCode exp_;
  Vec zero_;
  std::optional<Vec> beta_;
};

}  // namespace

LayerSteps softmax_steps(const LayerRequest& r) {
  const uint32_t items = r.output.shape.pixels() == 1 ? 1 : item_count(r.output.shape.elements());
  StepBuilder step(r.name, r.target, r.output);
  step.set_input(LoopBuffer::kX0, 0, r.inputs[0]);
  if (r.inputs[0].layout == r.output.layout) step.loops().set_in_place();
  SoftmaxWriter writer(step.loops(), r, items);
  if (writer.has_channel_vectors()) {
    step.loops().set_items(std::min<uint32_t>(items, static_cast<uint32_t>(r.output.shape.pixels())));
    writer.write_channel_vectors();
  } else {
    step.loops().set_items(items);
    writer.write_pixel_runs();
  }
  return step.finish_layer();
}

}  // namespace espalier
