// Stores of image rows, vector by vector.
#pragma once

#include "codegen/layers/layer_code.h"
#include "codegen/layers/loop_builder.h"
#include "codegen/layers/staged_image.h"

namespace espalier {

/// Whether whole vectors may be stored to the end of every image row, in ascending order: what runs over is in the next
/// row, or in the padding behind the last.
inline bool has_room(const LayerTensor& y, uint32_t lanes) {
  const uint64_t width = (y.shape.w + lanes - 1) / lanes * uint64_t{lanes};
  return y.layout.kind == LayoutKind::kChannelRows && uint64_t{y.shape.h - 1} * y.shape.w + width <= y.layout.stride;
}

/// Stores of one output row, whatever the layout: vectors in rows, element by element elsewhere.
class RowWriter {
 public:
  RowWriter(LoopBuilder& b, const LayerTensor& y, bool may_run_over) : b_(b), y_(y), may_run_over_(may_run_over) {}

  /// Vector `v` of pixels, whose first column is `column`; `lanes` of it are in the row.
  void store(const Affine& channel, const Affine& row, const Affine& column, Vec v, uint32_t lanes) {
    const Affine pixel = row * y_.shape.w + column;
    if (y_.layout.kind == LayoutKind::kChannelRows) {
      b_.store(LoopBuffer::kY, channel * y_.layout.stride + pixel, v, may_run_over_ ? b_.lanes() : lanes);
      return;
    }
    b_.store(LoopBuffer::kScratch, Affine(place_), v);
    b_.loop(0, lanes, 1, [&](Index i) {
      b_.store(LoopBuffer::kY, element_at(b_, y_, channel, pixel + Affine(i)),
               b_.splat(LoopBuffer::kScratch, Affine(i) + Affine(place_)), 1);
    });
  }
  /// Where in scratch a vector may pass through.
  void set_passage(uint64_t place) { place_ = static_cast<int64_t>(place); }

 private:
  LoopBuilder& b_;
  const LayerTensor& y_;
  bool may_run_over_;
  int64_t place_ = 0;
};

}  // namespace espalier
