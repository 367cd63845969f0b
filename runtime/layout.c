#include "espalier/runtime.h"

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

void espalier_pack(const float* image, size_t channels, size_t pixels, size_t stride, float* panels, size_t panel) {
  for (size_t first = 0; first < pixels; first += panel) {
    const size_t count = smaller(panel, pixels - first);
    for (size_t c = 0; c < channels; ++c, panels += panel) {
      for (size_t p = 0; p < count; ++p) panels[p] = image[c * stride + first + p];
      for (size_t p = count; p < panel; ++p) panels[p] = 0;
    }
  }
}

void espalier_unpack(const float* panels, size_t channels, size_t pixels, size_t panel, float* image, size_t stride) {
  for (size_t first = 0; first < pixels; first += panel) {
    const size_t count = smaller(panel, pixels - first);
    for (size_t c = 0; c < channels; ++c, panels += panel)
      for (size_t p = 0; p < count; ++p) image[c * stride + first + p] = panels[p];
  }
}
