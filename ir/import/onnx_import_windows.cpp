// Operators on height and width: convolutions, pools, means, resizing, padding.
#include <algorithm>
#include <cmath>

#include "ir/import/onnx_graph_import.h"
#include "ir/matrix_transpose.h"

namespace espalier {
namespace {

Result<uint32_t> size_in(int64_t value, int64_t least, std::string_view what) {
  if (value < least || value > int64_t{kMaxWindow})
    return bad_input("has {} {}, but {} to {} are legal", what, value, least, kMaxWindow);
  return static_cast<uint32_t>(value);
}

/// Two sizes of an attribute: those given, or `fallback` twice.
Result<std::array<uint32_t, 2>> pair_of(OnnxNodeImport& node, std::string_view attribute, int64_t fallback) {
  std::vector<int64_t> values = node.list(attribute);
  if (values.empty()) values = {fallback, fallback};
  if (values.size() != 2)
    return unsupported("has {} {}, but windows of height and width have 2", values.size(), attribute);
  std::array<uint32_t, 2> sizes{};
  for (size_t i = 0; i < 2; ++i) {
    const auto size = size_in(values[i], 1, attribute);
    if (!size) return size.error();
    sizes[i] = *size;
  }
  return sizes;
}

/// auto_pad or pads: rows and columns before, then behind.
Result<Padding> padding_of(OnnxNodeImport& node, const Window& window, const Shape& image) {
  const std::string kind = node.text("auto_pad", "NOTSET");
  if (kind == "VALID") return Padding{};
  if (kind == "SAME_UPPER" || kind == "SAME_LOWER") {
    Padding p = same_padding(window, image);
    if (kind == "SAME_LOWER") std::swap(p.top, p.bottom), std::swap(p.left, p.right);
    return p;
  }
  if (kind != "NOTSET") return bad_input("has auto_pad '{}', which is unknown", printable(kind));
  std::vector<int64_t> pads = node.list("pads");
  if (pads.empty()) return Padding{};
  if (pads.size() != 4) return unsupported("has {} pads, but images have 4", pads.size());
  std::array<uint32_t, 4> sizes{};
  for (size_t i = 0; i < 4; ++i) {
    const auto size = size_in(pads[i], 0, "pads");
    if (!size) return size.error();
    sizes[i] = *size;
  }
  return Padding{sizes[0], sizes[1], sizes[2], sizes[3]};
}

/// Everything of a window; `kernel` where the weights say its size.
Result<Window> window_of(OnnxNodeImport& node, const Shape& image, const std::array<uint32_t, 2>& kernel) {
  const auto strides = pair_of(node, "strides", 1), dilations = pair_of(node, "dilations", 1);
  if (!strides) return strides.error();
  if (!dilations) return dilations.error();
  Window window{kernel[0], kernel[1], (*strides)[0], (*strides)[1], (*dilations)[0], (*dilations)[1], {}};
  const auto padding = padding_of(node, window, image);
  if (!padding) return padding.error();
  window.padding = *padding;
  return window;
}

Result<OnnxOperand> image_of_rank_4(OnnxNodeImport& node) {
  auto x = node.image(0);
  if (x && x->dims.size() != kAxes)
    return unsupported("has an input of {} dimensions, but images have 4", x->dims.size());
  return x;
}

Status take_convolution(OnnxNodeImport& node) {
  const auto x = image_of_rank_4(node);
  if (!x) return x.error();
  const auto w = node.operand(1);
  if (!w) return w.error();
  if (!w->is_constant() || w->constant->is_integer) return unsupported("has weights that are no constant of floats");
  if (w->dims.size() != kAxes) return unsupported("has weights of {} dimensions, but 4 are supported", w->dims.size());
  const auto id = node.tensor(0);
  if (!id) return id.error();
  Convolution c;
  const auto height = size_in(w->dims[2], 1, "kernel height"), width = size_in(w->dims[3], 1, "kernel width");
  if (!height) return height.error();
  if (!width) return width.error();
  const std::vector<int64_t> kernel = node.list("kernel_shape");
  if (!kernel.empty() && kernel != std::vector<int64_t>{w->dims[2], w->dims[3]})
    return bad_input("has kernel_shape ({}), but weights of {}x{}", fmt::join(kernel, ", "), w->dims[2], w->dims[3]);
  const auto groups = node.integer("group", 1);
  if (groups < 1 || w->dims[0] < 1 || w->dims[1] != x->dims[1] / groups || x->dims[1] % groups != 0)
    return bad_input("has weights for {} of {} input channels in {} groups", w->dims[1], x->dims[1], groups);
  const auto window = window_of(node, node.graph().network().shape_of(*id), {*height, *width});
  if (!window) return window.error();
  c.window = *window;
  c.groups = static_cast<uint32_t>(groups);
  c.output_channels = static_cast<uint32_t>(w->dims[0]);
  if (Status s = node.graph().spend(w->constant->elements()); !s) return s;
  c.weights = transposed_matrices(w->constant->floats, w->dims[1], c.window.height * c.window.width);
  if (node.has_input(2)) {
    auto bias = node.floats(2);
    if (!bias) return std::move(bias).error();
    c.bias = *std::move(bias);
  }
  return node.emit(std::move(c), {*id}, kAxes);
}

template <PoolKind kKind>
Status take_pool(OnnxNodeImport& node) {
  const auto x = image_of_rank_4(node);
  if (!x) return x.error();
  const auto id = node.tensor(0);
  if (!id) return id.error();
  const auto kernel = pair_of(node, "kernel_shape", 0);
  if (!kernel) return kernel.error();
  const Shape shape = node.graph().network().shape_of(*id);
  const auto window = window_of(node, shape, *kernel);
  if (!window) return window.error();
  if (window->dilation_height != 1 || window->dilation_width != 1) return unsupported("has dilations; pools have none");
  if (kKind == PoolKind::kAverage && window->is_padded() && node.integer("count_include_pad", 0) != 0)
    return unsupported("counts its padding (count_include_pad); average over the image only");
  if (node.integer("ceil_mode", 0) != 0) {
    const auto exact = [](uint32_t size, uint32_t pad, uint32_t window_size, uint32_t stride) {
      return size + pad >= window_size && (size + pad - window_size) % stride == 0;
    };
    if (!exact(shape.h, window->padding.top + window->padding.bottom, window->height, window->stride_height) ||
        !exact(shape.w, window->padding.left + window->padding.right, window->width, window->stride_width))
      return unsupported("rounds its size up (ceil_mode); pad the image instead");
  }
  return node.emit(Pool{kKind, *window}, {*id}, kAxes);
}

Status take_global_average(OnnxNodeImport& node) {
  const auto x = image_of_rank_4(node);
  if (!x) return x.error();
  const auto id = node.tensor(0);
  if (!id) return id.error();
  return node.emit(Mean{}, {*id}, kAxes);
}

Status take_global_max(OnnxNodeImport& node) {
  const auto x = image_of_rank_4(node);
  if (!x) return x.error();
  const auto id = node.tensor(0);
  if (!id) return id.error();
  const Shape shape = node.graph().network().shape_of(*id);
  return node.emit(Pool{PoolKind::kMax, {shape.h, shape.w, 1, 1, 1, 1, {}}}, {*id}, kAxes);
}

/// Over height and width; of a vector of pixels [n, c, w] over those.
Status take_mean(OnnxNodeImport& node) {
  const auto x = node.image(0);
  if (!x) return x.error();
  std::vector<int64_t> axes = node.list("axes");
  if (node.has_input(1)) {
    const auto given = node.integers(1);
    if (!given) return given.error();
    axes = *given;
  }
  const size_t rank = x->dims.size();
  if (axes.empty() && rank != 0) return unsupported("takes the mean over everything; name height and width as axes");
  std::vector<int64_t> left = x->dims;
  for (const int64_t a : axes) {
    const auto axis = axis_of_dim(a, rank);
    if (!axis) return axis.error();
    const int64_t d = a < 0 ? a + static_cast<int64_t>(rank) : a;
    if ((*axis == Axis::kBatch || *axis == Axis::kChannel) && left[static_cast<size_t>(d)] != 1)
      return unsupported("takes the mean over dimension {}, but only height and width are supported", d);
    left[static_cast<size_t>(d)] = 1;
  }
  for (size_t d = 2; d < rank; ++d)
    if (left[d] != 1) return unsupported("takes the mean over height or width alone; both are supported");
  const auto id = node.tensor(0);
  if (!id) return id.error();
  const auto mean = node.emit_inner("mean", Mean{}, {*id});
  if (!mean) return mean.error();
  if (node.integer("keepdims", 1) == 0) {
    std::vector<int64_t> kept;
    for (size_t d = 0; d < rank; ++d) {
      const bool is_reduced = std::ranges::any_of(
          axes, [&](int64_t a) { return static_cast<size_t>(a < 0 ? a + static_cast<int64_t>(rank) : a) == d; });
      if (!is_reduced) kept.push_back(left[d]);
    }
    left = kept;
  }
  return node.emit_reshape(*mean, left);
}

Result<ResizeCoordinates> coordinates_of(const std::string& text) {
  if (text == "half_pixel" || text == "pytorch_half_pixel") return ResizeCoordinates::kHalfPixel;
  if (text == "asymmetric") return ResizeCoordinates::kAsymmetric;
  if (text == "align_corners") return ResizeCoordinates::kAlignCorners;
  return unsupported("has coordinates '{}'; half_pixel, asymmetric and align_corners are supported", printable(text));
}

Result<ResizeRounding> rounding_of(const std::string& text) {
  if (text == "round_prefer_floor") return ResizeRounding::kHalfDown;
  if (text == "round_prefer_ceil") return ResizeRounding::kHalfUp;
  if (text == "floor") return ResizeRounding::kFloor;
  if (text == "ceil") return ResizeRounding::kCeil;
  return bad_input("has nearest_mode '{}', which is unknown", printable(text));
}

/// Sizes of the output, by scales (which must give whole sizes) or sizes.
Result<std::array<uint32_t, 2>> output_size(OnnxNodeImport& node, const OnnxOperand& x, size_t scales, size_t sizes) {
  std::array<uint32_t, 2> out{};
  std::vector<double> wanted;
  if (node.has_input(sizes)) {
    const auto given = node.integers(sizes);
    if (!given) return given.error();
    wanted.assign(given->begin(), given->end());
  } else {
    const auto given = node.floats(scales);
    if (!given) return given.error();
    for (size_t d = 0; d < std::min(given->size(), x.dims.size()); ++d)
      wanted.push_back(double{(*given)[d]} * static_cast<double>(x.dims[d]));
  }
  if (wanted.size() != kAxes || wanted[0] != static_cast<double>(x.dims[0]) ||
      wanted[1] != static_cast<double>(x.dims[1]))
    return unsupported("resizes other dimensions than height and width");
  for (size_t i = 0; i < 2; ++i) {
    const double rounded = std::round(wanted[2 + i]);
    if (!(std::abs(wanted[2 + i] - rounded) < 1e-3) || rounded < 1 || rounded > kMaxWindow)
      return unsupported("makes a size of {}, but whole sizes from 1 to {} are supported", wanted[2 + i], kMaxWindow);
    out[i] = static_cast<uint32_t>(rounded);
  }
  return out;
}

Status take_resize(OnnxNodeImport& node) {
  const auto x = image_of_rank_4(node);
  if (!x) return x.error();
  const bool is_old = node.node().op == "Upsample" || node.opset() < 11;
  for (const std::string_view option : {"antialias", "exclude_outside", "axes"})
    if (node.integer(option, 0) != 0 || !node.list(option).empty())
      return unsupported("has {}, which is not supported", option);
  if (node.text("keep_aspect_ratio_policy", "stretch") != "stretch")
    return unsupported("keeps the aspect ratio; give the sizes that follow from it");
  const auto size = output_size(node, *x, is_old ? 1 : 2, is_old ? 99 : 3);
  if (!size) return size.error();
  if (node.text("coordinate_transformation_mode", "") == "pytorch_half_pixel" && ((*size)[0] == 1 || (*size)[1] == 1))
    return unsupported("has coordinates 'pytorch_half_pixel' for a size of 1; use half_pixel");
  Resize resize;
  const std::string mode = node.text("mode", "nearest");
  if (mode != "nearest" && mode != "linear" && mode != "bilinear")
    return unsupported("has mode '{}'; nearest and linear are supported", printable(mode));
  resize.kind = mode == "nearest" ? ResizeKind::kNearest : ResizeKind::kBilinear;
  const auto coordinates =
      coordinates_of(is_old ? "asymmetric" : node.text("coordinate_transformation_mode", "half_pixel"));
  if (!coordinates) return coordinates.error();
  resize.coordinates = *coordinates;
  if (resize.kind == ResizeKind::kNearest) {
    const auto rounding = rounding_of(is_old ? "floor" : node.text("nearest_mode", "round_prefer_floor"));
    if (!rounding) return rounding.error();
    resize.rounding = *rounding;
  }
  resize.height = (*size)[0];
  resize.width = (*size)[1];
  const auto id = node.tensor(0);
  if (!id) return id.error();
  return node.emit(resize, {*id}, kAxes);
}

Status take_pad(OnnxNodeImport& node) {
  const auto x = node.image(0);
  if (!x) return x.error();
  if (node.text("mode", "constant") != "constant")
    return unsupported("has mode '{}'; pad with a constant, or before the image enters the network",
                       printable(node.text("mode", "")));
  std::vector<int64_t> pads = node.list("pads");
  Pad pad;
  pad.value = node.number("value", 0);
  if (node.has_input(1)) {
    const auto given = node.integers(1);
    if (!given) return given.error();
    pads = *given;
  }
  if (node.has_input(2)) {
    const auto value = node.floats(2);
    if (!value) return value.error();
    if (value->size() == 1) pad.value = (*value)[0];
  }
  if (node.has_input(3)) return unsupported("pads some dimensions only (axes); give pads of all");
  const size_t rank = x->dims.size();
  if (pads.size() != 2 * rank) return bad_input("has {} pads, but {} dimensions need {}", pads.size(), rank, 2 * rank);
  for (size_t d = 0; d < rank; ++d) {
    const auto axis = static_cast<size_t>(*axis_of_dim(static_cast<int64_t>(d), rank));
    const auto before = size_in(pads[d], 0, "pads"), after = size_in(pads[rank + d], 0, "pads");
    if (!before) return before.error();
    if (!after) return after.error();
    pad.before[axis] = *before;
    pad.after[axis] = *after;
  }
  const auto id = node.tensor(0);
  if (!id) return id.error();
  return node.emit(pad, {*id}, rank);
}

Status take_depth_to_space(OnnxNodeImport& node) {
  const auto x = image_of_rank_4(node);
  if (!x) return x.error();
  const auto block = size_in(node.integer("blocksize", 0), 1, "blocksize");
  if (!block) return block.error();
  const std::string mode = node.text("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") return bad_input("has mode '{}', which is unknown", printable(mode));
  const auto id = node.tensor(0);
  if (!id) return id.error();
  return node.emit(DepthToSpace{*block, mode == "DCR" ? DepthOrder::kBlockFirst : DepthOrder::kChannelFirst}, {*id},
                   kAxes);
}

constexpr OnnxOperatorRow kRows[] = {
    {"Conv", 2, 3, take_convolution},
    {"AveragePool", 1, 1, take_pool<PoolKind::kAverage>},
    {"MaxPool", 1, 1, take_pool<PoolKind::kMax>},
    {"GlobalAveragePool", 1, 1, take_global_average},
    {"GlobalMaxPool", 1, 1, take_global_max},
    {"ReduceMean", 1, 2, take_mean},
    {"Resize", 1, 4, take_resize},
    {"Upsample", 2, 2, take_resize},
    {"Pad", 1, 4, take_pad},
    {"DepthToSpace", 1, 1, take_depth_to_space},
};

}  // namespace

std::span<const OnnxOperatorRow> onnx_window_operators() { return kRows; }

}  // namespace espalier
