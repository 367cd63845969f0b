// What one kernel has to compute.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/error.h"
#include "ir/sparse_matrix.h"

namespace espalier {

/// fp32 in a cache line of 64 bytes, which is what one prefetch brings.
inline constexpr uint32_t kLineElements = 16;

/// Bounds applied to every output after the sum; ReLU is [0, inf], ReLU6 [0, 6].
struct Clamp {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();

  bool has_low() const { return low != -std::numeric_limits<float>::infinity(); }
  bool has_high() const { return high != std::numeric_limits<float>::infinity(); }
  bool operator==(const Clamp&) const = default;
};

/// Which output channel row m of Y is.
enum class OutputOrder : uint8_t {
  kNatural,    ///< m
  kClustered,  ///< what row clustering finds; the kernel says which (KernelProgram::output_order)
};

/// A pruned 1x1 convolution (SpMM) in CHW layout:
///
///     Y[m, p] = clamp(bias[m] + sum over k ascending of W[m, k] * X[k, p])
///
/// Shapes: W[M, K], X[K, pixels] with row stride `input_stride`, Y[M, pixels] with row stride `output_stride`.
/// A buffer is one CHW image with the given row stride, or, where a panel width T is given, pixel panels
/// [ceil(pixels / T)][channels][T]: channel c of pixel p at (p / T) * channels * T + c * T + p % T. What is in the
/// padding of the last panel does not matter; that of Y may be written.
/// Units: strides, panels and pixels are elements (fp32). Clamp of a sum v: low if not v > low, else v; then high if
/// not v < high, else v; so NaN becomes a bound. A bound of -inf (low) or inf (high) is none: NaN passes it. The sign
/// of a zero that a clamp at 0 yields is unspecified. Source: Elsen, Dukhan, Gale, Simonyan, "Fast Sparse ConvNets"
/// (2019), section 3.
struct KernelSpec {
  std::string name;         ///< a C identifier, not is_reserved_in_c (ir/c_names.h)
  SparseMatrix matrix;      ///< W
  std::vector<float> bias;  ///< empty (all zero) or M values
  Clamp clamp;
  std::optional<uint32_t>
      pixels;                  ///< fixed at compile time, or left to run time (any count up to both strides); never 0
  uint32_t input_stride = 0;   ///< >= pixels; of panels their width, which 0 stands for
  uint32_t output_stride = 0;  ///< >= pixels; of panels their width, which 0 stands for
  uint32_t input_panel = 0;    ///< 0: one CHW image
  uint32_t output_panel = 0;   ///< 0: one CHW image
  OutputOrder output_order = OutputOrder::kNatural;

  /// The pixel count, or the largest legal one when it is left to run time; schedules are chosen for it.
  uint32_t max_pixels() const;

  /// Where X[channel, pixel] and Y[channel, pixel] stand: elements from the start of the buffer.
  size_t input_index(uint32_t channel, uint32_t pixel) const;
  size_t output_index(uint32_t channel, uint32_t pixel) const;
  /// Elements of buffers for max_pixels(), whole rows and panels.
  size_t input_elements() const;
  size_t output_elements() const;
};

/// Buffers have fewer elements than this.
inline constexpr uint64_t kMaxBufferElements = uint64_t{1} << 29;

/// Checks the rules above and returns a canonical copy (clamp bounds of -0 become +0). Errors: kBadInput for a name
/// that is no C identifier, a bias of the wrong length or not finite, low > high or NaN, pixels or a stride of 0, a
/// stride below the pixel count or, with panels, other than their width; kLimit when a buffer (K * input_stride,
/// M * output_stride, or that times the panels) is not below 2^29 elements (2 GiB: kernels address with 31 bits).
Result<KernelSpec> validated(KernelSpec spec);

/// The row stride (elements) to store `pixels` pixels with, where the caller may choose it, for vectors of up to
/// `lanes` elements:
///
///     lines = ceil(pixels / 16), one more if that is even;  stride = 16 * lines
///
/// so rows begin on 64-byte lines and, the number of lines being odd, the rows of one pixel tile spread over all sets
/// of a cache instead of a few: with an even number of lines they share 1/2, 1/4, ... of the sets, and with a multiple
/// of 4 KiB one set of L1D. At most 31 elements are added.
///
/// Rows of up to 1024 pixels that no vector of more than 8 lanes reads begin on half lines, which leaves less of the
/// caches empty: halves = ceil(pixels / 8), one more if that is a multiple of 4; stride = 8 * halves.
///
/// The measurements are in docs/performance.md. 0 for 0 pixels.
uint32_t recommended_stride(uint32_t pixels, uint32_t lanes = 16);

/// Whether `name` is one: a letter or _, then letters, digits and _ (ASCII).
bool is_c_identifier(std::string_view name);

}  // namespace espalier
