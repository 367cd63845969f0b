// Random kernels for every form, layout and target: what the agreement tests compile, run and compare.
#pragma once

#include <string>
#include <vector>

#include "ir/kernel_program.h"
#include "ir/kernel_spec.h"
#include "ir/schedule.h"

namespace espalier::test {

/// A kernel to compile, and a call of it.
struct RandomCase {
  KernelSpec spec;
  Schedule schedule;
  uint32_t pixels = 0;
};

/// The case that `seed` gives for `target`, named `name`: 1 to 300 rows (also a single one), 1 to 5,000 columns (also a
/// single one), 1 to 4,096 pixels, fixed or left to run time; empty rows, full rows, rows with the pattern of an
/// earlier one, empty columns; images with any stride and panels on either side; with and without bias and clamp; each
/// form, its choices left open or fixed. Small ones are frequent; `most_work` bounds the multiply-adds of a call.
RandomCase random_case(const Target& target, uint64_t seed, const std::string& name, uint64_t most_work = 60'000);

/// What to look for when a case fails.
std::string describe(const RandomCase& c);

/// X and Y as a call sees them: what it may not read is NaN, what it may not write is recognised afterwards.
std::vector<float> random_input(const RandomCase& c, uint64_t seed);
std::vector<float> untouched_output(const RandomCase& c);
std::vector<float> interpreted_output(const RandomCase& c, const KernelProgram& program, const std::vector<float>& x);

/// Compiles; what fails is reported to GoogleTest.
KernelProgram compiled(const RandomCase& c, const Target& target);

/// Expects the same bits in all of Y; NaN agrees with NaN.
void expect_same_bits(const RandomCase& c, const std::vector<float>& found, const std::vector<float>& wanted);

/// Cases of one test: ESPALIER_AGREEMENT_PERCENT of `cases` (100 if not set), at least one.
uint32_t case_count(uint32_t cases);

}  // namespace espalier::test
