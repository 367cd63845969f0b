// Random valid loop programs with inputs to run them on.
#pragma once

#include <string>
#include <vector>

#include "ir/loop/loop_program.h"

namespace espalier::test {

/// A program, what it is run on and (y) what stands in its output before.
struct LoopCase {
  LoopProgram program;
  std::vector<float> x0, x1, weights, y;  ///< x0 is empty where the program is in place: y is the input then
};

/// All operations, loops inside one another (also empty ones), partial vectors, tables, negative coefficients, scratch,
/// some in place. Values stay finite, so that results are the same bits everywhere (but for the sign of a zero).
LoopCase random_loop_case(const Target& target, uint64_t seed, std::string name);

/// The output of the interpreter over all items.
std::vector<float> interpreted_output(const LoopCase& c);

/// Fails the test where bits differ; zeros of either sign are equal.
void expect_same_values(const LoopCase& c, const std::vector<float>& found, const std::vector<float>& wanted);
bool same_values(const std::vector<float>& found, const std::vector<float>& wanted);

/// The same program with every product rounded on its own: the other choice that relaxed SIMD has.
LoopCase rounding_twice(LoopCase c);

}  // namespace espalier::test
