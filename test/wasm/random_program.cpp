#include "random_program.h"

#include <algorithm>

namespace espalier::test {
namespace {

constexpr uint8_t kFirstX = 32, kWeights = 40, kSplat = 41, kLow = 42, kHigh = 43;
constexpr uint32_t kLanes = 4;

class ProgramBuilder {
 public:
  explicit ProgramBuilder(const ProgramShape& shape) : s_(shape), random_(shape.seed) {}

  KernelProgram build() {
    p_.name = s_.name;
    p_.target = *find_target("wasm32", s_.cpu);
    p_.output_channels = s_.output_channels, p_.input_channels = s_.input_channels;
    p_.pixels = s_.pixels, p_.pixel_block = s_.pixel_block;
    p_.input_stride = s_.input_stride, p_.output_stride = s_.output_stride;
    for (uint32_t row = 0; row < s_.output_channels; row += s_.tile_rows) add_group(row);
    return std::move(p_);
  }

 private:
  struct Weight {
    uint32_t row, k, index;  // index into the chunk's slice
  };

  void add_group(uint32_t row) {
    const auto first = static_cast<uint32_t>(p_.chunks.size());
    const uint32_t rows = std::min(s_.tile_rows, s_.output_channels - row);
    for (uint32_t k = 0; k < s_.input_channels; k += s_.k_block) add_chunk(row, rows, k);
    p_.groups.push_back({row, rows, first, static_cast<uint32_t>(p_.chunks.size()) - first});
  }

  uint32_t add_value(float value) {
    p_.stream.push_back(value);
    return static_cast<uint32_t>(p_.stream.size() - 1 - offset_);
  }
  float value() { return std::uniform_real_distribution<float>(-1, 1)(random_); }

  /// The slice: biases (first K block), weights by column, clamp bounds (last K block).
  void add_chunk(uint32_t row, uint32_t rows, uint32_t first_k) {
    offset_ = p_.stream.size();
    first_ = first_k == 0;
    const uint32_t end_k = std::min(first_k + s_.k_block, s_.input_channels);
    last_ = end_k == s_.input_channels;
    first_row_ = row, rows_ = rows;
    for (uint32_t m = 0; first_ && m < rows; ++m) add_value(value());
    std::vector<Weight> weights;
    for (uint32_t k = first_k; k < end_k; ++k)
      for (uint32_t m = 0; m < rows; ++m)
        if (random_() % 3 == 0) weights.push_back({m, k, add_value(value())});
    weights_end_ = static_cast<uint32_t>(p_.stream.size() - offset_);
    if (last_ && s_.clamp) add_value(s_.clamp->low), add_value(s_.clamp->high);
    Chunk chunk;
    chunk.stream_offset = offset_;
    chunk.stream_count = static_cast<uint32_t>(p_.stream.size() - offset_);
    chunk.nonzeros = static_cast<uint32_t>(weights.size());
    for (const uint32_t width : {8, 4, 2, 1}) chunk.tiles.push_back(tile(width, weights));
    p_.nonzeros += weights.size();
    p_.chunks.push_back(std::move(chunk));
  }

  PixelTile tile(uint32_t width, const std::vector<Weight>& weights) {
    ops_.clear();
    lanes_ = static_cast<uint8_t>(std::min(width, kLanes));
    vectors_ = width / lanes_;
    for_accumulators([&](uint8_t acc, uint32_t m, uint32_t pixel) { begin(acc, m, pixel); });
    uint32_t loaded_k = UINT32_MAX, loaded_weights = UINT32_MAX;
    for (const Weight& w : weights) {
      if (w.k != loaded_k) load_input(loaded_k = w.k);
      splat(w.index, loaded_weights);
      for (uint32_t v = 0; v < vectors_; ++v)
        ops_.push_back(
            {.op = Op::kFma, .d = accumulator(w.row, v), .a = static_cast<uint8_t>(kFirstX + v), .b = kSplat});
    }
    if (last_ && s_.clamp) add_clamp();
    for_accumulators([&](uint8_t acc, uint32_t m, uint32_t pixel) {
      ops_.push_back(access(Op::kStore, acc, Buffer::kY, m, pixel));
    });
    ops_.push_back({.op = Op::kPrefetch, .buffer = Buffer::kX, .row = 0, .column = width});
    return {width, false, ops_};
  }

  uint8_t accumulator(uint32_t m, uint32_t v) const { return static_cast<uint8_t>(m * vectors_ + v); }
  template <typename F>
  void for_accumulators(F f) {
    for (uint32_t m = 0; m < rows_; ++m)
      for (uint32_t v = 0; v < vectors_; ++v) f(accumulator(m, v), m, v * kLanes);
  }
  MicroOp access(Op op, uint8_t d, Buffer buffer, uint32_t row, uint32_t column) const {
    return {.op = op,
            .d = d,
            .buffer = buffer,
            .lanes = lanes_,
            .row = buffer == Buffer::kY ? first_row_ + row : row,
            .column = column};
  }
  void begin(uint8_t acc, uint32_t m, uint32_t pixel) {
    if (!first_) return ops_.push_back(access(Op::kLoad, acc, Buffer::kY, m, pixel));
    if (m == 0) return ops_.push_back({.op = Op::kZero, .d = acc});  // row 0 of a tile has no bias
    ops_.push_back({.op = Op::kSplatLoad, .d = acc, .buffer = Buffer::kW, .column = m});
  }
  void load_input(uint32_t k) {
    for (uint32_t v = 0; v < vectors_; ++v)
      ops_.push_back(access(Op::kLoad, static_cast<uint8_t>(kFirstX + v), Buffer::kX, k, v * kLanes));
  }
  void splat(uint32_t index, uint32_t& loaded) {
    if (!s_.splat_lane)
      return ops_.push_back({.op = Op::kSplatLoad, .d = kSplat, .buffer = Buffer::kW, .column = index});
    const uint32_t four = index / 4 * 4;
    if (four != loaded) {
      const auto lanes = static_cast<uint8_t>(std::min(weights_end_ - four, kLanes));
      ops_.push_back({.op = Op::kLoad, .d = kWeights, .buffer = Buffer::kW, .lanes = lanes, .column = loaded = four});
    }
    ops_.push_back({.op = Op::kSplatLane, .d = kSplat, .a = kWeights, .lane = static_cast<uint8_t>(index % 4)});
  }
  void add_clamp() {
    ops_.push_back({.op = Op::kSplatLoad, .d = kLow, .buffer = Buffer::kW, .column = weights_end_});
    ops_.push_back({.op = Op::kSplatLoad, .d = kHigh, .buffer = Buffer::kW, .column = weights_end_ + 1});
    for_accumulators([&](uint8_t acc, uint32_t, uint32_t) { ops_.push_back({.op = Op::kMax, .d = acc, .a = kLow}); });
    for_accumulators([&](uint8_t acc, uint32_t, uint32_t) { ops_.push_back({.op = Op::kMin, .d = acc, .a = kHigh}); });
  }

  const ProgramShape& s_;
  std::mt19937 random_;
  KernelProgram p_;
  size_t offset_ = 0;
  uint32_t weights_end_ = 0, first_row_ = 0, rows_ = 0, vectors_ = 1;
  bool first_ = false, last_ = false;
  uint8_t lanes_ = 4;
  std::vector<MicroOp> ops_;
};

}  // namespace

KernelProgram random_program(const ProgramShape& shape) { return ProgramBuilder(shape).build(); }

std::vector<float> random_floats(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> distribution(-1, 1);
  std::vector<float> values(count);
  for (float& v : values) v = distribution(random);
  return values;
}

}  // namespace espalier::test
