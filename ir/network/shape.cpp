#include "ir/network/shape.h"

#include <algorithm>

namespace espalier {
namespace {

/// One direction of a window.
struct Slide {
  std::string_view direction;
  uint64_t size, window, stride, dilation, before, after, reach;

  uint64_t padded() const { return size + before + after; }
};

Status check_limits(const Slide& s) {
  const struct {
    std::string_view what;
    uint64_t value, least;
  } rows[] = {{"window", s.window, 1},
              {"stride", s.stride, 1},
              {"dilation", s.dilation, 1},
              {"padding", s.before, 0},
              {"padding", s.after, 0}};
  for (const auto& row : rows) {
    if (row.value < row.least) return bad_input("{} of 0 in {}, but it must be at least 1", row.what, s.direction);
    if (row.value > kMaxWindow)
      return limit_exceeded("{} of {} in {}, but at most {} is allowed", row.what, row.value, s.direction, kMaxWindow);
  }
  return {};
}

Result<uint32_t> outputs_of(const Slide& s) {
  if (Status status = check_limits(s); !status) return std::move(status).error();
  if (s.reach > s.padded())
    return bad_input("the window reaches over {} in {}, but the padded input has {}", s.reach, s.direction, s.padded());
  return static_cast<uint32_t>((s.padded() - s.reach) / s.stride + 1);
}

/// Both ends of one direction's SAME padding.
std::pair<uint32_t, uint32_t> same_along(uint64_t size, uint64_t stride, uint64_t reach) {
  const uint64_t outputs = (size + stride - 1) / stride, covered = (outputs - 1) * stride + reach;
  const uint64_t missing = covered > size ? covered - size : 0;
  return {static_cast<uint32_t>(missing / 2), static_cast<uint32_t>(missing - missing / 2)};
}

}  // namespace

uint64_t Shape::elements() const {
  uint64_t product = 1;
  for (const uint32_t size : sizes())
    if (__builtin_mul_overflow(product, uint64_t{size}, &product)) return UINT64_MAX;
  return product;
}

std::string to_string(const Shape& shape) { return fmt::format("{}", fmt::join(shape.sizes(), "x")); }

Status check_shape(const Shape& shape) {
  const auto sizes = shape.sizes();
  if (std::count(sizes.begin(), sizes.end(), 0u) != 0)
    return bad_input("has shape {}, but every size must be at least 1", to_string(shape));
  if (shape.elements() > kMaxTensorElements)
    return limit_exceeded("has shape {}, but a tensor may have at most {} elements", to_string(shape),
                          kMaxTensorElements);
  return {};
}

Result<Shape> windowed_shape(const Window& window, const Shape& input) {
  const Padding& p = window.padding;
  const Result<uint32_t> height = outputs_of({"height", input.h, window.height, window.stride_height,
                                              window.dilation_height, p.top, p.bottom, window.reach_height()});
  if (!height) return height.error();
  const Result<uint32_t> width = outputs_of({"width", input.w, window.width, window.stride_width, window.dilation_width,
                                             p.left, p.right, window.reach_width()});
  if (!width) return width.error();
  return Shape{input.n, *height, *width, input.c};
}

Padding same_padding(const Window& window, const Shape& input) {
  const auto [top, bottom] = same_along(input.h, window.stride_height, window.reach_height());
  const auto [left, right] = same_along(input.w, window.stride_width, window.reach_width());
  return {top, left, bottom, right};
}

}  // namespace espalier
