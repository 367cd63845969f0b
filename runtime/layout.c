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

void espalier_natural_order(const espalier_kernel* kernel, const float* y, size_t pixels, float* natural) {
  const size_t rows = kernel->output_channels, panel = kernel->output_panel, width = panel ? panel : pixels;
  for (size_t first = 0; first < pixels; first += width) {
    const size_t place = espalier_pixel_place(first, panel, rows), count = smaller(width, pixels - first);
    for (size_t m = 0; m < rows; ++m) {
      const size_t channel = kernel->output_order ? kernel->output_order[m] : m;
      const float* from = y + place + m * kernel->output_stride;
      float* to = natural + place + channel * kernel->output_stride;
      for (size_t p = 0; p < count; ++p) to[p] = from[p];
    }
  }
}
