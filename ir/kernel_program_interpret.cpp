#include <algorithm>
#include <array>
#include <cmath>

#include "ir/program_walk.h"

namespace espalier {
namespace {

constexpr uint32_t kMaxLanes = 16;
constexpr uint32_t kGroup = 4;  // lanes that weights are loaded and splat in
using Vector = std::array<float, kMaxLanes>;

float multiply_add(Arithmetic arithmetic, float sum, float a, float b) {
  if (arithmetic == Arithmetic::kFma) return std::fma(a, b, sum);
  const volatile float product = a * b;  // volatile: no compiler may fuse the two roundings
  return sum + product;
}

/// One chunk over one pixel range. Places are kept as offsets, since x of a matrix without columns may be null.
class ChunkRun {
 public:
  ChunkRun(const KernelProgram& program, const Chunk& chunk, const float* x, float* y, size_t first_pixel)
      : program_(program),
        chunk_(chunk),
        lanes_(program.target.vector->lanes),
        arithmetic_(program.target.vector->arithmetic),
        x_(x),
        y_(y),
        x_place_(program.input_place(first_pixel)),
        y_place_(program.output_place(first_pixel)),
        w_(program.stream.data() + chunk.stream_offset) {}

  void run(uint32_t pixels) {
    for (const PixelTile& tile : chunk_.tiles) {
      while (tile.remainder ? pixels > 0 : pixels >= tile.width) {
        remaining_ = tile.remainder ? pixels : 0;
        round(tile);
        x_place_ += program_.input_step(tile);
        y_place_ += program_.output_step(tile);
        pixels -= tile.remainder ? pixels : tile.width;
      }
    }
  }

 private:
  void round(const PixelTile& tile) {
    ProgramWalk walk(program_, chunk_, tile.ops);
    walk_ = &walk;
    for (; const MicroOp* op = walk.next(); walk.step()) execute(*op);
  }

  const float* address(const MicroOp& op) const {
    if (op.buffer == Buffer::kW) return w_ + (walk_->weights() + op.column);
    return op.buffer == Buffer::kX || op.buffer == Buffer::kXAt ? x_ + input_offset(op) : y_ + output_offset(op);
  }
  size_t input_offset(const MicroOp& op) const {
    const uint64_t row =
        op.buffer == Buffer::kXAt ? walk_->pointer(op) : (op.row + walk_->rows()) * program_.input_stride;
    return x_place_ + row + op.column;
  }
  size_t output_offset(const MicroOp& op) const {
    const uint64_t row = op.buffer == Buffer::kYAt ? walk_->pointer(op) : uint64_t{op.row} * program_.output_stride;
    return y_place_ + row + op.column;
  }
  uint32_t active(const MicroOp& op) const { return op.lanes == kRemainingLanes ? remaining_ : op.lanes; }
  Vector loaded(const MicroOp& op) const {
    Vector v{};
    const uint32_t copies = op.buffer == Buffer::kW ? lanes_ / kGroup : 1;
    for (uint32_t c = 0; c < copies; ++c) std::copy_n(address(op), active(op), v.begin() + c * kGroup);
    return v;
  }
  void store(const MicroOp& op) { std::copy_n(registers_[op.d].begin(), active(op), y_ + output_offset(op)); }
  void accumulate(uint8_t d, const Vector& a, const Vector& b) {
    for (uint32_t i = 0; i < lanes_; ++i) registers_[d][i] = multiply_add(arithmetic_, registers_[d][i], a[i], b[i]);
  }
  static Vector splat_groups(const Vector& a, uint8_t lane) {
    Vector v;
    for (uint32_t i = 0; i < kMaxLanes; ++i) v[i] = a[i / kGroup * kGroup + lane];
    return v;
  }
  static Vector splat(float value) {
    Vector v;
    v.fill(value);
    return v;
  }
  void execute(const MicroOp& op) {
    Vector& d = registers_[op.d];
    const Vector a = registers_[op.a];
    switch (op.op) {
      case Op::kZero:
        d = splat(0);
        break;
      case Op::kCopy:
        d = a;
        break;
      case Op::kLoad:
        d = loaded(op);
        break;
      case Op::kStore:
        store(op);
        break;
      case Op::kSplatLoad:
        d = splat(*address(op));
        break;
      case Op::kSplatLane:
        d = splat_groups(a, op.lane);
        break;
      case Op::kFma:
        accumulate(op.d, a, registers_[op.b]);
        break;
      case Op::kFmaLane:
        accumulate(op.d, a, splat_groups(registers_[op.b], op.lane));
        break;
      case Op::kFmaLoad:
        accumulate(op.d, loaded(op), registers_[op.b]);
        break;
      case Op::kFmaSplat:
        accumulate(op.d, a, splat(*address(op)));
        break;
      case Op::kMax:
        for (uint32_t i = 0; i < lanes_; ++i) d[i] = d[i] > a[i] ? d[i] : a[i];
        break;
      case Op::kMin:
        for (uint32_t i = 0; i < lanes_; ++i) d[i] = d[i] < a[i] ? d[i] : a[i];
        break;
      default:  // hints, and control, which is the walk's
        break;
    }
  }

  const KernelProgram& program_;
  const Chunk& chunk_;
  uint32_t lanes_;
  Arithmetic arithmetic_;
  const float* x_;
  float* y_;
  size_t x_place_, y_place_;
  const float* w_;
  const ProgramWalk* walk_ = nullptr;
  uint32_t remaining_ = 0;
  std::array<Vector, 256> registers_{};
};

void run_chunks(const KernelProgram& program, std::span<const float> x, std::span<float> y, size_t pixel,
                uint32_t count) {
  for (const Chunk& chunk : program.chunks) ChunkRun(program, chunk, x.data(), y.data(), pixel).run(count);
}

}  // namespace

void interpret(const KernelProgram& program, std::span<const float> x, std::span<float> y, uint32_t pixels) {
  pixels = program.padded(pixels);
  for (size_t pixel = 0; pixel < pixels; pixel += program.pixel_block)
    run_chunks(program, x, y, pixel, std::min(program.pixel_block, static_cast<uint32_t>(pixels - pixel)));
}

void interpret_tiles(const KernelProgram& program, std::span<const float> x, std::span<float> y, uint32_t first,
                     uint32_t count) {
  const uint32_t pixels = program.padded(program.pixels), tile = program.pixel_tile();
  for (uint64_t pixel = uint64_t{first} * tile; pixel < std::min<uint64_t>(pixels, uint64_t{first + count} * tile);
       pixel += tile)
    run_chunks(program, x, y, pixel, static_cast<uint32_t>(std::min<uint64_t>(tile, pixels - pixel)));
}

}  // namespace espalier
