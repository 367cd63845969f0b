// A kernel for tests that look at its program.
#pragma once

#include <gtest/gtest.h>

#include <string_view>

#include "codegen/compile_kernel.h"

namespace espalier::test {

/// The program; an empty one, and a failure, if the compiler refuses.
inline KernelProgram compiled(const KernelSpec& spec, const Target& target, std::string_view schedule) {
  CompileOptions options;
  options.schedule = *parse_schedule(schedule);
  auto program = compile_kernel(spec, target, options);
  EXPECT_TRUE(program) << program.error().message;
  return program ? *std::move(program) : KernelProgram{};
}

}  // namespace espalier::test
