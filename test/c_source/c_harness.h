// Compiles emitted C and runs it, natively, under qemu or in Node.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/output_file.h"
#include "gtest/gtest.h"
#include "ir/kernel_program.h"
#include "test/support/temporary_folder.h"

namespace espalier::test {

/// Warnings under which emitted C has to be clean.
inline constexpr std::string_view kStrict = "-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Werror";

enum class Machine {
  kNative,
  kEmulatedAvx512,  ///< native, with the intrinsics written out in C (emulated_avx512/immintrin.h)
  kAArch64,
  kWasm,
};

/// One way to make a program of emitted C.
struct Toolchain {
  std::string_view name;      ///< for test names
  std::string_view compiler;  ///< path; empty if this machine has none
  std::string_view flags;     ///< besides kStrict
  Machine machine;
};

/// A dialect of emitted C, by the target it is written for, and who compiles it.
struct DialectCase {
  Toolchain toolchain;
  std::string_view target, cpu;
};

/// Every dialect with every compiler that has to take it, and how a test of one is called.
std::span<const DialectCase> dialect_cases();
std::string dialect_case_name(const testing::TestParamInfo<DialectCase>& info);

void write_files(const std::vector<OutputFile>& files, const TemporaryFolder& folder);

/// Why a toolchain's programs cannot be compiled, or run, on this machine; empty if they can.
std::string why_not_compiled(const Toolchain& toolchain);
std::string why_not_run(const Toolchain& toolchain, const Target& target);

/// Writes the files (and kernel_abi.h) to `folder` and compiles each .c and .S to an object; the compiler's words if
/// that failed, else empty.
std::string compile(const Toolchain& toolchain, const std::vector<OutputFile>& files, const TemporaryFolder& folder);

/// Links what `compile` left in `folder` with a caller; the words of whatever failed, else empty.
std::string link(const Toolchain& toolchain, const KernelProgram& program, const TemporaryFolder& folder);

/// Runs what `link` made over `pixels` pixels and puts its output into y (as large as given, with its contents as the
/// output's initial ones); the words of whatever failed, else empty.
std::string run(const Toolchain& toolchain, const TemporaryFolder& folder, const std::vector<float>& x,
                std::vector<float>& y, uint32_t pixels);

}  // namespace espalier::test
