#include "ir/network/resize_source.h"

#include <algorithm>
#include <cmath>

namespace espalier {
namespace {

/// One division of whole numbers, so that a coordinate that is a whole number comes out as one.
double coordinate(ResizeCoordinates kind, double i, double in, double out) {
  switch (kind) {
    case ResizeCoordinates::kAsymmetric:
      return i * in / out;
    case ResizeCoordinates::kHalfPixel:
      return (2 * i + 1) * in / (2 * out) - 0.5;
    case ResizeCoordinates::kAlignCorners:
      return out > 1 ? i * (in - 1) / (out - 1) : 0;
  }
  return 0;
}

double rounded(ResizeRounding rounding, double x) {
  switch (rounding) {
    case ResizeRounding::kFloor:
      return std::floor(x);
    case ResizeRounding::kCeil:
      return std::ceil(x);
    case ResizeRounding::kHalfDown:
      return std::ceil(x - 0.5);
    case ResizeRounding::kHalfUp:
      return std::floor(x + 0.5);
  }
  return 0;
}

}  // namespace

ResizeSource resize_source(const Resize& r, uint32_t output, uint32_t in, uint32_t out) {
  const double exact = coordinate(r.coordinates, output, in, out), last = in - 1.0;
  if (r.kind == ResizeKind::kNearest) {
    const auto place = static_cast<uint32_t>(std::clamp(rounded(r.rounding, exact), 0.0, last));
    return {place, place, 0};
  }
  const double inside = std::clamp(exact, 0.0, last), low = std::floor(inside);
  return {static_cast<uint32_t>(low), static_cast<uint32_t>(std::min(low + 1, last)), inside - low};
}

}  // namespace espalier
