#include <algorithm>

#include "codegen/layers/element_loop.h"
#include "codegen/layers/image_layers.h"
#include "codegen/layers/pixel_runs.h"

namespace espalier {
namespace {

constexpr uint32_t kAccumulators = 4;

class MeanWriter {
 public:
  MeanWriter(LoopBuilder& builder, const LayerRequest& r, uint32_t items)
      : builder_(builder),
        in_(r.inputs[0]),
        output_step_(channel_step(r.output)),
        items_(items),
        factor_(builder.constant(static_cast<float>(1.0 / static_cast<double>(in_.shape.pixels())))) {}

  // Vectors of channels.
  void write_interleaved() {
    const uint32_t lanes = builder_.lanes(), full = in_.shape.c / lanes;
    if (full > 0)
      loop_over_share(builder_, full, std::min(items_, full),
                      [&](Index block) { write_channels(Affine(block) * lanes, lanes); });
    if (in_.shape.c % lanes > 0) only_in_last_item([&] { write_channels(int64_t{full} * lanes, in_.shape.c % lanes); });
  }

  // A channel at a time, in vectors of pixels.
  void write_runs() {
    ElementLoop loop;
    loop.pixels = in_.shape.pixels();
    loop.output = operand_of(LoopBuffer::kX0, in_);
    std::vector<std::pair<RunClass, RunBegins>> classes;
    for (RunClass& runs : pixel_runs(loop, loop.pixels, builder_.lanes())) {
      RunBegins begins(builder_, loop.output, runs.begins);
      classes.emplace_back(std::move(runs), begins);
    }
    loop_over_share(builder_, in_.shape.c, items_, [&](Index channel) {
      std::vector<Vec> sums = zeros();
      for (const auto& [runs, begins] : classes)
        builder_.loop(0, static_cast<int64_t>(runs.begins.size()), 1, [&](Index run) {
          add_line(sums, begins.at(builder_, run) + Affine(channel) * channel_step(in_), runs.length);
        });
      store(channel, builder_.sum_lanes(total(sums)), 1);
    });
  }

 private:
  std::vector<Vec> zeros() {
    std::vector<Vec> sums;
    for (size_t i = 0; i < kAccumulators; ++i) sums.push_back(builder_.constant(0));
    return sums;
  }
  Vec total(const std::vector<Vec>& s) { return builder_.add(builder_.add(s[0], s[1]), builder_.add(s[2], s[3])); }
  void store(const Affine& channel, Vec sum, uint32_t lanes) {
    builder_.store(LoopBuffer::kY, channel * output_step_, builder_.multiply(sum, factor_), lanes);
  }

  void only_in_last_item(const std::function<void()>& body) {
    if (items_ == 1) return body();
    const Index end = builder_.index(Affine(builder_.item()) + Affine(1));
    builder_.loop(int64_t{items_} - 1, end, 1, [&](Index) { body(); });
  }

  /// Lines of the image are summed before they are added, so that no sum has more than h + w terms.
  void write_channels(const Affine& channel, uint32_t lanes) {
    const Shape& s = in_.shape;
    const Vec sum = builder_.constant(0);
    builder_.loop(0, s.h, 1, [&](Index y) {
      std::vector<Vec> line = zeros();
      const auto add = [&](size_t to, const Affine& x) {
        const Affine at = (Affine(y) * s.w + x) * s.c + channel;
        builder_.add_to(line[to], builder_.load(LoopBuffer::kX0, at, lanes));
      };
      if (s.w >= kAccumulators)
        builder_.loop(0, s.w / kAccumulators, 1, [&](Index x) {
          for (size_t i = 0; i < kAccumulators; ++i)
            add(i, Affine(x) * int64_t{kAccumulators} + Affine(static_cast<int64_t>(i)));
        });
      for (uint32_t x = s.w / kAccumulators * kAccumulators; x < s.w; ++x) add(x % kAccumulators, x);
      builder_.add_to(sum, total(line));
    });
    store(channel, sum, lanes);
  }

  // A partial vector's other lanes are 0.
  void add_line(std::vector<Vec>& sums, const Affine& begin, uint64_t length) {
    const uint64_t lanes = builder_.lanes(), vectors = length / lanes, turns = vectors / kAccumulators;
    const auto add = [&](size_t to, const Affine& offset, uint32_t count) {
      builder_.add_to(sums[to], builder_.load(LoopBuffer::kX0, begin + offset, count));
    };
    if (turns > 0)
      builder_.loop(0, static_cast<int64_t>(turns), 1, [&](Index turn) {
        for (size_t i = 0; i < kAccumulators; ++i)
          add(i, (Affine(turn) * int64_t{kAccumulators} + Affine(static_cast<int64_t>(i))) * lanes, 0);
      });
    for (uint64_t v = turns * kAccumulators; v < vectors; ++v)
      add(v % kAccumulators, static_cast<int64_t>(v * lanes), 0);
    if (length % lanes > 0)
      add(vectors % kAccumulators, static_cast<int64_t>(vectors * lanes), static_cast<uint32_t>(length % lanes));
  }

  LoopBuilder& builder_;
  const LayerTensor& in_;
  int64_t output_step_;
  uint32_t items_;
  Vec factor_;
};

}  // namespace

LayerSteps mean_steps(const LayerRequest& r) {
  const LayerTensor& in = r.inputs[0];
  const bool is_interleaved = in.layout.kind == LayoutKind::kInterleaved && channel_step(r.output) == 1;
  const uint32_t lanes = r.target.vector->lanes, most = is_interleaved ? std::max(in.shape.c / lanes, 1u) : in.shape.c;
  const uint32_t items = std::min(item_count(in.shape.elements()), most);
  StepBuilder step(r.name, r.target, r.output);
  step.set_input(LoopBuffer::kX0, 0, in);
  step.loops().set_items(items);
  MeanWriter writer(step.loops(), r, items);
  if (is_interleaved)
    writer.write_interleaved();
  else
    writer.write_runs();
  return step.finish_layer();
}

}  // namespace espalier
