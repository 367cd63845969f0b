// A piece of an image, padded and sorted by column phase, in scratch memory: what windows slide over.
#pragma once

#include <functional>

#include "codegen/layers/layer_code.h"
#include "codegen/layers/loop_builder.h"

namespace espalier {

/// Where channel `channel` of pixel `pixel` stands.
Affine element_at(LoopBuilder& b, const LayerTensor& tensor, const Affine& channel, const Affine& pixel);

/// Rows of `channels` image channels as a window of stride s and dilation d needs them. With phase q = column mod s of
/// the padded image, its columns lie in lines of their own, so that outputs ox, ox + 1, ... of one tap read adjacent
/// elements:
///
///     line(channel, row, q)[i] = padded image (channel, row, i * s + q)
///     tap (i, j) of output (oy, ox) = line(channel, oy * stride_height + i * dilation_height, (j * d) mod s)
///                                         [ox + (j * d) / s]
///
/// Behind what outputs need, lines have room for whole vectors.
class StagedImage {
 public:
  /// Strips of `output_rows` output rows (the last may have fewer: its missing image rows are staged as padding).
  StagedImage(const Window& window, const LayerTensor& image, const Shape& output, uint32_t output_rows,
              uint32_t channels, uint32_t lanes);

  uint64_t elements() const { return uint64_t{channels_} * plane_; }
  int64_t row_elements() const { return row_; }
  int64_t plane_elements() const { return plane_; }

  /// Emits the copy of channels [first_channel, first_channel + channels) for the strip that begins with output row
  /// `output_row`, from x0.
  void stage(LoopBuilder& b, const Affine& first_channel, const Affine& output_row, float padding) const;

  /// What becomes of every element of the image on its way (never of the padding).
  void set_map(std::function<Vec(Vec)> map) { map_ = std::move(map); }

  /// Scratch element of tap (i, j) of staged channel `channel`, for output (row, 0) of the strip; add the column.
  Affine tap(const Affine& channel, const Affine& row, uint32_t i, uint32_t j) const;
  /// The same as a constant offset from tap(channel, row, 0, 0).
  int64_t tap_offset(uint32_t i, uint32_t j) const;

 private:
  struct Phase {
    int64_t begin = 0;   ///< first place that comes from the image
    int64_t source = 0;  ///< the image column there
    int64_t count = 0;   ///< places from the image
    int64_t needed = 0;  ///< places that outputs read
  };
  void stage_row(LoopBuilder& b, const Affine& from, const Affine& to, bool may_read_on) const;
  void stage_lines(LoopBuilder& b, const Affine& from, const Affine& to, int64_t step, int64_t unit,
                   bool may_read_on) const;
  void stage_pairs(LoopBuilder& b, const Affine& from, const Affine& to, bool may_read_on) const;
  void in_turns(LoopBuilder& b, int64_t count, int64_t plain,
                const std::function<void(const Affine&, int64_t)>& copy) const;
  /// Places to write in both lines of a row of which even and odd columns part, which begin with columns 0 and 1; 0
  /// where rows do not part so.
  int64_t pairs() const;
  void fill(LoopBuilder& b, const Affine& to, int64_t first, int64_t count, Vec value) const;
  Vec mapped(Vec x) const { return map_ ? map_(x) : x; }
  /// Image rows at the end from which whole vectors would read behind the buffer.
  int64_t exact_rows() const;
  Affine source_row(LoopBuilder& b, const Affine& channel, const Affine& row) const;

  Window window_;
  LayerTensor image_;
  uint32_t channels_ = 0, rows_ = 0, lanes_ = 0;
  int64_t pitch_ = 0;  ///< elements of a line
  int64_t row_ = 0, plane_ = 0;
  bool has_one_strip_ = false;
  std::function<Vec(Vec)> map_;  ///< none: as it is
  std::vector<Phase> phases_;
};

}  // namespace espalier
