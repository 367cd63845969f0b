#include "backends/wasm/chunk_body.h"

#include <algorithm>

namespace espalier::wasm {
namespace {

// Parameters are the first locals, vector registers the rest.
constexpr uint32_t kX = 0, kY = 1, kW = 2, kPixels = 3, kFirstVector = 4;
constexpr uint32_t kElementBytes = 4;

// V8 up to 12 (Node 20 and 22) moves all arithmetic of a straight block behind all of its loads, and spills what they
// brought. So a block ends after this many sums: `if (pixels)`, which is always true, but what is added inside cannot
// move out. 512x512 at 90 % zeros, 192 pixels, tiles of 8 rows x 1 vector, GFLOP/s on one Zen 4 core without and with:
// Node 20 4.5 and 11.4, Node 22 (relaxed) 6.0 and 12.6, Node 24 12.7 and 13.0. Wide tiles pay for it in Node 24 (4 x 2:
// 12.5 and 10.9; 2 x 4: 11.6 and 8.3).
constexpr size_t kSumsPerBlock = 8;

class ChunkWriter {
 public:
  ChunkWriter(const KernelProgram& program, CodeWriter& code)
      : code_(code),
        fused_(program.target.vector->arithmetic == Arithmetic::kFma),
        input_stride_(program.input_stride),
        output_stride_(program.output_stride) {}

  Status write(const Chunk& chunk) {
    code_.clear();
    code_.declare_locals(0, vector_count(chunk));
    for (size_t t = 0; t < chunk.tiles.size(); ++t)
      if (Status s = write_tile(chunk.tiles[t]); !s) return std::move(s).error().in(fmt::format("tile {}", t));
    code_.write(Instruction::kEndFunction);
    return {};
  }

 private:
  static uint32_t vector_count(const Chunk& chunk) {
    uint32_t count = 0;
    for (const PixelTile& tile : chunk.tiles)
      for (const MicroOp& op : tile.ops) count = std::max(count, std::max({op.d, op.a, op.b}) + 1u);
    return count;
  }

  /// if (pixels >= width) do { ops; advance } while (pixels >= width);
  Status write_tile(const PixelTile& tile) {
    if (tile.remainder || tile.width == 0) return internal_error("a remainder tile, but WebAssembly has no masks");
    const auto width = static_cast<int32_t>(tile.width);
    code_.write(Instruction::kGetI32, kPixels);
    code_.write_constant(width);
    code_.write(Instruction::kGeUI32);
    code_.write(Instruction::kIf);
    code_.write(Instruction::kLoop);
    if (Status s = write_ops(tile.ops); !s) return s;
    advance(kX, width);
    advance(kY, width);
    code_.write(Instruction::kGetI32, kPixels);
    code_.write_constant(width);
    code_.write(Instruction::kSubI32);
    code_.write(Instruction::kTeeI32, kPixels);
    code_.write_constant(width);
    code_.write(Instruction::kGeUI32);
    code_.write(Instruction::kRepeatIf);
    code_.write(Instruction::kEnd);
    code_.write(Instruction::kEnd);
    return {};
  }

  /// The operations, cut in front of a load into blocks of kSumsPerBlock sums or a few more.
  Status write_ops(const std::vector<MicroOp>& ops) {
    const auto is_sum = [](const MicroOp& op) { return op.op == Op::kFma; };
    const bool cut = std::count_if(ops.begin(), ops.end(), is_sum) > static_cast<ptrdiff_t>(kSumsPerBlock);
    bool open = false;
    for (size_t i = 0, sums = 0; i < ops.size(); ++i) {
      if (cut && ops[i].op == Op::kLoad && (!open || sums >= kSumsPerBlock)) {
        if (open) code_.write(Instruction::kEnd);
        code_.write(Instruction::kGetI32, kPixels);
        code_.write(Instruction::kIf);
        open = true, sums = 0;
      }
      sums += is_sum(ops[i]);
      if (!write_op(ops[i]))
        return internal_error("operation {} ({}) is not one that WebAssembly has", i, op_info(ops[i].op).name);
    }
    if (open) code_.write(Instruction::kEnd);
    return {};
  }

  void advance(uint32_t pointer, int32_t width) {
    code_.write(Instruction::kGetI32, pointer);
    code_.write_constant(static_cast<int32_t>(static_cast<uint32_t>(width) * kElementBytes));
    code_.write(Instruction::kAddI32);
    code_.write(Instruction::kSetI32, pointer);
  }

  /// False for an operation or a lane count without an instruction.
  bool write_op(const MicroOp& op) {
    switch (op.op) {
      case Op::kZero:
        code_.write(Instruction::kZero);
        return set(op.d);
      case Op::kCopy:
        get(op.a);
        return set(op.d);
      case Op::kLoad:
        return load(op);
      case Op::kStore:
        return store(op);
      case Op::kSplatLoad:
        return memory(Instruction::kLoadSplat, op) && set(op.d);
      case Op::kSplatLane:
        return splat_lane(op);
      case Op::kFma:
        return multiply_add(op);
      // pmax(a, d) is a < d ? d : a and pmin(a, d) is d < a ? d : a: what kMax and kMin say, NaNs included.
      case Op::kMax:
        return clamp(Instruction::kPseudoMax, op);
      case Op::kMin:
        return clamp(Instruction::kPseudoMin, op);
      case Op::kPrefetch:
      case Op::kPrefetchFar:
        return true;  // WebAssembly has no prefetch
      case Op::kFmaLane:
      case Op::kFmaLoad:
        return false;
    }
    return false;
  }

  void get(uint8_t reg) { code_.write(Instruction::kGetV128, kFirstVector + reg); }
  bool set(uint8_t reg) {
    code_.write(Instruction::kSetV128, kFirstVector + reg);
    return true;
  }

  static uint32_t base(const MicroOp& op) { return op.buffer == Buffer::kX ? kX : op.buffer == Buffer::kY ? kY : kW; }
  /// Bytes behind the base; the object writer has checked that a whole buffer fits 32 bits.
  uint32_t offset(const MicroOp& op) const {
    const uint32_t stride = op.buffer == Buffer::kX ? input_stride_ : output_stride_;
    return ((op.buffer == Buffer::kW ? 0 : op.row * stride) + op.column) * kElementBytes;
  }
  bool memory(Instruction instruction, const MicroOp& op) {
    code_.write(Instruction::kGetI32, base(op));
    code_.write(instruction, offset(op));
    return true;
  }

  bool load(const MicroOp& op) {
    switch (op.lanes) {
      case 4:
        return memory(Instruction::kLoad4, op) && set(op.d);
      case 3:
        return load3(op);
      case 2:
        return memory(Instruction::kLoad2, op) && set(op.d);
      case 1:
        return memory(Instruction::kLoad1, op) && set(op.d);
      default:
        return false;
    }
  }
  /// Two lanes, then the third into its place; the end of a weight slice may have three.
  bool load3(const MicroOp& op) {
    code_.write(Instruction::kGetI32, base(op));
    memory(Instruction::kLoad2, op);
    code_.write_lane(Instruction::kLoad1IntoLane2, offset(op) + 2 * kElementBytes, 2);
    return set(op.d);
  }

  bool store(const MicroOp& op) {
    code_.write(Instruction::kGetI32, base(op));
    get(op.d);
    switch (op.lanes) {
      case 4:
        code_.write(Instruction::kStore4, offset(op));
        return true;
      case 2:
        code_.write_lane(Instruction::kStore2, offset(op), 0);
        return true;
      case 1:
        code_.write_lane(Instruction::kStore1, offset(op), 0);
        return true;
      default:
        return false;
    }
  }

  bool splat_lane(const MicroOp& op) {
    if (op.lane > 3) return false;
    get(op.a);
    get(op.a);
    code_.write(static_cast<Instruction>(static_cast<int>(Instruction::kSplatLane0) + op.lane));
    return set(op.d);
  }

  bool multiply_add(const MicroOp& op) {
    if (!fused_) get(op.d);
    get(op.a);
    get(op.b);
    if (fused_) {
      get(op.d);
      code_.write(Instruction::kRelaxedMadd);
    } else {
      code_.write(Instruction::kMul);
      code_.write(Instruction::kAdd);
    }
    return set(op.d);
  }

  bool clamp(Instruction instruction, const MicroOp& op) {
    get(op.a);
    get(op.d);
    code_.write(instruction);
    return set(op.d);
  }

  CodeWriter& code_;
  bool fused_;
  uint32_t input_stride_, output_stride_;
};

}  // namespace

Status write_chunk_body(const KernelProgram& program, const Chunk& chunk, CodeWriter& code) {
  return ChunkWriter(program, code).write(chunk);
}

}  // namespace espalier::wasm
