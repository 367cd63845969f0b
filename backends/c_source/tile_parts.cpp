#include "backends/c_source/tile_parts.h"

#include <algorithm>
#include <array>
#include <bitset>

namespace espalier {
namespace {

using Registers = std::bitset<256>;

/// Steps a set of live registers backwards over one operation; false when nobody needs the operation.
bool step_back(const MicroOp& op, Registers& live) {
  const OpInfo& info = op_info(op.op);
  if (info.writes_d && !live[op.d]) return false;
  if (info.writes_d) live.reset(op.d);
  if (info.reads_d) live.set(op.d);
  if (info.reads_a) live.set(op.a);
  if (info.reads_b) live.set(op.b);
  return true;
}

/// The registers that are live in front of each operation.
std::vector<Registers> live_before(const std::vector<MicroOp>& ops) {
  std::vector<Registers> result(ops.size());
  Registers live;
  for (size_t i = ops.size(); i-- > 0;) {
    step_back(ops[i], live);
    result[i] = live;
  }
  return result;
}

/// Forwards over the tile: which register values can be computed again, and how.
class Definitions {
 public:
  explicit Definitions(const std::vector<MicroOp>& ops) : source_(ops.size()) {}

  void execute(const MicroOp& op, uint32_t index) {
    if (!op_info(op.op).writes_d) return;
    const bool restorable = is_source(op) || (is_derived(op) && !lost_[op.a]);
    if (is_derived(op)) source_[index] = definition_[op.a];
    definition_[op.d] = index;
    lost_.set(op.d, !restorable);
  }

  /// Registers whose value only exists in the register.
  const Registers& lost() const { return lost_; }

  RestoredRegister recipe(uint8_t reg, const std::vector<MicroOp>& ops) const {
    RestoredRegister result{reg, {definition_[reg]}};
    while (is_derived(ops[result.ops.back()])) result.ops.push_back(source_[result.ops.back()]);
    return result;
  }

 private:
  static bool is_derived(const MicroOp& op) { return op.op == Op::kSplatLane || op.op == Op::kCopy; }
  /// Y is not a source: a store may have come in between.
  static bool is_source(const MicroOp& op) {
    return op.op == Op::kZero || op.op == Op::kSplatLoad || (op.op == Op::kLoad && op.buffer != Buffer::kY);
  }

  std::array<uint32_t, 256> definition_{};
  std::vector<uint32_t> source_;  ///< of a derived value: the operation that defined its operand
  Registers lost_;
};

/// Indices at which a new part starts, without 0.
std::vector<uint32_t> choose_cuts(const std::vector<MicroOp>& ops, const std::vector<Registers>& live, size_t limit) {
  std::vector<uint32_t> cuts;
  Definitions definitions(ops);
  uint32_t start = 0, candidate = 0;
  for (uint32_t i = 0; i < ops.size(); ++i) {
    if ((live[i] & definitions.lost()).none()) candidate = i;
    if (i - start >= limit && candidate > start) cuts.push_back(start = candidate);
    definitions.execute(ops[i], i);
  }
  return cuts;
}

std::vector<RestoredRegister> restored_at(const Registers& live, const Definitions& definitions,
                                          const std::vector<MicroOp>& ops) {
  std::vector<RestoredRegister> restored;
  for (size_t reg = 0; reg < live.size(); ++reg)
    if (live[reg]) restored.push_back(definitions.recipe(static_cast<uint8_t>(reg), ops));
  return restored;
}

/// Leaves out what no store of this part needs: a value that later parts restore for themselves is dead here.
void prune(TilePart& part, const std::vector<MicroOp>& ops) {
  Registers live;
  std::vector<uint32_t> needed;
  for (size_t i = part.ops.size(); i-- > 0;)
    if (step_back(ops[part.ops[i]], live)) needed.push_back(part.ops[i]);
  std::reverse(needed.begin(), needed.end());
  part.ops = std::move(needed);
  std::erase_if(part.restored, [&](const RestoredRegister& r) { return !live[r.reg]; });
}

}  // namespace

std::vector<TilePart> split_tile(const PixelTile& tile, size_t limit) {
  const std::vector<MicroOp>& ops = tile.ops;
  const std::vector<Registers> live = live_before(ops);
  const std::vector<uint32_t> cuts = choose_cuts(ops, live, limit);
  std::vector<TilePart> parts(1);
  Definitions definitions(ops);
  for (uint32_t i = 0; i < ops.size(); ++i) {
    if (parts.size() <= cuts.size() && cuts[parts.size() - 1] == i)
      parts.push_back({restored_at(live[i], definitions, ops), {}});
    parts.back().ops.push_back(i);
    definitions.execute(ops[i], i);
  }
  for (TilePart& part : parts) prune(part, ops);
  return parts;
}

}  // namespace espalier
