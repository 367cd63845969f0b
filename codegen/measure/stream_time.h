// The least time in which a layer's input can be read and its output written.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace espalier {

/// One way to read x once and write y once (contents of y are arbitrary afterwards). Pointers are 64-byte aligned,
/// counts are elements.
struct StreamWay {
  std::string_view name;
  void (*run)(const float* x, size_t x_count, float* y, size_t y_count);
};

/// The ways this CPU has: all of x, then all of y; both in pieces of a page, in turns; y as a copy of x as far as that
/// goes; each with the widest vectors, and with the C library's memset and memcpy (rep stos on x86, which need not read
/// the lines it writes). No single one is the fastest at all sizes, and the bound must be that of the fastest.
std::span<const StreamWay> stream_ways();

/// Seconds of the fastest way: the least of their medians, each over samples taken in turns. Reads and overwrites the
/// first elements of the layer's own buffers, so pages and cache contents are the kernel's. The caller pins the thread.
double stream_seconds(const float* x, size_t x_count, float* y, size_t y_count);

}  // namespace espalier
