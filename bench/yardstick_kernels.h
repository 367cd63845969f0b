// The inner loops of the yardsticks, compiled once per vector ISA: plain pointers only, so that no template of the C++
// library is compiled for an ISA that the rest of the program may not use.
#pragma once

#include <cstddef>
#include <cstdint>

namespace espalier {

/// Buffers and bounds of a call. `pixels` are whole vectors; rows may be written up to there.
struct YardstickCall {
  const float* x;
  float* y;
  size_t output_stride;  ///< elements
  uint32_t pixels;
  float low, high;  ///< clamp
};

/// One row at a time, one non-zero per turn.
struct RolledRows {
  const float* stream;   ///< per row: bias, then weights
  const int32_t* steps;  ///< elements from the input of each non-zero to that of the next; the last leads to the first
  const uint32_t* counts;  ///< non-zeros per row
  uint32_t rows;
  size_t first;  ///< element of the first non-zero's input
};

inline constexpr uint32_t kNanoRows = 4, kNanoPatterns = 15, kNanoColumns = 128;

/// The non-zeros of four rows in one block of input channels, sorted by pattern: bit r says that row r has a weight.
struct NanoPanel {
  uint32_t counts[kNanoPatterns];  ///< columns that have pattern 1, 2, ... 15
  uint32_t first_row, rows;        ///< rows: 1..4
  bool first, last;                ///< of the blocks of these rows: begins with the bias, ends with the clamp
  size_t columns, weights;         ///< where the slices begin
};
struct NanoPanels {
  const NanoPanel* panels;  ///< input channel blocks outside, row panels inside
  size_t count;
  const uint32_t* columns;  ///< element of the input row
  const float* weights;     ///< those of a column one after the other
  const float* bias;        ///< a multiple of four rows
};

struct YardstickKernels {
  const char* isa;  ///< VectorIsa::name
  uint32_t lanes;
  void (*rolled)(const RolledRows&, const YardstickCall&);
  void (*nano)(const NanoPanels&, const YardstickCall&);
};

extern const YardstickKernels kAvx2Yardsticks, kAvx512Yardsticks, kNeonYardsticks;  // as far as they are built

}  // namespace espalier
