// Operators on height and width: pools, means, padding, resizing.
#include "ir/import/tflite_graph_import.h"
#include "ir/import/tflite_schema.h"

namespace espalier {
namespace {

namespace field = tflite_field;

enum Code : int32_t {
  kAveragePool2d = 1,
  kDepthToSpace = 5,
  kMaxPool2d = 17,
  kResizeBilinear = 23,
  kPad = 34,
  kMean = 40,
  kPadV2 = 60,
  kResizeNearest = 97
};

Result<Window> read_window(TfliteOperatorImport& op, const Shape& input) {
  const Result<uint32_t> height = op.option(field::kPoolHeight, 0, 1, kMaxWindow, "filter_height"),
                         width = op.option(field::kPoolWidth, 0, 1, kMaxWindow, "filter_width"),
                         stride_h = op.option(field::kWindowStrideH, 0, 1, kMaxWindow, "stride_h"),
                         stride_w = op.option(field::kWindowStrideW, 0, 1, kMaxWindow, "stride_w");
  for (const auto* option : {&height, &width, &stride_h, &stride_w})
    if (!*option) return option->error();
  Window window{*height, *width, *stride_h, *stride_w, 1, 1, {}};
  const Result<Padding> padding = op.padding(window, input);
  if (!padding) return padding.error();
  window.padding = *padding;
  return window;
}

template <PoolKind kKind>
Status take_pool(TfliteOperatorImport& op) {
  const Result<TensorId> input = op.value(0);
  if (!input) return input.error();
  const Result<Window> window = read_window(op, op.shape_of(*input));
  if (!window) return window.error();
  const Result<Activation> activation = op.fused_activation(field::kPoolActivation);
  if (!activation) return activation.error();
  return op.emit(Pool{kKind, *window}, {*input}, *activation);
}

/// Over height and width, and no other axis of more than one line.
Status take_mean(TfliteOperatorImport& op) {
  const Result<TensorId> input = op.value(0);
  if (!input) return input.error();
  const Result<std::vector<uint64_t>> sizes = op.sizes(0);
  if (!sizes) return sizes.error();
  const Result<std::vector<int64_t>> dimensions = op.integers(1);
  if (!dimensions) return Error(dimensions.error()).in("axes");
  const Shape shape = op.shape_of(*input);
  Shape left = shape;  // with 1 where the mean is taken
  for (const int64_t dimension : *dimensions) {
    const Result<Axis> axis = logical_axis(dimension, sizes->size());
    if (!axis) return Error(axis.error()).in("axes");
    auto remaining = left.sizes();
    remaining[static_cast<size_t>(*axis)] = 1;
    left = Shape::from_sizes(remaining);
  }
  if (left != Shape{shape.n, 1, 1, shape.c})
    return unsupported(
        "takes the mean of shape ({}) along dimensions ({}), but only the mean of height and width is "
        "supported",
        fmt::join(*sizes, ", "), fmt::join(*dimensions, ", "));
  return op.emit(Mean{}, {*input});
}

/// `paddings` has a row (before, after) for each dimension of the input.
Result<Pad> read_paddings(TfliteOperatorImport& op) {
  const Result<std::vector<uint64_t>> sizes = op.sizes(0);
  if (!sizes) return sizes.error();
  const Result<std::vector<int64_t>> paddings = op.integers(1);
  if (!paddings) return Error(paddings.error()).in("paddings");
  if (paddings->size() != 2 * sizes->size())
    return bad_input("has {} paddings, but {} dimensions need {}", paddings->size(), sizes->size(), 2 * sizes->size());
  Pad pad;
  for (size_t d = 0; d < sizes->size(); ++d) {
    const auto axis = static_cast<size_t>(*logical_axis(static_cast<int64_t>(d), sizes->size()));
    for (const size_t end : {0, 1}) {
      const int64_t lines = (*paddings)[2 * d + end];
      if (lines < 0 || lines > static_cast<int64_t>(kMaxTensorElements))
        return bad_input("padding {} is {}, but must be in 0..{}", 2 * d + end, lines, kMaxTensorElements);
      (end == 0 ? pad.before : pad.after)[axis] = static_cast<uint32_t>(lines);
    }
  }
  return pad;
}

Status take_pad(TfliteOperatorImport& op) {
  const Result<TensorId> input = op.value(0);
  if (!input) return input.error();
  Result<Pad> pad = read_paddings(op);
  if (!pad) return std::move(pad).error();
  if (op.has_input(2)) {
    const Result<TfliteConstant> value = op.constant(2);
    if (!value) return Error(value.error()).in("padding value");
    if (value->values.size() != 1) return bad_input("has {} padding values, but needs 1", value->values.size());
    pad->value = value->values[0];
  }
  return op.emit(*pad, {*input});
}

/// What both kinds of resizing share.
Result<Resize> read_resize(TfliteOperatorImport& op, unsigned align_field, unsigned half_field) {
  const Result<std::vector<int64_t>> size = op.integers(1);
  if (!size) return Error(size.error()).in("size");
  if (size->size() != 2) return bad_input("has a size of {} values, but needs 2", size->size());
  for (const int64_t s : *size)
    if (s < 1 || s > static_cast<int64_t>(kMaxTensorElements))
      return bad_input("resizes to {}x{}, but sizes must be in 1..{}", (*size)[0], (*size)[1], kMaxTensorElements);
  const bool align = op.options().scalar<uint8_t>(align_field, 0, "align_corners") != 0;
  const bool half = op.options().scalar<uint8_t>(half_field, 0, "half_pixel_centers") != 0;
  if (align && half) return bad_input("has both align_corners and half_pixel_centers, but they exclude each other");
  Resize resize;
  resize.coordinates = align  ? ResizeCoordinates::kAlignCorners
                       : half ? ResizeCoordinates::kHalfPixel
                              : ResizeCoordinates::kAsymmetric;
  resize.height = static_cast<uint32_t>((*size)[0]);
  resize.width = static_cast<uint32_t>((*size)[1]);
  return resize;
}

Status take_resize_bilinear(TfliteOperatorImport& op) {
  const Result<TensorId> input = op.value(0);
  if (!input) return input.error();
  const Result<Resize> resize = read_resize(op, field::kBilinearAlignCorners, field::kBilinearHalfPixel);
  if (!resize) return resize.error();
  return op.emit(*resize, {*input});
}

/// TFLite takes floor((i + 0.5) * in / out) with half-pixel centers, which is the coordinate rounded half up, and
/// rounds aligned corners. Source: tensorflow/lite/kernels/internal/reference/resize_nearest_neighbor.h.
Status take_resize_nearest(TfliteOperatorImport& op) {
  const Result<TensorId> input = op.value(0);
  if (!input) return input.error();
  Result<Resize> resize = read_resize(op, field::kNearestAlignCorners, field::kNearestHalfPixel);
  if (!resize) return std::move(resize).error();
  resize->kind = ResizeKind::kNearest;
  resize->rounding =
      resize->coordinates == ResizeCoordinates::kAsymmetric ? ResizeRounding::kFloor : ResizeRounding::kHalfUp;
  return op.emit(*resize, {*input});
}

Status take_depth_to_space(TfliteOperatorImport& op) {
  const Result<TensorId> input = op.value(0);
  if (!input) return input.error();
  const Result<uint32_t> block = op.option(field::kBlockSize, 0, 1, kMaxWindow, "block_size");
  if (!block) return block.error();
  return op.emit(DepthToSpace{*block, DepthOrder::kBlockFirst}, {*input});
}

constexpr TfliteOperatorRow kRows[] = {
    {kAveragePool2d, 1, 1, take_pool<PoolKind::kAverage>},
    {kMaxPool2d, 1, 1, take_pool<PoolKind::kMax>},
    {kMean, 2, 2, take_mean},
    {kPad, 2, 2, take_pad},
    {kPadV2, 3, 3, take_pad},
    {kResizeBilinear, 2, 2, take_resize_bilinear},
    {kResizeNearest, 2, 2, take_resize_nearest},
    {kDepthToSpace, 1, 1, take_depth_to_space},
};

}  // namespace

std::span<const TfliteOperatorRow> tflite_window_operators() { return kRows; }

}  // namespace espalier
