// Shapes of results, one rule per operation.
#include <algorithm>
#include <span>

#include "ir/network/network.h"

namespace espalier {
namespace {

using Inputs = std::span<const Shape>;

/// How many inputs an operation has, by its place in the variant; 0: any number from 1 on.
constexpr size_t kInputCounts[] = {1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1};
static_assert(std::size(kInputCounts) == std::variant_size_v<Operation>);

constexpr std::string_view kAxisNames[kAxes] = {"batch", "height", "width", "channels"};

Status check_count(const Operation& operation, size_t given) {
  const size_t wanted = kInputCounts[operation.index()];
  if (wanted == 0 && given == 0) return bad_input("has no inputs, but needs at least 1");
  if (wanted != 0 && given != wanted) return bad_input("has {} inputs, but needs {}", given, wanted);
  return {};
}

Result<Shape> shape_after(const Convolution& c, Inputs in) {
  const uint32_t channels = in[0].c;
  if (c.groups == 0 || channels % c.groups != 0)
    return bad_input("has {} groups, which do not divide its {} input channels", c.groups, channels);
  if (c.output_channels == 0 || c.output_channels % c.groups != 0)
    return bad_input("has {} output channels, but they must be a multiple of its {} groups", c.output_channels,
                     c.groups);
  Result<Shape> shape = windowed_shape(c.window, in[0]);
  if (shape) shape->c = c.output_channels;
  return shape;
}

Result<Shape> shape_after(const FullyConnected& f, Inputs in) {
  return Shape{in[0].n, in[0].h, in[0].w, f.output_features};
}

Result<Shape> shape_after(const Binary&, Inputs in) {
  auto sizes = in[0].sizes();
  const auto other = in[1].sizes();
  for (size_t a = 0; a < kAxes; ++a) {
    if (sizes[a] != other[a] && sizes[a] != 1 && other[a] != 1)
      return bad_input("its inputs have shapes {} and {}, but sizes must be equal or 1", to_string(in[0]),
                       to_string(in[1]));
    sizes[a] = std::max(sizes[a], other[a]);
  }
  return Shape::from_sizes(sizes);
}

Status check_pool(const Window& w) {
  const Padding& p = w.padding;
  if (w.dilation_height != 1 || w.dilation_width != 1)
    return bad_input("has dilation {}x{}, but a pool has none", w.dilation_height, w.dilation_width);
  if (std::max(p.top, p.bottom) >= w.height)
    return bad_input("has padding {} in height, but a pool's must stay below its window of {}",
                     std::max(p.top, p.bottom), w.height);
  if (std::max(p.left, p.right) >= w.width)
    return bad_input("has padding {} in width, but a pool's must stay below its window of {}",
                     std::max(p.left, p.right), w.width);
  return {};
}

Result<Shape> shape_after(const Pool& p, Inputs in) {
  Result<Shape> shape = windowed_shape(p.window, in[0]);
  if (!shape) return shape;
  if (Status s = check_pool(p.window); !s) return std::move(s).error();
  return shape;
}

Result<Shape> shape_after(const Mean&, Inputs in) { return Shape{in[0].n, 1, 1, in[0].c}; }

Result<Shape> shape_after(const Resize& r, Inputs in) { return Shape{in[0].n, r.height, r.width, in[0].c}; }

Result<Shape> shape_after(const DepthToSpace& d, Inputs in) {
  const uint64_t places = uint64_t{d.block} * d.block, height = uint64_t{in[0].h} * d.block,
                 width = uint64_t{in[0].w} * d.block;
  if (d.block == 0 || in[0].c % places != 0)
    return bad_input("has {} input channels, but they must be a multiple of its block of {}x{}", in[0].c, d.block,
                     d.block);
  if (std::max(height, width) > kMaxTensorElements)
    return limit_exceeded("makes {} lines of {}, but a tensor may have at most {} elements", height, width,
                          kMaxTensorElements);
  return Shape{in[0].n, static_cast<uint32_t>(height), static_cast<uint32_t>(width),
               static_cast<uint32_t>(in[0].c / places)};
}

Result<Shape> shape_after(const Concat& c, Inputs in) {
  const auto axis = static_cast<size_t>(c.axis);
  auto sizes = in[0].sizes();
  uint64_t sum = 0;
  for (const Shape& shape : in) {
    auto others = shape.sizes();
    sum += others[axis];
    others[axis] = sizes[axis];
    if (others != sizes)
      return bad_input("its inputs have shapes {} and {}, but they may differ in {} only", to_string(in[0]),
                       to_string(shape), kAxisNames[axis]);
  }
  if (sum > kMaxTensorElements)
    return limit_exceeded("makes {} {}, but a tensor may have at most {} elements", sum, kAxisNames[axis],
                          kMaxTensorElements);
  sizes[axis] = static_cast<uint32_t>(sum);
  return Shape::from_sizes(sizes);
}

Result<Shape> shape_after(const Pad& p, Inputs in) {
  auto sizes = in[0].sizes();
  for (size_t a = 0; a < kAxes; ++a) {
    const uint64_t padded = uint64_t{sizes[a]} + p.before[a] + p.after[a];
    if (padded > kMaxTensorElements)
      return limit_exceeded("makes {} {}, but a tensor may have at most {} elements", padded, kAxisNames[a],
                            kMaxTensorElements);
    sizes[a] = static_cast<uint32_t>(padded);
  }
  return Shape::from_sizes(sizes);
}

Result<Shape> shape_after(const Reshape& r, Inputs in) {
  if (r.shape.elements() != in[0].elements())
    return bad_input("makes {} of {}, but {} elements are not {}", to_string(r.shape), to_string(in[0]),
                     r.shape.elements(), in[0].elements());
  return r.shape;
}

/// Everything else keeps its shape: Unary, Prelu, BatchNorm, Softmax.
template <typename T>
Result<Shape> shape_after(const T&, Inputs in) {
  return in[0];
}

}  // namespace

Result<Shape> inferred_shape(const Operation& operation, std::span<const Shape> inputs) {
  if (Status s = check_count(operation, inputs.size()); !s) return std::move(s).error();
  Result<Shape> shape = std::visit([&](const auto& typed) { return shape_after(typed, inputs); }, operation);
  if (!shape) return shape;
  if (Status s = check_shape(*shape); !s) return std::move(s).error();
  return shape;
}

}  // namespace espalier
