#include "ir/kernel_spec.h"

#include <cmath>

#include "ir/c_names.h"

namespace espalier {
namespace {

Status check_image(const char* which, uint32_t stride, const KernelSpec& spec, uint32_t rows) {
  if (stride == 0) return bad_input("{} stride is 0, but must be at least 1", which);
  if (spec.pixels && stride < *spec.pixels)
    return bad_input("{} stride is {}, but there are {} pixels", which, stride, *spec.pixels);
  if (uint64_t{stride} * rows >= kMaxBufferElements)
    return limit_exceeded("{} buffer has {} x {} elements, but the limit is {}", which, rows, stride,
                          kMaxBufferElements - 1);
  return {};
}

Status check_panels(const char* which, uint32_t panel, uint32_t stride, const KernelSpec& spec, uint32_t rows) {
  if (stride != panel) return bad_input("{} stride is {}, but panels are {} pixels wide", which, stride, panel);
  const uint64_t panels = (uint64_t{spec.pixels.value_or(1)} + panel - 1) / panel;
  if (panels * panel * std::max(1u, rows) >= kMaxBufferElements || uint64_t{panel} * rows >= kMaxBufferElements)
    return limit_exceeded("{} buffer has {} x {} x {} elements, but the limit is {}", which, panels, rows, panel,
                          kMaxBufferElements - 1);
  return {};
}

/// Checks one buffer; the stride of panels, which may be left out, becomes their width.
Status check_buffer(const char* which, uint32_t panel, uint32_t& stride, const KernelSpec& spec, uint32_t rows) {
  if (panel == 0) return check_image(which, stride, spec, rows);
  if (stride == 0) stride = panel;
  return check_panels(which, panel, stride, spec, rows);
}

/// Pixels that a schedule for any number of panels is chosen for.
constexpr uint32_t kUsualPixels = 1024;

}  // namespace

bool is_c_identifier(std::string_view name) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (name.empty() || !letter(name[0])) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

uint32_t recommended_stride(uint32_t pixels, uint32_t lanes) {
  constexpr uint32_t kShortRow = 1024;
  if (pixels == 0) return 0;
  if (pixels > kShortRow || lanes > kLineElements / 2) return kLineElements * (((pixels - 1) / kLineElements + 1) | 1);
  const uint32_t halves = (pixels - 1) / (kLineElements / 2) + 1;
  return kLineElements / 2 * (halves % 4 == 0 ? halves + 1 : halves);
}

namespace {

size_t index_in(uint32_t stride, uint32_t panel, uint32_t channels, uint32_t channel, uint32_t pixel) {
  if (panel == 0) return size_t{channel} * stride + pixel;
  return (size_t{pixel / panel} * channels + channel) * panel + pixel % panel;
}
size_t elements_of(uint32_t stride, uint32_t panel, uint32_t channels, uint32_t pixels) {
  if (panel == 0) return size_t{channels} * stride;
  return size_t{pixels / panel + (pixels % panel != 0)} * channels * panel;
}

}  // namespace

size_t KernelSpec::input_index(uint32_t channel, uint32_t pixel) const {
  return index_in(input_stride, input_panel, matrix.columns(), channel, pixel);
}
size_t KernelSpec::output_index(uint32_t channel, uint32_t pixel) const {
  return index_in(output_stride, output_panel, matrix.rows(), channel, pixel);
}
size_t KernelSpec::input_elements() const {
  return elements_of(input_stride, input_panel, matrix.columns(), max_pixels());
}
size_t KernelSpec::output_elements() const {
  return elements_of(output_stride, output_panel, matrix.rows(), max_pixels());
}

uint32_t KernelSpec::max_pixels() const {
  if (pixels) return *pixels;
  return std::min(input_panel ? kUsualPixels : input_stride, output_panel ? kUsualPixels : output_stride);
}

Result<KernelSpec> validated(KernelSpec spec) {
  if (!is_c_identifier(spec.name)) return bad_input("kernel name '{}' is not a C identifier", spec.name);
  if (is_reserved_in_c(spec.name))
    return bad_input("kernel name '{}' is reserved in C or C++, but emitted headers declare it", spec.name);
  auto at = [&](Error e) { return std::move(e).in("kernel " + spec.name); };
  if (spec.pixels == 0u) return at(bad_input("pixels is 0, but must be at least 1"));
  const uint32_t rows = spec.matrix.rows(), columns = spec.matrix.columns();
  if (!spec.bias.empty() && spec.bias.size() != rows)
    return at(bad_input("bias has {} values, but the matrix has {} rows", spec.bias.size(), rows));
  for (size_t i = 0; i < spec.bias.size(); ++i)
    if (!std::isfinite(spec.bias[i])) return at(bad_input("bias {} is {}, but must be finite", i, spec.bias[i]));
  if (std::isnan(spec.clamp.low) || std::isnan(spec.clamp.high) || spec.clamp.low > spec.clamp.high)
    return at(bad_input("clamp low {} must not be above clamp high {}", spec.clamp.low, spec.clamp.high));
  if (Status s = check_buffer("input", spec.input_panel, spec.input_stride, spec, columns); !s)
    return at(std::move(s).error());
  if (Status s = check_buffer("output", spec.output_panel, spec.output_stride, spec, rows); !s)
    return at(std::move(s).error());
  if (spec.clamp.low == 0) spec.clamp.low = 0;
  if (spec.clamp.high == 0) spec.clamp.high = 0;
  return spec;
}

}  // namespace espalier
