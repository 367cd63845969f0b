#include "codegen/measure/aligned_buffer.h"

#include <cstdlib>
#include <cstring>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace espalier {
namespace {

constexpr size_t kLineBytes = 64, kHugePageBytes = size_t{2} << 20, kHugeFrom = size_t{128} << 10;
constexpr size_t kMostElements = size_t{1} << 40;  // 4 TiB; above it sizes in bytes could overflow

void ask_for_huge_pages([[maybe_unused]] void* memory, [[maybe_unused]] size_t bytes) {
#if defined(__linux__)
  // Advice only: where huge pages are off, the buffer works all the same.
  static_cast<void>(madvise(memory, bytes, MADV_HUGEPAGE));
#endif
}

}  // namespace

AlignedBuffer::AlignedBuffer(size_t size) {
  if (size > kMostElements) return;
  const size_t alignment = size * sizeof(float) >= kHugeFrom ? kHugePageBytes : kLineBytes;
  const size_t bytes = (size * sizeof(float) / alignment + 1) * alignment;
  void* memory = std::aligned_alloc(alignment, bytes);
  if (!memory) return;
  if (alignment == kHugePageBytes) ask_for_huge_pages(memory, bytes);
  std::memset(memory, 0, bytes);
  data_.reset(static_cast<float*>(memory));
  size_ = size;
}

void AlignedBuffer::Free::operator()(float* memory) const { std::free(memory); }

}  // namespace espalier
