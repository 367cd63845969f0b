#include "codegen/layers/element_loop.h"

#include <algorithm>
#include <optional>

#include "codegen/layers/pixel_runs.h"

namespace espalier {
namespace {

/// Elements that are moved one by one in a turn of their loop, of as many channels as there are and then of more
/// pixels: what belongs to a pixel (table entries, operands that stay) is then loaded once for several channels.
constexpr uint32_t kSinglesPerTurn = 8;

/// Pixels of one run at most where there are few channels to divide among work items.
constexpr uint64_t kPiece = 4096;

std::vector<ElementOperand*> operands_of(ElementLoop& loop) {
  std::vector<ElementOperand*> all = {&loop.output};
  for (ElementOperand& input : loop.inputs) all.push_back(&input);
  return all;
}

/// One pixel: its channels are taken for pixels, so that they may form runs.
void turn_channels_to_pixels(ElementLoop& loop) {
  for (ElementOperand* operand : operands_of(loop)) {
    operand->base = operand->at(0);
    operand->pixel.clear();
    operand->pixel_step = operand->channel_step;
    operand->channel_step = 0;
  }
  loop.pixels = loop.channels;
  loop.channels = 1;
}

/// All operands interleaved without gaps: channels and pixels are one long line.
bool is_one_line(ElementLoop& loop) {
  const auto all = operands_of(loop);
  return std::ranges::all_of(all, [&](const ElementOperand* operand) {
    return operand->pixel.empty() && operand->channel_step == 1 && operand->pixel_step == int64_t{loop.channels};
  });
}

void join_to_one_line(ElementLoop& loop) {
  for (ElementOperand* operand : operands_of(loop)) {
    operand->pixel_step = 1;
    operand->channel_step = 0;
  }
  loop.pixels *= loop.channels;
  loop.channels = 1;
}

void simplify(ElementLoop& loop) {
  if (loop.pixels == 1)
    turn_channels_to_pixels(loop);
  else if (is_one_line(loop))
    join_to_one_line(loop);
}

bool has_channel_vectors(const ElementLoop& loop) {
  return loop.channels > 1 && loop.output.channel_step == 1 &&
         std::ranges::all_of(loop.inputs, [](const ElementOperand& input) {
           return input.channel_step == 0 || input.channel_step == 1;
         });
}

class Writer {
 public:
  Writer(LoopBuilder& builder, const ElementLoop& loop, uint32_t items)
      : builder_(builder), loop_(loop), items_(items) {}

  void write_channel_vectors() {
    std::vector<uint64_t> pixels(loop_.pixels);
    for (uint64_t p = 0; p < pixels.size(); ++p) pixels[p] = p;
    const Begins begins = begins_of(pixels);
    std::vector<bool> stays;
    for (const ElementOperand& input : loop_.inputs) stays.push_back(input.channel_step == 0);
    loop_over_share(builder_, loop_.pixels, items_,
                    [&](Index p) { write_line(addresses(begins, p), loop_.channels, stays); });
  }

  void write_pixel_runs() {
    const uint64_t longest = loop_.channels == 1 ? kPiece : loop_.pixels;
    for (const RunClass& runs : pixel_runs(loop_, longest, builder_.lanes()))
      if (runs.length < builder_.lanes())
        write_short_runs(runs);
      else
        write_long_runs(runs);
  }

 private:
  struct Begins {
    RunBegins output;
    std::vector<RunBegins> inputs;
  };
  struct Addresses {
    Affine output;
    std::vector<Affine> inputs;
  };

  Begins begins_of(const std::vector<uint64_t>& pixels) {
    Begins begins{RunBegins(builder_, loop_.output, pixels), {}};
    for (const ElementOperand& input : loop_.inputs) begins.inputs.emplace_back(builder_, input, pixels);
    return begins;
  }

  Addresses addresses(const Begins& begins, const Affine& run) {
    Addresses result{begins.output.at(builder_, run), {}};
    for (const RunBegins& input : begins.inputs) result.inputs.push_back(input.at(builder_, run));
    return result;
  }
  Addresses in_channel(Addresses at, const Affine& channel) const {
    at.output = at.output + channel * loop_.output.channel_step;
    for (size_t i = 0; i < at.inputs.size(); ++i) at.inputs[i] = at.inputs[i] + channel * loop_.inputs[i].channel_step;
    return at;
  }

  // In panels the next channel stands right behind a run; elsewhere the next run does.
  void write_long_runs(const RunClass& runs) {
    const Begins begins = begins_of(runs.begins);
    const auto count = static_cast<int64_t>(runs.begins.size());
    const auto length = static_cast<int64_t>(runs.length);
    const auto write_run = [&](Index run, Index channel) {
      write_line(in_channel(addresses(begins, run), channel), runs.length, runs.stays);
    };
    if (loop_.channels == 1 || loop_.output.channel_step == length)
      loop_over_share(builder_, runs.begins.size(), items_, [&](Index run) {
        builder_.loop(0, loop_.channels, 1, [&](Index channel) { write_run(run, channel); });
      });
    else
      loop_over_share(builder_, loop_.channels, items_,
                      [&](Index channel) { builder_.loop(0, count, 1, [&](Index run) { write_run(run, channel); }); });
  }

  /// Runs below a vector: pixels are divided among the items, and channels taken in blocks.
  void write_short_runs(const RunClass& runs) {
    const Begins begins = begins_of(runs.begins);
    const uint32_t block = std::min(loop_.channels, kSinglesPerTurn), blocks = loop_.channels / block;
    const uint64_t group = kSinglesPerTurn / block, groups = runs.begins.size() / group;
    const auto write_channels = [&](const Affine& first, uint32_t channels) {
      if (groups > 0) write_groups(begins, runs, {first, channels, 0, groups, group});
      if (const uint64_t rest = runs.begins.size() - groups * group; rest > 0)
        write_groups(begins, runs, {first, channels, static_cast<int64_t>(groups * group), rest, 1});
    };
    if (blocks == 1)
      write_channels(0, block);
    else
      builder_.loop(0, blocks, 1, [&](Index i) { write_channels(Affine(i) * block, block); });
    if (loop_.channels % block > 0) write_channels(int64_t{blocks} * block, loop_.channels % block);
  }

  struct Groups {
    Affine first_channel;
    uint32_t channels;
    int64_t first_run;
    uint64_t count, size;  ///< groups of so many runs
  };
  void write_groups(const Begins& begins, const RunClass& runs, const Groups& groups) {
    const Share share = share_of(builder_, groups.count, items_);
    builder_.loop(share.begin, share.end, 1, [&](Index turn) {
      for (uint64_t i = 0; i < groups.size; ++i) {
        const int64_t offset = groups.first_run + static_cast<int64_t>(i);
        const Addresses at = addresses(begins, Affine(turn) * static_cast<int64_t>(groups.size) + Affine(offset));
        for (uint32_t c = 0; c < groups.channels; ++c)
          write_line(in_channel(at, groups.first_channel + Affine(c)), runs.length, runs.stays);
      }
    });
  }

  /// `length` elements side by side. Operands that stay are loaded once.
  void write_line(const Addresses& at, uint64_t length, const std::vector<bool>& stays) {
    fixed_.assign(stays.size(), std::nullopt);
    for (size_t i = 0; i < stays.size(); ++i)
      if (stays[i]) fixed_[i] = builder_.splat(loop_.inputs[i].buffer, at.inputs[i]);
    const uint64_t lanes = builder_.lanes(), vectors = length / lanes, unroll = loop_.unroll;
    const auto turns = static_cast<int64_t>(vectors / unroll);
    const auto step = static_cast<int64_t>(unroll * lanes);
    if (turns > 0)
      builder_.loop(0, turns, 1, [&](Index turn) { write_vectors(at, Affine(turn) * step, unroll * lanes); });
    write_vectors(at, turns * step, length - static_cast<uint64_t>(turns * step));
  }

  /// `count` elements, the last vector as short as they want it.
  void write_vectors(const Addresses& at, const Affine& offset, uint64_t count) {
    const uint64_t lanes = builder_.lanes();
    builder_.interleave(static_cast<uint32_t>((count + lanes - 1) / lanes), [&](uint32_t i) {
      const uint64_t left = count - i * lanes;
      write_vector(at, offset + Affine(static_cast<int64_t>(i * lanes)),
                   left < lanes ? static_cast<uint32_t>(left) : 0);
    });
  }

  void write_vector(const Addresses& at, const Affine& offset, uint32_t lanes) {
    std::vector<Vec> values;
    for (size_t i = 0; i < loop_.inputs.size(); ++i)
      values.push_back(fixed_[i] ? *fixed_[i] : builder_.load(loop_.inputs[i].buffer, at.inputs[i] + offset, lanes));
    builder_.store(loop_.output.buffer, at.output + offset, loop_.value(values), lanes);
  }

  LoopBuilder& builder_;
  const ElementLoop& loop_;
  uint32_t items_;
  std::vector<std::optional<Vec>> fixed_;  ///< of the line being written: the operands that stay
};

}  // namespace

ElementOperand operand_of(LoopBuffer buffer, const LayerTensor& tensor) {
  const auto channels = static_cast<int64_t>(tensor.shape.c);
  if (tensor.layout.kind == LayoutKind::kInterleaved) return {buffer, 1, channels, 0, {}};
  if (tensor.layout.kind == LayoutKind::kChannelRows) return {buffer, tensor.layout.stride, 1, 0, {}};
  std::vector<uint32_t> pixels(tensor.shape.pixels());
  for (uint32_t p = 0; p < pixels.size(); ++p) pixels[p] = p;
  return operand_of(buffer, tensor, pixels);
}

int64_t channel_step(const LayerTensor& tensor) {
  return tensor.shape.c > 1 ? static_cast<int64_t>(tensor.place(1, 0) - tensor.place(0, 0)) : 1;
}

ElementOperand operand_of(LoopBuffer buffer, const LayerTensor& tensor, std::span<const uint32_t> pixels,
                          uint32_t first_channel) {
  ElementOperand operand{buffer, channel_step(tensor), 0, 0, {}};
  for (const uint32_t p : pixels) operand.pixel.push_back(static_cast<int64_t>(tensor.place(first_channel, p)));
  return operand;
}

uint32_t item_count(uint64_t elements) {
  constexpr uint64_t kElementsPerItem = 4096, kMost = 256;
  return static_cast<uint32_t>(std::clamp<uint64_t>(elements / kElementsPerItem, 1, kMost));
}

void write_elements(LoopBuilder& builder, ElementLoop loop, uint32_t items) {
  if (loop.pixels == 0 || loop.channels == 0) return;
  simplify(loop);
  Writer writer(builder, loop, items);
  if (has_channel_vectors(loop))
    writer.write_channel_vectors();
  else
    writer.write_pixel_runs();
}

}  // namespace espalier
