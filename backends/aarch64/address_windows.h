// Which base registers reach which parts of X, Y and the weight stream.
#pragma once

#include <array>
#include <cstdint>

#include "backends/aarch64/code_buffer.h"
#include "backends/aarch64/registers.h"
#include "ir/kernel_program.h"

namespace espalier::aarch64 {

/// A base register and a byte distance that load and store instructions can encode.
struct Address {
  uint32_t reg;
  int32_t delta;
};

/// Whether a load or store of `bytes` (4, 8 or 16) can encode the distance.
bool is_encodable(int64_t delta, uint32_t bytes);

/// Keeps general registers pointed into the three buffers, so that nearly every access is one instruction.
///
/// `ldr q, [xn, #imm12 * 16]` reaches 64 KiB, but only addresses that differ from xn by a multiple of 16. So a register
/// at byte offset b is a *window* on the offsets b + 16 i: with a stride that is no multiple of 4 elements, rows fall
/// into up to four classes modulo 16 bytes, and four windows side by side still serve 64 KiB of rows (one addition per
/// row, as the plain way would have it, costs about 0.6 instructions per non-zero, a tenth of all). A window that is
/// left behind moves on by one `add #n, lsl #12`, which keeps its class. The least recently used window makes room.
class AddressWindows {
 public:
  explicit AddressWindows(CodeBuffer& code) : code_(code) { forget(); }

  /// Forgets all windows but the pointers themselves (x0, x1, x2), at a point that code reaches from several places or
  /// where a pointer moves. From then on windows are registers `first`..kLastWindow.
  void forget(uint32_t first = kStraightWindows);

  /// An address for an access of `bytes` (4, 8 or 16) at byte `offset` of `buffer`, after emitting what it needs.
  Address reach(Buffer buffer, int64_t offset, uint32_t bytes);

  /// A register that holds exactly that address.
  uint32_t exact(Buffer buffer, int64_t offset);

  /// Whether `exact` would emit nothing.
  bool has_exact(Buffer buffer, int64_t offset) const;

 private:
  struct Window {
    bool valid = false;
    Buffer buffer = Buffer::kX;
    uint32_t reg = 0;
    int64_t base = 0;  ///< bytes from the buffer's pointer
    uint64_t last_use = 0;
  };
  static constexpr int kRoots = 3, kWindows = kRoots + kLastWindow - kStraightWindows + 1;

  template <typename Accepts>
  Window* find(Buffer buffer, Accepts accepts);
  Window& open(Buffer buffer, int64_t offset, uint32_t bytes);
  Window& victim();
  Window& place(Window& at, Buffer buffer, int64_t base);
  Window& open_far(Buffer buffer, int64_t offset);

  CodeBuffer& code_;
  int in_use_ = kWindows;  ///< of windows_
  std::array<Window, kWindows> windows_;
  std::array<std::array<Window*, 4>, kRoots> recent_{};  ///< per buffer and class modulo 16 bytes: the window last used
  uint64_t clock_ = 0;
};

}  // namespace espalier::aarch64
