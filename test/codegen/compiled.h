// Kernels for tests that look at their programs.
#pragma once

#include <gtest/gtest.h>

#include <string_view>

#include "codegen/compile_kernel.h"

namespace espalier::test {

/// A kernel without bias or clamp, between panels or, where `panel` is 0, images with recommended strides.
inline KernelSpec spec_of(SparseMatrix matrix, uint32_t pixels, uint32_t panel) {
  KernelSpec spec;
  spec.name = "kernel";
  spec.matrix = std::move(matrix);
  spec.pixels = pixels;
  spec.input_panel = spec.output_panel = panel;
  spec.input_stride = spec.output_stride = panel ? panel : recommended_stride(pixels);
  return spec;
}

/// The program; an empty one, and a failure, if the compiler refuses.
inline KernelProgram compiled(const KernelSpec& spec, const Target& target, std::string_view schedule) {
  CompileOptions options;
  options.schedule = *parse_schedule(schedule);
  auto program = compile_kernel(spec, target, options);
  EXPECT_TRUE(program) << program.error().message;
  return program ? *std::move(program) : KernelProgram{};
}

}  // namespace espalier::test
