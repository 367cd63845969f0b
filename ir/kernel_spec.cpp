#include "ir/kernel_spec.h"

#include <cmath>

#include "ir/c_names.h"

namespace espalier {
namespace {

constexpr uint64_t kMaxElements = uint64_t{1} << 29;

Status check_stride(const char* which, uint32_t stride, const KernelSpec& spec, uint32_t rows) {
  if (stride == 0) return bad_input("{} stride is 0, but must be at least 1", which);
  if (spec.pixels && stride < *spec.pixels)
    return bad_input("{} stride is {}, but there are {} pixels", which, stride, *spec.pixels);
  if (uint64_t{stride} * rows >= kMaxElements)
    return limit_exceeded("{} buffer has {} x {} elements, but the limit is {}", which, rows, stride, kMaxElements - 1);
  return {};
}

}  // namespace

bool is_c_identifier(std::string_view name) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (name.empty() || !letter(name[0])) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

uint32_t recommended_stride(uint32_t pixels) {
  constexpr uint32_t kLineElements = 16;
  if (pixels == 0) return 0;
  return kLineElements * (((pixels - 1) / kLineElements + 1) | 1);
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
  if (Status s = check_stride("input", spec.input_stride, spec, columns); !s) return at(std::move(s).error());
  if (Status s = check_stride("output", spec.output_stride, spec, rows); !s) return at(std::move(s).error());
  if (spec.clamp.low == 0) spec.clamp.low = 0;
  if (spec.clamp.high == 0) spec.clamp.high = 0;
  return spec;
}

}  // namespace espalier
