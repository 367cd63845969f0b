#include "backends/aarch64/address_windows.h"

#include <algorithm>

namespace espalier::aarch64 {
namespace {

constexpr int kPageBits = 12;
constexpr int64_t kImm12Limit = 1 << kPageBits;

/// Access sizes are powers of two: masks and a multiplication, because 64-bit divisions were half of all time
/// with odd strides.
constexpr bool is_multiple(int64_t delta, uint32_t bytes) { return (delta & (int64_t{bytes} - 1)) == 0; }
constexpr bool scaled(int64_t delta, uint32_t bytes) {
  return delta >= 0 && delta < kImm12Limit * bytes && is_multiple(delta, bytes);
}
constexpr bool is_imm12(int64_t value) { return value > -kImm12Limit && value < kImm12Limit; }

/// Whole pages (4 KiB) from a window to an offset, rounded down, and the bytes on top of them.
constexpr int64_t pages(int64_t delta) { return delta >> kPageBits; }
constexpr int64_t in_page(int64_t delta) { return delta & (kImm12Limit - 1); }

/// Which of the four classes modulo 16 bytes an offset belongs to; floats are aligned to 4.
constexpr int class_of(int64_t offset) { return static_cast<int>(offset >> 2 & 3); }

constexpr uint32_t add_fields(uint32_t to, uint32_t from, int64_t amount) {
  return rd(to) | rn(from) | imm12(amount < 0 ? -amount : amount);
}

}  // namespace

bool is_encodable(int64_t delta, uint32_t bytes) { return scaled(delta, bytes) || (delta >= -256 && delta < 256); }

void AddressWindows::forget(uint32_t first) {
  in_use_ = kRoots + static_cast<int>(kLastWindow - first + 1);
  for (int i = 0; i < kWindows; ++i) {
    const bool root = i < kRoots;
    const auto reg = static_cast<uint32_t>(i) + (root ? 0 : first - kRoots);
    windows_[i] = {root, root ? static_cast<Buffer>(i) : Buffer::kX, reg, 0, 0};
  }
  for (int i = 0; i < kRoots; ++i) recent_[i].fill(&windows_[i]);
}

template <typename Accepts>
AddressWindows::Window* AddressWindows::find(Buffer buffer, Accepts accepts) {
  for (Window& w : windows_)
    if (w.valid && w.buffer == buffer && accepts(w)) return &w;
  return nullptr;
}

Address AddressWindows::reach(Buffer buffer, int64_t offset, uint32_t bytes) {
  auto covers = [&](const Window& w) { return is_encodable(offset - w.base, bytes); };
  Window*& recent = recent_[static_cast<int>(buffer)][class_of(offset)];
  Window* window = covers(*recent) ? recent : find(buffer, covers);
  if (!window) window = &open(buffer, offset, bytes);
  window->last_use = ++clock_;
  recent = window;
  return {window->reg, static_cast<int32_t>(offset - window->base)};
}

uint32_t AddressWindows::exact(Buffer buffer, int64_t offset) {
  Window* window = find(buffer, [&](const Window& w) { return w.base == offset; });
  if (!window) {
    if (Window* near = find(buffer, [&](const Window& w) { return is_imm12(offset - w.base); })) {
      const int64_t delta = offset - near->base;
      const uint32_t from = near->reg;
      window = &place(victim(), buffer, offset);
      code_.emit(delta < 0 ? Insn::kSub : Insn::kAdd, add_fields(window->reg, from, delta));
    } else {
      window = &open_far(buffer, offset);
    }
  }
  window->last_use = ++clock_;
  return window->reg;
}

bool AddressWindows::has_exact(Buffer buffer, int64_t offset) const {
  for (const Window& w : windows_)
    if (w.valid && w.buffer == buffer && w.base == offset) return true;
  return false;
}

AddressWindows::Window& AddressWindows::victim() {
  Window* oldest = &windows_[kRoots];
  for (int i = kRoots; i < in_use_ && oldest->valid; ++i)
    if (!windows_[i].valid || windows_[i].last_use < oldest->last_use) oldest = &windows_[i];
  return *oldest;
}

AddressWindows::Window& AddressWindows::place(Window& at, Buffer buffer, int64_t base) {
  for (int root = 0; root < kRoots; ++root)
    std::replace(recent_[root].begin(), recent_[root].end(), &at, &windows_[root]);
  at.valid = true, at.buffer = buffer, at.base = base;
  return at;
}

/// A new window by as few instructions as there are: whole pages from a window of the same class, a short step from
/// any, or a constant on top of the buffer's pointer.
AddressWindows::Window& AddressWindows::open(Buffer buffer, int64_t offset, uint32_t bytes) {
  auto same_class = [&](const Window& w) {
    return is_imm12(pages(offset - w.base)) && is_multiple(offset - w.base, bytes);
  };
  if (const Window* from = find(buffer, same_class)) {
    const int64_t step = pages(offset - from->base), base = from->base + step * kImm12Limit;
    const uint32_t reg = from->reg;
    Window& window = place(victim(), buffer, base);
    code_.emit(step < 0 ? Insn::kSubPages : Insn::kAddPages, add_fields(window.reg, reg, step));
    return window;
  }
  if (const Window* from = find(buffer, [&](const Window& w) { return is_imm12(offset - w.base); })) {
    const int64_t step = offset - from->base;
    const uint32_t reg = from->reg;
    Window& window = place(victim(), buffer, offset);
    code_.emit(step < 0 ? Insn::kSub : Insn::kAdd, add_fields(window.reg, reg, step));
    return window;
  }
  return open_far(buffer, offset);
}

AddressWindows::Window& AddressWindows::open_far(Buffer buffer, int64_t offset) {
  const auto root = static_cast<uint32_t>(buffer);
  Window& window = place(victim(), buffer, offset);
  if (is_imm12(pages(offset))) {
    code_.emit(Insn::kAddPages, add_fields(window.reg, root, pages(offset)));
    if (in_page(offset) != 0) code_.emit(Insn::kAdd, add_fields(window.reg, window.reg, in_page(offset)));
    return window;
  }
  code_.emit(Insn::kMovz, rd(window.reg) | bits(Field::kImm16, offset));
  if (offset >> 16 & 0xffff) code_.emit(Insn::kMovk16, rd(window.reg) | bits(Field::kImm16, offset >> 16));
  if (offset >> 32) code_.emit(Insn::kMovk32, rd(window.reg) | bits(Field::kImm16, offset >> 32));
  code_.emit(Insn::kAddReg, rd(window.reg) | rn(root) | rm(window.reg));
  return window;
}

}  // namespace espalier::aarch64
