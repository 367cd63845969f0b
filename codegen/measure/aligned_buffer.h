// Memory for activations as a careful caller would allocate it.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace espalier {

/// `size` fp32 elements, all 0, at a 64-byte boundary. Buffers of 128 KiB and more begin at a 2 MiB boundary and ask
/// the system for huge pages: with pages of 4 KiB a layer's rows lie on more pages than the TLB has entries, and a
/// cache that is indexed by physical address (L2) sees another layout in every run.
class AlignedBuffer {
 public:
  /// Empty when the system has not enough memory (size() is then 0).
  explicit AlignedBuffer(size_t size);

  float* data() { return data_.get(); }
  const float* data() const { return data_.get(); }
  size_t size() const { return size_; }
  std::span<float> span() { return {data_.get(), size_}; }
  std::span<const float> span() const { return {data_.get(), size_}; }

 private:
  struct Free {
    void operator()(float* memory) const;
  };
  std::unique_ptr<float[], Free> data_;
  size_t size_ = 0;
};

}  // namespace espalier
