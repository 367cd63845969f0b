// Pools, means and resizing.
#include <algorithm>
#include <cmath>

#include "ir/network/reference_layers.h"
#include "ir/network/resize_source.h"

namespace espalier {
namespace {

/// The lines of an image that a pool's window covers: [begin, end).
struct Range {
  uint32_t begin, end;
};

Range covered(uint32_t output, uint32_t stride, uint32_t window, uint32_t before, uint32_t size) {
  const int64_t begin = int64_t{output} * stride - before, end = begin + window;
  return {static_cast<uint32_t>(std::max<int64_t>(begin, 0)),
          static_cast<uint32_t>(std::min<int64_t>(end, int64_t{size}))};
}

double pooled(PoolKind kind, const ReferenceCall& call, uint32_t n, Range rows, Range columns, uint32_t c) {
  const bool average = kind == PoolKind::kAverage;
  double result = average ? 0 : -HUGE_VAL;
  for (uint32_t h = rows.begin; h < rows.end; ++h)
    for (uint32_t w = columns.begin; w < columns.end; ++w) {
      const double x = double{call.inputs[0][call.in().index(n, h, w, c)]};
      result = average ? result + x : std::max(result, x);
    }
  const uint64_t places = uint64_t{rows.end - rows.begin} * (columns.end - columns.begin);
  return average ? result / static_cast<double>(places) : result;
}

double between(double a, double b, double part) { return a + (b - a) * part; }

double resized(const ReferenceCall& call, uint32_t n, const ResizeSource& row, const ResizeSource& column, uint32_t c) {
  const auto at = [&](uint32_t h, uint32_t w) { return double{call.inputs[0][call.in().index(n, h, w, c)]}; };
  if (row.part == 0 && column.part == 0) return at(row.low, column.low);
  const double top = between(at(row.low, column.low), at(row.low, column.high), column.part);
  const double bottom = between(at(row.high, column.low), at(row.high, column.high), column.part);
  return between(top, bottom, row.part);
}

}  // namespace

void run_layer(const Pool& operation, const ReferenceCall& call) {
  const Shape &in = call.in(), &out = call.shape;
  const Window& w = operation.window;
  for (uint32_t n = 0; n < out.n; ++n)
    for (uint32_t y = 0; y < out.h; ++y)
      for (uint32_t x = 0; x < out.w; ++x) {
        const Range rows = covered(y, w.stride_height, w.height, w.padding.top, in.h);
        const Range columns = covered(x, w.stride_width, w.width, w.padding.left, in.w);
        for (uint32_t c = 0; c < out.c; ++c)
          call.store(out.index(n, y, x, c), pooled(operation.kind, call, n, rows, columns, c));
      }
}

void run_layer(const Mean&, const ReferenceCall& call) {
  const Shape& in = call.in();
  for (uint32_t n = 0; n < in.n; ++n)
    for (uint32_t c = 0; c < in.c; ++c)
      call.store(call.shape.index(n, 0, 0, c), pooled(PoolKind::kAverage, call, n, {0, in.h}, {0, in.w}, c));
}

void run_layer(const Resize& operation, const ReferenceCall& call) {
  const Shape &in = call.in(), &out = call.shape;
  for (uint32_t n = 0; n < out.n; ++n)
    for (uint32_t y = 0; y < out.h; ++y)
      for (uint32_t x = 0; x < out.w; ++x) {
        const ResizeSource row = resize_source(operation, y, in.h, out.h);
        const ResizeSource column = resize_source(operation, x, in.w, out.w);
        for (uint32_t c = 0; c < out.c; ++c) call.store(out.index(n, y, x, c), resized(call, n, row, column, c));
      }
}

}  // namespace espalier
