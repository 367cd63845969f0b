// Random kernels under random schedules on every vector ISA, through the interpreter.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>

#include "codegen/compile_kernel.h"
#include "codegen/kernel_plan.h"
#include "espalier/kernel_abi.h"
#include "ir/reference_spmm.h"
#include "test/support/structured_matrix.h"

namespace espalier {
namespace {

constexpr std::string_view kTargets[][2] = {
    {"x86_64-linux", "avx2"}, {"x86_64-linux", "avx512"}, {"aarch64-linux", "neon"},
    {"wasm32", "simd128"},    {"wasm32", "relaxed"},      {"c99", "portable"},
};
/// Interpreted multiply-adds of one run, so that the whole test takes seconds.
constexpr uint64_t kMaxWork = 150'000;
constexpr int kRounds = 60;
constexpr float kUntouched = -77.0f;

class Random {
 public:
  explicit Random(uint64_t seed) : random_(seed) {}
  uint32_t between(uint32_t low, uint32_t high) {
    return low + static_cast<uint32_t>(random_.next() % (high - low + 1));
  }
  bool one_in(uint32_t n) { return between(1, n) == 1; }
  uint64_t seed() { return random_.next(); }
  double unit() { return random_.unit(); }
  float weight() { return random_.weight(); }

 private:
  SeededRandom random_;
};

/// Densities 0 and 1 come up, and whole rows and columns are empty.
SparseMatrix random_matrix(Random& random, uint32_t rows, uint32_t columns) {
  if (random.one_in(3)) return test::rows_of_all_kinds(rows, columns, random.seed());
  const double sparsity = random.one_in(8) ? 1 : random.one_in(6) ? 0 : random.unit();
  const SparseMatrix full = random_sparse_matrix(rows, columns, sparsity, random.seed());
  std::vector<bool> empty_row(rows), empty_column(columns);
  for (uint32_t r = 0; r < rows; ++r) empty_row[r] = random.one_in(9);
  for (uint32_t c = 0; c < columns; ++c) empty_column[c] = random.one_in(9);
  std::vector<float> dense(size_t{rows} * columns);
  for (uint32_t r = 0; r < rows; ++r)
    for (size_t i = 0; i < full.row_columns(r).size(); ++i)
      if (const uint32_t c = full.row_columns(r)[i]; !empty_row[r] && !empty_column[c])
        dense[size_t{r} * columns + c] = full.row_values(r)[i];
  return *SparseMatrix::from_dense(rows, columns, dense);
}

KernelSpec random_spec(Random& random) {
  KernelSpec spec;
  spec.name = "kernel";
  const bool small = random.one_in(3);
  const uint32_t rows = random.between(1, small ? 12 : 200), columns = random.between(1, small ? 30 : 600);
  spec.matrix = random_matrix(random, rows, columns);
  if (random.one_in(2))
    for (uint32_t r = 0; r < rows; ++r) spec.bias.push_back(random.weight());
  if (random.one_in(2)) spec.clamp.low = random.one_in(2) ? 0.0f : -0.25f;
  if (random.one_in(3)) spec.clamp.high = random.one_in(2) ? 6.0f : 0.5f;
  const uint64_t affordable = std::clamp<uint64_t>(kMaxWork / (spec.matrix.nonzeros() + 1), 1, 300);
  const uint32_t pixels = random.between(1, static_cast<uint32_t>(affordable));
  if (!random.one_in(3)) spec.pixels = pixels;
  spec.input_stride = pixels + (random.one_in(3) ? 0 : random.between(0, 21));
  spec.output_stride = pixels + (random.one_in(3) ? 0 : random.between(0, 21));
  // Widths that vectors of all targets divide.
  if (random.one_in(3)) spec.input_panel = spec.input_stride = 16 * random.between(1, 4);
  if (random.one_in(3)) spec.output_panel = spec.output_stride = 16 * random.between(1, 4);
  if (random.one_in(3)) spec.output_order = OutputOrder::kClustered;
  return spec;
}

/// Tiles of at most four rows and one vector fit every target.
SchedulePart random_part(Random& random, CodeForm form) {
  SchedulePart part;
  part.form = form;
  if (form == CodeForm::kDense && random.one_in(2)) part.least = random.between(1, 100);
  if (random.one_in(2)) part.tile_rows = random.between(1, 4);
  if (random.one_in(3)) part.tile_vectors = 1;
  if (random.one_in(3)) part.k_block = random.between(1, 300);
  if (random.one_in(3)) part.chunk_nonzeros = random.between(1, 600);
  return part;
}

/// A schedule that `isa` has the registers for; each choice may be left open.
Schedule random_schedule(Random& random, const VectorIsa& isa, const KernelSpec& spec) {
  const uint32_t columns = spec.matrix.columns(), panel = std::gcd(spec.input_panel, spec.output_panel);
  Schedule s;
  constexpr CodeForm kForms[] = {CodeForm::kChosen, CodeForm::kUnrolled, CodeForm::kUnrolled,
                                 CodeForm::kNano,   CodeForm::kLoop,     CodeForm::kDense};
  s.form = kForms[random.between(0, 5)];
  const CodeForm form = s.form == CodeForm::kChosen ? CodeForm::kNano : s.form;
  uint32_t rows = 0, vectors = 0;
  do {
    rows = random.between(1, form == CodeForm::kLoop         ? kInputPointers
                             : s.form == CodeForm::kUnrolled ? kMaxTileRows
                                                             : 6);
    vectors = random.between(1, 12);
  } while (registers_needed(isa, form, rows, vectors) > isa.registers);
  if (!random.one_in(3)) s.tile_rows = rows;
  if (!random.one_in(3) && panel % (vectors * isa.lanes) == 0) s.tile_vectors = vectors;
  if (random.one_in(2)) s.k_block = random.between(1, columns + 3);
  if (random.one_in(2)) s.chunk_nonzeros = random.between(1, 600);
  if (random.one_in(2)) s.pixel_block = random.between(1, 320);
  if (random.one_in(2)) s.prefetch = static_cast<int32_t>(random.between(0, 1));
  if (random.one_in(2)) s.cluster = static_cast<int32_t>(random.between(0, 1));
  if (s.form == CodeForm::kUnrolled && random.one_in(2)) s.tail = static_cast<int32_t>(random.between(0, 1));
  if (random.one_in(3)) s.parts.push_back(random_part(random, CodeForm::kDense));
  if (random.one_in(4)) s.parts.push_back(random_part(random, CodeForm::kNano));
  return s;
}

/// As much as a call may touch and no more; what lies between the rows' pixels is NaN, which would spread if read.
std::vector<float> random_input(Random& random, const KernelSpec& spec, uint32_t pixels) {
  const uint32_t panel = spec.input_panel;
  std::vector<float> x(espalier_buffer_elements(spec.matrix.columns(), pixels, spec.input_stride, panel), NAN);
  const uint32_t padded = panel ? (pixels + panel - 1) / panel * panel : pixels;
  for (uint32_t k = 0; k < spec.matrix.columns(); ++k)
    for (uint32_t p = 0; p < padded; ++p) x[spec.input_index(k, p)] = random.weight();
  return x;
}

std::vector<float> output_of(const KernelProgram& program, const std::vector<float>& x, uint32_t pixels) {
  std::vector<float> y(
      espalier_buffer_elements(program.output_channels, pixels, program.output_stride, program.output_panel),
      kUntouched);
  interpret(program, x, y, pixels);
  return y;
}

void expect_untouched_between_rows(const KernelSpec& spec, const std::vector<float>& y, uint32_t pixels) {
  if (spec.output_panel) return;
  for (uint32_t r = 0; r + 1 < spec.matrix.rows(); ++r)
    for (uint32_t p = pixels; p < spec.output_stride; ++p)
      ASSERT_EQ(y[size_t{r} * spec.output_stride + p], kUntouched) << "row " << r << ", pixel " << p;
}

Result<KernelProgram> compiled(const KernelSpec& spec, const Target& target, const Schedule& schedule) {
  CompileOptions options;
  options.schedule = schedule;
  return compile_kernel(spec, target, options);
}

/// All choices made, and making them again changes nothing.
void expect_resolved(const KernelSpec& spec, const KernelProgram& program) {
  const Schedule& s = program.schedule;
  EXPECT_TRUE(s.tile_rows && s.tile_vectors && s.k_block && s.chunk_nonzeros && s.pixel_block) << to_string(s);
  EXPECT_NE(s.prefetch, -1);
  EXPECT_EQ(*parse_schedule(to_string(s)), s);
  for (const SchedulePart& part : s.parts)
    EXPECT_TRUE(part.tile_rows && part.tile_vectors && part.k_block && part.chunk_nonzeros) << to_string(s);
  const auto again = compiled(spec, program.target, s);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(*again == program) << "schedule " << to_string(s) << " is not what was compiled";
}

/// One specification and pixel count: the answers so far, by arithmetic. Forms that add in ascending order agree.
struct Answers {
  const KernelSpec& spec;
  const std::vector<float>& x;
  uint32_t pixels;
  std::map<Arithmetic, std::vector<float>> first;

  void expect_one_more(const KernelProgram& program) {
    std::vector<float> y = output_of(program, x, pixels);
    ASSERT_LE(error_in_bounds(spec, x, y, pixels, program.output_order), 1);
    if (!sums_in_order(program.schedule)) return;
    y = in_natural_order(program, y);
    forget_padding(y);
    const auto [known, is_first] = first.try_emplace(program.target.vector->arithmetic, y);
    if (!is_first) {
      ASSERT_EQ(std::memcmp(y.data(), known->second.data(), y.size() * sizeof(float)), 0) << "other bits";
      return;
    }
    expect_untouched_between_rows(spec, y, pixels);
  }

 private:
  std::vector<float> in_natural_order(const KernelProgram& program, const std::vector<float>& y) const {
    std::vector<float> natural = y;
    for (uint32_t row = 0; row < program.output_order.size(); ++row)
      for (uint32_t p = 0; p < pixels; ++p)
        natural[spec.output_index(program.output_order[row], p)] = y[spec.output_index(row, p)];
    return natural;
  }
  /// What a kernel leaves in the padding of the last panel is its own affair.
  void forget_padding(std::vector<float>& y) const {
    if (spec.output_panel == 0) return;
    const uint32_t padded = (pixels + spec.output_panel - 1) / spec.output_panel * spec.output_panel;
    for (uint32_t r = 0; r < spec.matrix.rows(); ++r)
      for (uint32_t p = pixels; p < padded; ++p) y[spec.output_index(r, p)] = kUntouched;
  }
};

void check_round(Random& random) {
  const KernelSpec spec = random_spec(random);
  const uint32_t pixels = spec.pixels ? *spec.pixels : random.between(1, std::min(spec.max_pixels(), 300u));
  const std::vector<float> x = random_input(random, spec, pixels);
  Answers answers{spec, x, pixels, {}};
  for (const auto& [name, cpu] : kTargets) {
    const Target target = *find_target(name, cpu);
    for (const bool chosen : {true, false}) {
      const Schedule schedule = chosen ? Schedule{} : random_schedule(random, *target.vector, spec);
      SCOPED_TRACE(fmt::format("{} x {}, {} non-zeros, {} of {} pixels, {}, {}", spec.matrix.rows(),
                               spec.matrix.columns(), spec.matrix.nonzeros(), pixels, spec.max_pixels(), cpu,
                               to_string(schedule)));
      const auto program = compiled(spec, target, schedule);
      ASSERT_TRUE(program) << program.error().message;
      ASSERT_EQ(program->nonzeros, spec.matrix.nonzeros());
      expect_resolved(spec, *program);
      answers.expect_one_more(*program);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(CompileKernelProperty, SchedulesAndVectorIsasOfOneArithmeticGiveTheSameBitsInTheErrorBound) {
  Random random(20);
  for (int round = 0; round < kRounds && !HasFailure(); ++round) {
    SCOPED_TRACE(fmt::format("round {}", round));
    check_round(random);
  }
}

TEST(CompileKernelProperty, EveryPixelCountUpToTheStrideIsRightWhenLeftToRunTime) {
  Random random(21);
  KernelSpec spec = random_spec(random);
  spec.matrix = random_sparse_matrix(7, 13, 0.4, 3);
  spec.bias.clear();
  spec.pixels.reset();
  spec.input_panel = spec.output_panel = 0;
  spec.input_stride = 150;
  spec.output_stride = 131;
  for (uint32_t pixels = 1; pixels <= spec.max_pixels(); ++pixels) {
    const std::vector<float> x = random_input(random, spec, pixels);
    Answers answers{spec, x, pixels, {}};
    for (const auto& [name, cpu] : kTargets) {
      SCOPED_TRACE(fmt::format("{} pixels on {}", pixels, cpu));
      const Target target = *find_target(name, cpu);
      const auto program = compiled(spec, target, random_schedule(random, *target.vector, spec));
      ASSERT_TRUE(program) << program.error().message;
      answers.expect_one_more(*program);
      ASSERT_FALSE(HasFailure());
    }
  }
}

std::vector<Schedule> tiles_that_fit(const VectorIsa& isa) {
  std::vector<Schedule> found;
  constexpr CodeForm form = CodeForm::kUnrolled;
  for (uint32_t rows = 1; rows <= kMaxTileRows; ++rows)
    for (uint32_t vectors = 1; registers_needed(isa, form, rows, vectors) <= isa.registers; ++vectors) {
      found.push_back({});
      found.back().form = form;
      found.back().tile_rows = rows;
      found.back().tile_vectors = vectors;
    }
  return found;
}

/// 61 and 63 pixels: what is left over takes one and two vectors of fewer lanes on targets of 4 and of 8 lanes.
TEST(CompileKernelProperty, EveryRegisterTileThatFitsCompilesAndIsRight) {
  Random random(22);
  for (const uint32_t pixels : {61u, 63u}) {
    KernelSpec spec;
    spec.name = "kernel";
    spec.matrix = random_sparse_matrix(34, 20, 0.6, 8);
    spec.bias.assign(34, 0.25f);
    spec.clamp = {0, 6};
    spec.pixels = spec.input_stride = spec.output_stride = pixels;
    const std::vector<float> x = random_input(random, spec, pixels);
    Answers answers{spec, x, pixels, {}};
    for (const auto& [name, cpu] : kTargets) {
      const Target target = *find_target(name, cpu);
      for (const Schedule& schedule : tiles_that_fit(*target.vector)) {
        SCOPED_TRACE(fmt::format("{} pixels on {}, {}", pixels, cpu, to_string(schedule)));
        const auto program = compiled(spec, target, schedule);
        ASSERT_TRUE(program) << program.error().message;
        answers.expect_one_more(*program);
        ASSERT_FALSE(HasFatalFailure());
      }
    }
  }
}

struct Impossible {
  std::string_view target, cpu;
  std::string_view schedule, message;
};
const Impossible kImpossible[] = {
    {"aarch64-linux", "neon", "rows=8,vectors=8", "rows=8, vectors=8 needs 73 vector registers, but neon has 32"},
    {"aarch64-linux", "neon", "rows=8,vectors=4", "rows=8, vectors=4 needs 37 vector registers, but neon has 32"},
    {"aarch64-linux", "neon", "rows=32", "rows=32, vectors=1 needs 34 vector registers, but neon has 32"},
    {"aarch64-linux", "neon", "vectors=16", "rows=1, vectors=16 needs 33 vector registers, but neon has 32"},
    {"x86_64-linux", "avx2", "rows=3,vectors=5", "rows=3, vectors=5 needs 17 vector registers, but avx2 has 16"},
    {"x86_64-linux", "avx2", "rows=14,vectors=1", "rows=14, vectors=1 needs 17 vector registers, but avx2 has 16"},
    {"x86_64-linux", "avx2", "vectors=15", "rows=1, vectors=15 needs 17 vector registers, but avx2 has 16"},
    {"x86_64-linux", "avx512", "rows=31,vectors=1", "rows=31, vectors=1 needs 33 vector registers, but avx512 has 32"},
    {"wasm32", "simd128", "rows=8,vectors=7", "rows=8, vectors=7 needs 65 vector registers, but simd128 has 64"},
    {"wasm32", "relaxed", "rows=16,vectors=4", "rows=16, vectors=4 needs 70 vector registers, but relaxed has 64"},
    {"c99", "portable", "rows=1,vectors=16", "rows=1, vectors=16 needs 34 vector registers, but portable has 32"},
    {"x86_64-linux", "avx512", "rows=33", "rows=33, but the limit is 32"},
    {"wasm32", "simd128", "rows=33,vectors=1", "rows=33, but the limit is 32"},
    {"aarch64-linux", "neon", "rows=2147483647,vectors=2147483647", "rows=2147483647, but the limit is 32"},
    {"x86_64-linux", "avx2", "rows=1,vectors=2147483647",
     "rows=1, vectors=2147483647 needs 2147483649 vector registers, but avx2 has 16"},
    {"x86_64-linux", "avx2", "rows=8,vectors=536870912",
     "rows=8, vectors=536870912 needs 4294967298 vector registers, but avx2 has 16"},
    {"aarch64-linux", "neon", "vectors=2147483647",
     "rows=1, vectors=2147483647 needs 4294967295 vector registers, but neon has 32"},
};

KernelSpec small_spec() {
  KernelSpec spec;
  spec.name = "small";
  spec.matrix = random_sparse_matrix(9, 11, 0.5, 1);
  spec.pixels = spec.input_stride = spec.output_stride = 21;
  return spec;
}

TEST(CompileKernelProperty, ImpossibleSchedulesGiveTheirMessage) {
  for (const Impossible& c : kImpossible) {
    SCOPED_TRACE(fmt::format("{} {}", c.cpu, c.schedule));
    const auto program =
        compiled(small_spec(), *find_target(c.target, c.cpu), *parse_schedule(fmt::format("unrolled:{}", c.schedule)));
    ASSERT_FALSE(program);
    EXPECT_EQ(program.error().kind, ErrorKind::kBadInput);
    const std::string with = c.message.find("needs") == std::string_view::npos ? "has" : "with";
    EXPECT_EQ(program.error().message, fmt::format("kernel small: schedule {} {}", with, c.message));
  }
}

TEST(CompileKernelProperty, HugeBlocksMeanTheWholeMatrixAndAllPixels) {
  const KernelSpec spec = small_spec();
  Random random(23);
  const std::vector<float> x = random_input(random, spec, 21);
  Answers answers{spec, x, 21, {}};
  for (const auto& [name, cpu] : kTargets)
    for (const char* schedule : {"k=2147483647", "chunk=2147483647", "pixels=2147483647", "k=1,chunk=1,pixels=1"}) {
      SCOPED_TRACE(fmt::format("{} {}", cpu, schedule));
      const auto program =
          compiled(spec, *find_target(name, cpu), *parse_schedule(fmt::format("unrolled:{}", schedule)));
      ASSERT_TRUE(program) << program.error().message;
      answers.expect_one_more(*program);
    }
}

}  // namespace
}  // namespace espalier
