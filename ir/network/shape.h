// Sizes of tensors and of windows that slide over them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "ir/error.h"

namespace espalier {

/// Most elements of one tensor (1 GiB of fp32), and of all tensors of a network together: files announce sizes that
/// cost nothing to write down.
inline constexpr uint64_t kMaxTensorElements = uint64_t{1} << 28;
inline constexpr uint64_t kMaxNetworkElements = uint64_t{1} << 31;

/// The axes of every tensor, in the order in which a Shape lists them.
enum class Axis : uint8_t { kBatch, kHeight, kWidth, kChannel };
inline constexpr size_t kAxes = 4;

/// The sizes of a tensor: batch, height, width, channels (elements). It is logical: how code lays the tensor out in
/// memory is decided later. Tensors of fewer dimensions have ones: [n, c] is n x 1 x 1 x c, [n, w, c] is n x 1 x w x c.
struct Shape {
  uint32_t n = 1, h = 1, w = 1, c = 1;

  std::array<uint32_t, kAxes> sizes() const { return {n, h, w, c}; }
  static Shape from_sizes(std::array<uint32_t, kAxes> sizes) { return {sizes[0], sizes[1], sizes[2], sizes[3]}; }
  uint32_t operator[](Axis axis) const { return sizes()[static_cast<size_t>(axis)]; }

  /// n * h * w * c, or UINT64_MAX where that does not fit.
  uint64_t elements() const;
  uint64_t pixels() const { return uint64_t{h} * w; }
  /// Where an element stands in row-major NHWC order, the order of all constant data and of the reference executor.
  uint64_t index(uint64_t in, uint64_t ih, uint64_t iw, uint64_t ic) const { return ((in * h + ih) * w + iw) * c + ic; }

  bool operator==(const Shape&) const = default;
};

/// `1x224x224x3`
std::string to_string(const Shape& shape);

/// kBadInput for a size of 0, kLimit for more than kMaxTensorElements.
Status check_shape(const Shape& shape);

/// Zeros around an image (elements); of pools, places that do not take part.
struct Padding {
  uint32_t top = 0, left = 0, bottom = 0, right = 0;

  bool operator==(const Padding&) const = default;
};

/// A window that slides over height and width. Output (y, x) sees the inputs
///
///     (y * stride_height + i * dilation_height - padding.top, x * stride_width + j * dilation_width - padding.left)
///
/// for 0 <= i < height, 0 <= j < width. Padding is explicit: SAME and VALID are names that importers resolve.
struct Window {
  uint32_t height = 1, width = 1;
  uint32_t stride_height = 1, stride_width = 1;
  uint32_t dilation_height = 1, dilation_width = 1;
  Padding padding;

  /// What it covers: (height - 1) * dilation_height + 1.
  uint64_t reach_height() const { return (uint64_t{height} - 1) * dilation_height + 1; }
  uint64_t reach_width() const { return (uint64_t{width} - 1) * dilation_width + 1; }
  bool is_pointwise() const { return height == 1 && width == 1; }
  bool is_padded() const { return padding != Padding{}; }

  bool operator==(const Window&) const = default;
};

/// Largest size, stride, dilation or padding of a window.
inline constexpr uint32_t kMaxWindow = 1u << 15;

/// Height and width of the output: floor((h + top + bottom - reach) / stride) + 1. Batch and channels are the input's.
/// Errors: kBadInput for a size, stride or dilation of 0 and for a window that does not fit into the padded image;
/// kLimit above kMaxWindow.
Result<Shape> windowed_shape(const Window& window, const Shape& input);

/// The padding that SAME stands for: outputs of ceil(size / stride), the odd line of padding at the end. `window` has
/// everything but the padding. Source: TensorFlow, "tf.nn" (padding).
Padding same_padding(const Window& window, const Shape& input);

}  // namespace espalier
