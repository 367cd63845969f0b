#include "backends/x86_64/needed_lanes.h"

#include <algorithm>
#include <array>

namespace espalier::x86_64 {
namespace {

class Needs {
 public:
  Needs(const PixelTile& tile, uint32_t full_lanes)
      : tile_(tile), full_(static_cast<uint8_t>(full_lanes)), is_straight_(!is_rolled(tile)), lanes_(tile.ops.size()) {}

  /// Backwards, since needs come from the stores. What a loop's next turn reads stands in front, so there registers
  /// keep their needs when they are written anew, and the walk is repeated until nothing changes.
  std::vector<uint8_t> run() {
    do {
      changed_ = false;
      for (size_t i = tile_.ops.size(); i-- > 0;) lanes_[i] = visit(tile_.ops[i]);
    } while (changed_ && !is_straight_);
    return std::move(lanes_);
  }

 private:
  void raise(uint8_t reg, uint8_t lanes) {
    if (needs_[reg] >= lanes) return;
    needs_[reg] = lanes;
    changed_ = true;
  }
  uint8_t visit(const MicroOp& op) {
    if (op.op == Op::kStore) {
      const uint8_t lanes = op.lanes == kRemainingLanes ? full_ : op.lanes;
      raise(op.d, lanes);
      return lanes;
    }
    const OpInfo& info = op_info(op.op);
    if (!info.writes_d) return full_;
    const uint8_t written = needs_[op.d];
    if (is_straight_ && !info.reads_d) needs_[op.d] = 0;
    if (written == 0) return 0;
    // Splats move lanes inside groups of four.
    const auto read = info.has_lane ? static_cast<uint8_t>((written + 3) / 4 * 4) : written;
    if (info.reads_a) raise(op.a, read);
    if (info.reads_b) raise(op.b, read);
    return written;
  }

  const PixelTile& tile_;
  uint8_t full_;
  bool is_straight_, changed_ = true;
  std::array<uint8_t, 256> needs_{};
  std::vector<uint8_t> lanes_;
};

}  // namespace

std::vector<uint8_t> needed_lanes(const PixelTile& tile, uint32_t full_lanes) { return Needs(tile, full_lanes).run(); }

}  // namespace espalier::x86_64
