#include <algorithm>

#include "codegen/layers/element_loop.h"
#include "codegen/layers/image_layers.h"
#include "codegen/layers/pixel_runs.h"

namespace espalier {
namespace {

constexpr uint32_t kAccumulators = 4;

/// Channels that are summed together where pixels lie in short runs.
constexpr uint32_t kChannelsOfRuns = 8;
constexpr uint64_t kShortRun = 64;

/// Channels of an interleaved tensor that are summed together: several cache lines of each pixel, because pixels may
/// lie a power of two apart, where few of their lines fit into the first cache.
constexpr uint32_t block_channels(uint32_t lanes) { return 8 * lanes; }

class MeanWriter {
 public:
  MeanWriter(LoopBuilder& builder, const LayerRequest& r, uint32_t items)
      : builder_(builder),
        in_(r.inputs[0]),
        output_step_(channel_step(r.output)),
        items_(items),
        factor_(builder.constant(static_cast<float>(1.0 / static_cast<double>(in_.shape.pixels())))) {}

  // Blocks of channels.
  void write_interleaved() {
    const uint32_t block = block_channels(builder_.lanes()), full = in_.shape.c / block;
    if (full > 0) loop_over_share(builder_, full, items_, [&](Index i) { write_channels(Affine(i) * block, block); });
    if (in_.shape.c % block > 0) only_in_last_item([&] { write_channels(int64_t{full} * block, in_.shape.c % block); });
  }

  // A channel at a time, in vectors of pixels.
  void write_runs() {
    ElementLoop loop;
    loop.pixels = in_.shape.pixels();
    loop.output = operand_of(LoopBuffer::kX0, in_);
    Classes classes;
    for (RunClass& runs : pixel_runs(loop, loop.pixels, builder_.lanes())) {
      RunBegins begins(builder_, loop.output, runs.begins);
      classes.emplace_back(std::move(runs), begins);
    }
    if (has_short_runs(classes)) return write_channel_blocks(classes);
    loop_over_share(builder_, in_.shape.c, items_, [&](Index channel) {
      std::vector<Vec> sums = zeros(kAccumulators);
      for (const auto& [runs, begins] : classes)
        builder_.loop(0, static_cast<int64_t>(runs.begins.size()), 1, [&](Index run) {
          add_line(sums, begins.at(builder_, run) + Affine(channel) * channel_step(in_), runs.length);
        });
      store(channel, builder_.sum_lanes(total(sums)), 1);
    });
  }

 private:
  using Classes = std::vector<std::pair<RunClass, RunBegins>>;

  std::vector<Vec> zeros(uint32_t count) {
    std::vector<Vec> sums;
    for (uint32_t i = 0; i < count; ++i) sums.push_back(builder_.constant(0));
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
  void write_channels(const Affine& channel, uint32_t channels) {
    const Shape& s = in_.shape;
    const uint32_t lanes = builder_.lanes(), vectors = (channels + lanes - 1) / lanes;
    const auto count = [&](uint32_t v) { return std::min(lanes, channels - v * lanes); };
    const std::vector<Vec> sums = zeros(vectors), line = zeros(vectors);
    builder_.loop(0, s.h, 1, [&](Index y) {
      const auto load = [&](const Affine& x, uint32_t v) {
        const Affine at = (Affine(y) * s.w + x) * s.c + channel + Affine(int64_t{v} * lanes);
        return builder_.load(LoopBuffer::kX0, at, count(v));
      };
      for (uint32_t v = 0; v < vectors; ++v) builder_.assign(line[v], load(0, v));
      if (s.w > 1)
        builder_.loop(1, s.w, 1, [&](Index x) {
          for (uint32_t v = 0; v < vectors; ++v) builder_.add_to(line[v], load(x, v));
        });
      for (uint32_t v = 0; v < vectors; ++v) builder_.add_to(sums[v], line[v]);
    });
    for (uint32_t v = 0; v < vectors; ++v) store(channel + Affine(int64_t{v} * lanes), sums[v], count(v));
  }

  static bool has_short_runs(const Classes& classes) {
    return std::ranges::all_of(classes, [](const auto& c) { return c.first.length <= kShortRun; });
  }

  // In panels the runs of neighbouring channels lie side by side, those of one channel far apart.
  void write_channel_blocks(const Classes& classes) {
    const uint32_t channels = in_.shape.c, blocks = channels / kChannelsOfRuns;
    if (blocks > 0)
      loop_over_share(builder_, blocks, items_, [&](Index i) {
        write_channel_block(classes, Affine(i) * int64_t{kChannelsOfRuns}, kChannelsOfRuns);
      });
    if (channels % kChannelsOfRuns > 0)
      only_in_last_item(
          [&] { write_channel_block(classes, int64_t{blocks} * kChannelsOfRuns, channels % kChannelsOfRuns); });
  }
  void write_channel_block(const Classes& classes, const Affine& first, uint32_t channels) {
    const std::vector<Vec> sums = zeros(channels);
    const uint64_t lanes = builder_.lanes();
    for (const auto& [runs, begins] : classes)
      builder_.loop(0, static_cast<int64_t>(runs.begins.size()), 1, [&](Index run) {
        const Affine begin = begins.at(builder_, run) + first * channel_step(in_);
        for (uint32_t c = 0; c < channels; ++c)
          for (uint64_t at = 0; at < runs.length; at += lanes) {
            const auto count = static_cast<uint32_t>(std::min(lanes, runs.length - at));
            const Affine offset = int64_t{c} * channel_step(in_) + static_cast<int64_t>(at);
            builder_.add_to(sums[c], builder_.load(LoopBuffer::kX0, begin + offset, count));
          }
      });
    for (uint32_t c = 0; c < channels; ++c) store(first + Affine(c), builder_.sum_lanes(sums[c]), 1);
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
  const uint32_t blocks = std::max(in.shape.c / block_channels(r.target.vector->lanes), 1u);
  const uint32_t most = is_interleaved ? blocks : in.shape.c;
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
