#include "test/support/random_program.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <random>

#include "espalier/kernel_abi.h"

namespace espalier::test {
namespace {

/// Uniform numbers, the same with every standard library.
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  uint32_t below(uint32_t limit) { return static_cast<uint32_t>(engine_() % limit); }
  uint32_t between(uint32_t low, uint32_t high) { return low + below(high - low + 1); }
  float value() { return (static_cast<float>(below(1 << 16)) - 32768.0f) / 32768.0f; }
  template <typename T>
  const T& one_of(const std::vector<T>& values) {
    return values[below(static_cast<uint32_t>(values.size()))];
  }
  template <typename T>
  void shuffle(std::vector<T>& values) {
    for (size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(static_cast<uint32_t>(i))]);
  }

 private:
  std::mt19937_64 engine_;
};

/// `lanes` pixels from `column` on that one load or store moves.
struct Piece {
  uint32_t column;
  uint8_t lanes;
};

class Generator {
 public:
  Generator(const Target& target, const RandomShape& shape, uint64_t seed) : isa_(*target.vector), random_(seed) {
    p_.name = "kernel";
    p_.target = target;
    p_.output_channels = shape.rows, p_.input_channels = shape.columns;
    p_.pixels = shape.pixels, p_.input_stride = shape.input_stride, p_.output_stride = shape.output_stride;
    p_.pixel_block = shape.pixel_block;
    operations_ = shape.operations;
    p_.schedule = *parse_schedule("unrolled:rows=4,vectors=2,k=8,chunk=100,pixels=64,prefetch=0");
  }

  KernelProgram run() {
    choose_tiles();
    for (uint32_t row = 0; row < p_.output_channels;) row += add_group(row);
    return std::move(p_);
  }

 private:
  /// A wide tile of any width, then ever narrower ones, so that every pixel count is consumed.
  void choose_tiles() {
    widths_ = {random_.between(1, 3) * isa_.lanes + random_.below(isa_.lanes), isa_.lanes};
    if (isa_.has_masks) return widths_.push_back(0);
    for (uint32_t lanes = isa_.lanes / 2; lanes > 0; lanes /= 2) widths_.push_back(lanes);
  }

  uint32_t add_group(uint32_t row) {
    const uint32_t rows = std::min(p_.output_channels - row, random_.between(1, 8)), chunks = random_.between(1, 3);
    group_ = {row, rows, static_cast<uint32_t>(p_.chunks.size()), chunks};
    p_.groups.push_back(group_);
    for (uint32_t c = 0; c < chunks; ++c) add_chunk(c == 0);
    return rows;
  }

  void add_chunk(bool first) {
    first_ = first;
    Chunk chunk;
    chunk.stream_offset = p_.stream.size();
    chunk.stream_count = stream_count_ = random_.between(std::max(isa_.lanes, 7u), 60);
    for (uint32_t i = 0; i < stream_count_; ++i) p_.stream.push_back(random_.value());
    for (uint32_t width : widths_) chunk.tiles.push_back(tile(width));
    p_.chunks.push_back(std::move(chunk));
  }

  PixelTile tile(uint32_t width) {
    ops_.clear();
    split_into_pieces(width);
    split_registers();
    for (uint8_t reg : sources_) define_source(reg);
    for (uint8_t reg : accumulators_) define_accumulator(reg);
    for (uint32_t n = operations_ ? operations_ : random_.between(10, 60); n > 0; --n) add_operation();
    add_stores();
    return {width, width == 0, ops_};
  }

  void split_into_pieces(uint32_t width) {
    pieces_.clear();
    if (width == 0) return pieces_.push_back({0, kRemainingLanes});
    uint32_t column = 0;
    for (uint32_t lanes = isa_.lanes; lanes > 0; lanes /= 2) {
      const bool partial = isa_.has_masks && width - column < isa_.lanes && width != column;
      if (partial) return pieces_.push_back({column, static_cast<uint8_t>(width - column)});
      for (; width - column >= lanes; column += lanes) pieces_.push_back({column, static_cast<uint8_t>(lanes)});
    }
  }

  void split_registers() {
    std::vector<uint8_t> registers(isa_.registers);
    std::iota(registers.begin(), registers.end(), uint8_t{0});
    random_.shuffle(registers);
    const auto middle = registers.begin() + random_.between(2, isa_.registers - 2);
    sources_.assign(registers.begin(), middle);
    accumulators_.assign(middle, registers.end());
  }

  void access(MicroOp& op, Buffer buffer, const Piece& piece) {
    op.buffer = buffer;
    op.row = buffer == Buffer::kX ? random_.below(p_.input_channels) : group_.first_row + random_.below(group_.rows);
    op.column = piece.column;
    op.lanes = piece.lanes;
  }
  void access_weights(MicroOp& op, uint32_t lanes) {
    op.buffer = Buffer::kW;
    op.column = random_.below(stream_count_ - lanes + 1);
    if (op_info(op.op).has_lanes) op.lanes = static_cast<uint8_t>(lanes);
  }

  void load(uint8_t reg, Buffer buffer) {
    MicroOp op{.op = Op::kLoad, .d = reg};
    access(op, buffer, random_.one_of(pieces_));
    ops_.push_back(op);
  }
  void load_weights(uint8_t reg, Op code, uint32_t lanes) {
    MicroOp op{.op = code, .d = reg};
    access_weights(op, lanes);
    ops_.push_back(op);
  }
  /// Weight loads of four lanes, of fewer, and splats.
  void define_source(uint8_t reg) {
    const uint32_t kind = random_.below(8);
    if (kind == 0) return ops_.push_back({.op = Op::kZero, .d = reg});
    if (kind == 1) return load_weights(reg, Op::kLoad, 4);
    if (kind == 2 && isa_.lanes == 4) return load_weights(reg, Op::kLoad, random_.between(1, 4));
    if (kind <= 4) return load_weights(reg, Op::kSplatLoad, 1);
    load(reg, kind == 5 && !first_ ? Buffer::kY : Buffer::kX);
  }
  void define_accumulator(uint8_t reg) {
    const uint32_t kind = random_.below(3);
    if (kind == 0) return ops_.push_back({.op = Op::kZero, .d = reg});
    if (kind == 1) return load_weights(reg, Op::kSplatLoad, 1);
    load(reg, first_ ? Buffer::kX : Buffer::kY);
  }

  bool has(Op op) const {
    switch (op) {
      case Op::kFmaLane:
        return isa_.has_fma_lane;
      case Op::kSplatLane:
        return isa_.has_splat_lane;
      case Op::kFmaSplat:
        return isa_.has_fma_splat;
      default:
        return isa_.has_fma_load;
    }
  }

  /// One operation on defined registers; sources only ever hold loaded values, so sums cannot run away.
  void add_operation() {
    MicroOp op{.d = random_.one_of(accumulators_), .a = random_.one_of(sources_), .b = random_.one_of(sources_)};
    switch (random_.below(12)) {
      case 0:
        return define_source(random_.one_of(sources_));
      case 1:
        return add_prefetch();
      case 2:
        return add_accumulate(op, Op::kMax);
      case 3:
        return add_accumulate(op, Op::kMin);
      case 4:
        return add_splat_lane();
      case 5:
        return add_fma_load(op);
      case 6:
      case 7:
        return has(Op::kFmaLane) ? add_accumulate(op, Op::kFmaLane) : add_accumulate(op, Op::kFma);
      case 8:
        return add_copy(op);
      case 9:
        return add_early_store();
      case 10:
        return has(Op::kFmaSplat) ? add_fma_splat(op) : add_accumulate(op, Op::kFma);
      default:
        return add_accumulate(op, Op::kFma);
    }
  }
  void add_accumulate(MicroOp op, Op code) {
    op.op = code;
    if (!op_info(code).reads_b) op.b = 0;
    if (op_info(code).has_lane) op.lane = static_cast<uint8_t>(random_.below(4));
    ops_.push_back(op);
  }
  /// From sources to either pool, so that sums cannot feed themselves. Never to itself: compilers of C warn of that.
  void add_copy(MicroOp op) {
    op.op = Op::kCopy, op.b = 0;
    if (random_.below(2)) op.d = random_.one_of(sources_);
    if (op.d != op.a) ops_.push_back(op);
  }
  void add_splat_lane() {
    if (!has(Op::kSplatLane)) return;
    const auto lane = static_cast<uint8_t>(random_.below(4));
    ops_.push_back({.op = Op::kSplatLane, .d = random_.one_of(sources_), .a = random_.one_of(sources_), .lane = lane});
  }
  void add_fma_load(MicroOp op) {
    const Piece& piece = random_.one_of(pieces_);
    if (!has(Op::kFmaLoad) || (!isa_.has_masks && piece.lanes != isa_.lanes)) return;
    op.op = Op::kFmaLoad, op.a = 0;
    access(op, Buffer::kX, piece);
    ops_.push_back(op);
  }
  void add_fma_splat(MicroOp op) {
    op.op = Op::kFmaSplat, op.b = 0;
    access_weights(op, 1);
    ops_.push_back(op);
  }
  void add_prefetch() {
    MicroOp op{.op = random_.below(2) ? Op::kPrefetch : Op::kPrefetchFar};
    access(op, random_.below(2) ? Buffer::kX : Buffer::kY, {random_.below(100), 0});
    ops_.push_back(op);
  }

  MicroOp store(uint32_t row, const Piece& piece) {
    return {.op = Op::kStore,
            .d = random_.one_of(accumulators_),
            .buffer = Buffer::kY,
            .lanes = piece.lanes,
            .row = group_.first_row + row,
            .column = piece.column};
  }
  /// Overwritten by a later store. Only where no source is loaded from Y, so that sums cannot feed themselves.
  void add_early_store() {
    if (first_) ops_.push_back(store(random_.below(group_.rows), random_.one_of(pieces_)));
  }
  void add_stores() {
    std::vector<MicroOp> stores;
    for (uint32_t row = 0; row < group_.rows; ++row)
      for (const Piece& piece : pieces_) stores.push_back(store(row, piece));
    random_.shuffle(stores);
    ops_.insert(ops_.end(), stores.begin(), stores.end());
  }

  KernelProgram p_;
  const VectorIsa& isa_;
  Random random_;
  std::vector<uint32_t> widths_;  ///< 0: the remainder
  RowGroup group_;
  bool first_ = true;
  uint32_t stream_count_ = 0, operations_ = 0;
  std::vector<MicroOp> ops_;
  std::vector<Piece> pieces_;
  std::vector<uint8_t> sources_, accumulators_;
};

}  // namespace

RandomShape random_shape(uint64_t seed) {
  Random random(seed ^ 0x5eed);
  RandomShape shape;
  const uint32_t pixels = random.between(1, 90);
  shape.rows = random.between(1, 12);
  shape.columns = random.between(1, 24);
  shape.pixels = random.below(2) ? pixels : 0;
  shape.input_stride = pixels + random.below(20);
  shape.output_stride = pixels + random.below(20);
  if (random.below(3) == 0) shape.input_stride = (shape.input_stride + 3) / 4 * 4;
  shape.pixel_block = random.between(1, pixels);
  return shape;
}

KernelProgram random_program(const Target& target, const RandomShape& shape, uint64_t seed) {
  return Generator(target, shape, seed).run();
}

float random_input(uint32_t row, uint32_t pixel) {
  uint32_t h = row * 2654435761u + pixel * 2246822519u + 374761393u;
  h = (h ^ (h >> 15)) * 3266489917u;
  return (static_cast<float>((h >> 8) & 0xffff) - 32768.0f) / 32768.0f;
}

std::vector<float> random_input_of(const KernelProgram& p, uint32_t pixels) {
  const size_t size = size_t{p.input_channels - 1} * p.input_stride + pixels;
  std::vector<float> x(size, std::numeric_limits<float>::quiet_NaN());
  for (uint32_t k = 0; k < p.input_channels; ++k)
    for (uint32_t i = 0; i < pixels; ++i) x[size_t{k} * p.input_stride + i] = random_input(k, i);
  return x;
}

namespace {

constexpr uint32_t kMostRandomPixels = 150;  // of panels, which have room for any number

size_t elements(const KernelProgram& p, uint32_t channels, uint32_t stride, uint32_t panel) {
  if (panel == 0) return size_t{channels} * stride;
  return espalier_buffer_elements(channels, std::min(p.max_pixels(), kMostRandomPixels), stride, panel);
}

}  // namespace

size_t input_elements(const KernelProgram& p) { return elements(p, p.input_channels, p.input_stride, p.input_panel); }
size_t output_elements(const KernelProgram& p) {
  return elements(p, p.output_channels, p.output_stride, p.output_panel);
}

std::vector<float> random_values(size_t count, uint64_t seed) {
  SeededRandom random(seed);
  std::vector<float> values(count);
  std::generate(values.begin(), values.end(), [&] { return random.weight(); });
  return values;
}

std::vector<float> expected_output_of(const KernelProgram& p, uint32_t pixels) {
  const std::vector<float> x = random_input_of(p, pixels);
  std::vector<float> y(size_t{p.output_channels - 1} * p.output_stride + pixels);
  interpret(p, x, y, pixels);
  std::vector<float> packed;
  for (uint32_t m = 0; m < p.output_channels; ++m) {
    const auto row = y.begin() + static_cast<ptrdiff_t>(size_t{m} * p.output_stride);
    packed.insert(packed.end(), row, row + pixels);
  }
  return packed;
}

}  // namespace espalier::test
