#include "backends/wasm/chunk_body.h"

#include <algorithm>

#include "backends/wasm/rolled_tile.h"
#include "backends/wasm/vector_ops.h"

namespace espalier::wasm {
namespace {

constexpr uint32_t kElementBytes = 4;

// V8 up to 12 (Node 20 and 22) moves all arithmetic of a straight block behind all of its loads, and spills what they
// brought. So a block ends after this many sums: `if (pixels)`, which is always true, but what is added inside cannot
// move out. 512x512 at 90 % zeros, 192 pixels, tiles of 8 rows x 1 vector, GFLOP/s on one Zen 4 core without and with:
// Node 20 4.5 and 11.4, Node 22 (relaxed) 6.0 and 12.6, Node 24 12.7 and 13.0. Wide tiles pay for it in Node 24 (4 x 2:
// 12.5 and 10.9; 2 x 4: 11.6 and 8.3).
constexpr size_t kSumsPerBlock = 8;

class ChunkWriter {
 public:
  ChunkWriter(const KernelProgram& program, const Chunk& chunk, CodeWriter& code)
      : program_(program),
        chunk_(chunk),
        code_(code),
        rolled_locals_(std::any_of(chunk.tiles.begin(), chunk.tiles.end(), is_rolled) ? kRolledLocals : 0),
        vectors_(program, kChunkParameters + rolled_locals_, code) {}

  Status write() {
    code_.clear();
    code_.declare_locals(rolled_locals_, vector_count());
    for (size_t t = 0; t < chunk_.tiles.size(); ++t)
      if (Status s = write_tile(chunk_.tiles[t]); !s) return std::move(s).error().in(fmt::format("tile {}", t));
    code_.write(Instruction::kEndFunction);
    return {};
  }

 private:
  uint32_t vector_count() const {
    uint32_t count = 0;
    for (const PixelTile& tile : chunk_.tiles)
      for (const MicroOp& op : tile.ops) count = std::max(count, std::max({op.d, op.a, op.b}) + 1u);
    return count;
  }

  /// if (pixels >= width) do { ops; advance } while (pixels >= width);
  Status write_tile(const PixelTile& tile) {
    if (tile.remainder || tile.width == 0) return internal_error("a remainder tile, but WebAssembly has no masks");
    const auto width = static_cast<int32_t>(tile.width);
    get(kPixels);
    code_.write_constant(width);
    code_.write(Instruction::kGeUI32);
    code_.write(Instruction::kIf);
    code_.write(Instruction::kLoop);
    if (Status s = is_rolled(tile) ? write_rolled(tile.ops) : write_straight(tile.ops); !s) return s;
    code_.write_move(kX, program_.input_step(tile) * kElementBytes);
    code_.write_move(kY, program_.output_step(tile) * kElementBytes);
    get(kPixels);
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
  Status write_straight(const std::vector<MicroOp>& ops) {
    const auto is_sum = [](const MicroOp& op) { return op.op == Op::kFma; };
    const bool cut = std::count_if(ops.begin(), ops.end(), is_sum) > static_cast<ptrdiff_t>(kSumsPerBlock);
    bool open = false;
    vectors_.use_cursors(false);
    for (size_t i = 0, sums = 0; i < ops.size(); ++i) {
      if (cut && ops[i].op == Op::kLoad && (!open || sums >= kSumsPerBlock)) {
        if (open) code_.write(Instruction::kEnd);
        get(kPixels);
        code_.write(Instruction::kIf);
        open = true, sums = 0;
      }
      sums += is_sum(ops[i]);
      if (!vectors_.write(ops[i])) return unknown(ops, i);
    }
    if (open) code_.write(Instruction::kEnd);
    return {};
  }
  static Status unknown(const std::vector<MicroOp>& ops, size_t i) {
    return internal_error("operation {} ({}) is not one that WebAssembly has", i, op_info(ops[i].op).name);
  }

  Status write_rolled(const std::vector<MicroOp>& ops) {
    const size_t written = RolledTile(program_, vectors_, code_).write(ops);
    return written == ops.size() ? Status() : unknown(ops, written);
  }

  void get(uint32_t local) { code_.write(Instruction::kGetI32, local); }

  const KernelProgram& program_;
  const Chunk& chunk_;
  CodeWriter& code_;
  uint32_t rolled_locals_;
  VectorOps vectors_;
};

}  // namespace

Status write_chunk_body(const KernelProgram& program, const Chunk& chunk, CodeWriter& code) {
  return ChunkWriter(program, chunk, code).write();
}

}  // namespace espalier::wasm
