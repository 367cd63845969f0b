// Runs loop functions outside this process: compiled with a C driver, or in Node.
#pragma once

#include <string>
#include <vector>

#include "test/loops/random_loop_program.h"
#include "test/support/temporary_folder.h"

namespace espalier::test {

/// `count` cases of names loops_0, ...
std::vector<LoopCase> random_loop_cases(const Target& target, uint64_t first_seed, uint32_t count);
std::vector<LoopProgram> programs_of(const std::vector<LoopCase>& cases);

/// Writes what driver.c reads: loop_cases.h and inputs.bin. The functions are declared there, or with `include` that
/// file defines them.
void write_driver_files(const std::vector<LoopCase>& cases, const std::string& include, const TemporaryFolder& folder);

/// Compiles driver.c with `compile` (a compiler and its flags; also objects) in the folder and runs it behind
/// `emulator`; the words of whatever failed, else empty. Outputs go to `outputs`, one per case.
std::string run_driver(const std::string& compile, const std::string& emulator, const std::vector<LoopCase>& cases,
                       const TemporaryFolder& folder, std::vector<std::vector<float>>& outputs);

/// The same for a module under Node (a command).
std::string run_loops_in_node(const std::string& node, const std::string& module, const std::vector<LoopCase>& cases,
                              std::vector<std::vector<float>>& outputs);

/// Every output is the interpreter's. How relaxed SIMD rounds is the engine's choice, the same throughout a call.
void expect_interpreted(const std::vector<LoopCase>& cases, const std::vector<std::vector<float>>& outputs);

}  // namespace espalier::test
