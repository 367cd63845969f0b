#include "test/agreement/random_case.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "codegen/compile_kernel.h"
#include "codegen/kernel_plan.h"
#include "espalier/kernel_abi.h"

namespace espalier::test {
namespace {

constexpr uint32_t kMostRows = 300, kMostColumns = 5000, kMostPixels = 4096;
constexpr float kUntouched = -77.0f;

class Draw {
 public:
  explicit Draw(uint64_t seed) : random_(seed) {}

  uint32_t between(uint32_t low, uint32_t high) {
    return low + static_cast<uint32_t>(random_.next() % (uint64_t{high} - low + 1));
  }
  bool one_in(uint32_t n) { return between(1, n) == 1; }
  /// Small numbers as often as large ones.
  uint32_t up_to(uint64_t high) {
    return static_cast<uint32_t>(std::exp(unit() * std::log(static_cast<double>(high) + 1)));
  }
  double unit() { return random_.unit(); }
  float weight() { return random_.weight(); }

 private:
  SeededRandom random_;
};

/// Columns of each row, ascending.
using Pattern = std::vector<std::vector<uint32_t>>;

std::vector<uint32_t> random_row(Draw& draw, uint32_t columns, double density) {
  std::vector<uint32_t> row;
  for (uint32_t c = 0; c < columns; ++c)
    if (draw.unit() < density) row.push_back(c);
  return row;
}

Pattern random_pattern(Draw& draw, uint32_t rows, uint32_t columns, uint64_t most) {
  const bool repeats = draw.one_in(3);
  const double density =
      std::min(draw.one_in(6) ? 1.0 : draw.unit() * draw.unit(), static_cast<double>(most) / rows / columns);
  Pattern pattern;
  uint64_t full_rows = most / columns / 4;
  for (uint32_t r = 0; r < rows; ++r) {
    if (draw.one_in(9)) {
      pattern.emplace_back();
    } else if (full_rows > 0 && draw.one_in(15)) {
      pattern.emplace_back(columns);
      std::iota(pattern.back().begin(), pattern.back().end(), 0u);
      --full_rows;
    } else if (repeats && r > 0 && !draw.one_in(3)) {
      pattern.push_back(pattern[draw.between(r > 4 ? r - 4 : 0, r - 1)]);
    } else {
      pattern.push_back(random_row(draw, columns, density));
    }
  }
  return pattern;
}

SparseMatrix with_random_values(Draw& draw, const Pattern& pattern, uint32_t columns) {
  std::vector<uint64_t> offsets{0};
  std::vector<uint32_t> indices;
  std::vector<float> values;
  const uint32_t empty_column = draw.between(0, 2 * columns);
  for (const auto& row : pattern) {
    for (const uint32_t c : row)
      if (c != empty_column) indices.push_back(c), values.push_back(draw.weight());
    offsets.push_back(indices.size());
  }
  return *SparseMatrix::from_csr(static_cast<uint32_t>(pattern.size()), columns, std::move(offsets), std::move(indices),
                                 std::move(values));
}

/// Images with gaps between their rows or without, or panels that vectors of all targets divide; those of 16 lanes may
/// end a panel with half a vector.
void draw_layout(Draw& draw, uint32_t pixels, uint32_t& stride, uint32_t& panel) {
  stride = pixels + (draw.one_in(3) ? 0 : draw.between(0, 37));
  if (draw.one_in(3)) panel = stride = 8 * draw.between(2, 8);
}

constexpr CodeForm kForms[] = {CodeForm::kChosen, CodeForm::kUnrolled, CodeForm::kNano, CodeForm::kLoop,
                               CodeForm::kDense};

Schedule random_schedule(Draw& draw, const VectorIsa& isa, const KernelSpec& spec, CodeForm form) {
  const uint32_t panel = std::gcd(spec.input_panel, spec.output_panel);
  const CodeForm tiled = form == CodeForm::kChosen ? CodeForm::kNano : form;
  uint32_t rows = 0, vectors = 0;
  do {
    rows = draw.between(1, tiled == CodeForm::kLoop ? kInputPointers : form == CodeForm::kUnrolled ? kMaxTileRows : 6);
    vectors = draw.between(1, 12);
  } while (registers_needed(isa, tiled, rows, vectors) > isa.registers);
  Schedule s;
  s.form = form;
  // Panels that end with half a vector are one tile, so rows may be too many for them.
  if (draw.one_in(2) && panel % isa.lanes == 0) s.tile_rows = rows;
  if (draw.one_in(2) && panel % (vectors * isa.lanes) == 0) s.tile_vectors = vectors;
  if (draw.one_in(3)) s.k_block = draw.between(1, spec.matrix.columns() + 3);
  if (draw.one_in(3)) s.chunk_nonzeros = draw.between(20, 600);
  if (draw.one_in(3)) s.pixel_block = draw.between(1, 320);
  if (draw.one_in(3)) s.prefetch = static_cast<int32_t>(draw.between(0, has_pointers(form) ? 2 : 1));
  if (draw.one_in(2)) s.cluster = static_cast<int32_t>(draw.between(0, 1));
  if (form == CodeForm::kUnrolled && draw.one_in(2)) s.tail = static_cast<int32_t>(draw.between(0, 1));
  return s;
}

}  // namespace

RandomCase random_case(const Target& target, uint64_t seed, const std::string& name, uint64_t most_work) {
  Draw draw(seed);
  RandomCase c;
  const CodeForm form = kForms[draw.between(0, std::size(kForms) - 1)];
  const uint32_t rows = draw.one_in(12) ? 1 : draw.up_to(kMostRows);
  const uint32_t columns = draw.one_in(12) ? 1 : draw.up_to(draw.one_in(10) ? kMostColumns : 600);
  const uint64_t elements = uint64_t{rows} * columns;
  c.spec.name = name;
  c.spec.matrix = with_random_values(draw, random_pattern(draw, rows, columns, most_work / 4), columns);
  const uint64_t products = (form == CodeForm::kDense ? elements : c.spec.matrix.nonzeros()) + rows + columns / 4;
  c.pixels = draw.up_to(std::clamp<uint64_t>(most_work / products, 1, kMostPixels));
  if (!draw.one_in(3)) c.spec.pixels = c.pixels;
  if (draw.one_in(2))
    for (uint32_t r = 0; r < rows; ++r) c.spec.bias.push_back(draw.weight());
  if (draw.one_in(2)) c.spec.clamp.low = draw.one_in(2) ? 0.0f : -0.25f;
  if (draw.one_in(3)) c.spec.clamp.high = draw.one_in(2) ? 6.0f : 0.5f;
  draw_layout(draw, c.pixels, c.spec.input_stride, c.spec.input_panel);
  draw_layout(draw, c.pixels, c.spec.output_stride, c.spec.output_panel);
  c.pixels = std::min(c.pixels, c.spec.max_pixels());
  c.schedule = random_schedule(draw, *target.vector, c.spec, form);
  return c;
}

std::string describe(const RandomCase& c) {
  const KernelSpec& s = c.spec;
  return fmt::format("{}: {} x {}, {} non-zeros, {} of {} pixels{}, strides {} and {}, panels {} and {}, {}", s.name,
                     s.matrix.rows(), s.matrix.columns(), s.matrix.nonzeros(), c.pixels, s.max_pixels(),
                     s.pixels ? "" : " at run time", s.input_stride, s.output_stride, s.input_panel, s.output_panel,
                     to_string(c.schedule));
}

std::vector<float> random_input(const RandomCase& c, uint64_t seed) {
  const KernelSpec& s = c.spec;
  Draw draw(seed);
  std::vector<float> x(espalier_buffer_elements(s.matrix.columns(), c.pixels, s.input_stride, s.input_panel), NAN);
  const uint32_t panel = s.input_panel, padded = panel ? (c.pixels + panel - 1) / panel * panel : c.pixels;
  for (uint32_t k = 0; k < s.matrix.columns(); ++k)
    for (uint32_t p = 0; p < padded; ++p) x[s.input_index(k, p)] = draw.weight();
  return x;
}

std::vector<float> untouched_output(const RandomCase& c) {
  const KernelSpec& s = c.spec;
  return std::vector<float>(espalier_buffer_elements(s.matrix.rows(), c.pixels, s.output_stride, s.output_panel),
                            kUntouched);
}

std::vector<float> interpreted_output(const RandomCase& c, const KernelProgram& program, const std::vector<float>& x) {
  std::vector<float> y = untouched_output(c);
  interpret(program, x, y, c.pixels);
  return y;
}

KernelProgram compiled(const RandomCase& c, const Target& target) {
  CompileOptions options;
  options.schedule = c.schedule;
  auto program = compile_kernel(c.spec, target, options);
  if (program) return *std::move(program);
  ADD_FAILURE() << describe(c) << ": " << program.error().message;
  return {};
}

void expect_same_bits(const RandomCase& c, const std::vector<float>& found, const std::vector<float>& wanted) {
  ASSERT_EQ(found.size(), wanted.size());
  for (size_t i = 0; i < found.size(); ++i)
    ASSERT_TRUE(std::bit_cast<uint32_t>(found[i]) == std::bit_cast<uint32_t>(wanted[i]) ||
                (std::isnan(found[i]) && std::isnan(wanted[i])))
        << describe(c) << ": element " << i << " is " << found[i] << ", expected " << wanted[i];
}

uint32_t case_count(uint32_t cases) {
  const char* percent = std::getenv("ESPALIER_AGREEMENT_PERCENT");
  return std::max(1u, static_cast<uint32_t>(cases * (percent ? std::atof(percent) : 100) / 100));
}

}  // namespace espalier::test
