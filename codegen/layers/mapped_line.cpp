#include "codegen/layers/mapped_line.h"

#include <algorithm>

namespace espalier {
namespace {

/// Vectors side by side, so that none waits for the operations of another.
constexpr int64_t kVectorsPerTurn = 4;

}  // namespace

void write_mapped_line(LoopBuilder& b, const ActivationCode& code, const LinePlace& from, const LinePlace& to,
                       int64_t count, int64_t room) {
  const int64_t lanes = b.lanes(), turn = kVectorsPerTurn * lanes, whole = count / turn * turn;
  const bool has_room = (count + lanes - 1) / lanes * lanes <= count + room;
  const auto write = [&](const Affine& first, int64_t left) {
    b.interleave(static_cast<uint32_t>((left + lanes - 1) / lanes), [&](uint32_t i) {
      const Affine at = first + Affine(i * lanes);
      const auto wanted = static_cast<uint32_t>(has_room ? lanes : std::min(lanes, left - i * lanes));
      b.store(to.buffer, to.begin + at, code.apply(b.load(from.buffer, from.begin + at, wanted)), wanted);
    });
  };
  if (whole == turn)
    write(0, turn);
  else if (whole > turn)
    b.loop(0, whole, turn, [&](Index at) { write(at, turn); });
  write(whole, count - whole);
}

}  // namespace espalier
