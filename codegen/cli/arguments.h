// What the verbs' options say, and what follows from it.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "codegen/library/compile_library.h"
#include "codegen/network/network_plan.h"
#include "ir/import/matrix_file.h"

namespace espalier::cli {

/// Which matrices, and what to compute with them.
struct InputArguments {
  std::string file, select, orientation, pixels, clamp;
  std::string input_stride, output_stride, input_panel, output_panel, output_order;
  uint64_t seed = 1;
  bool no_bias = false;
  bool kernels = false;  ///< of a network: its matrices on their own

  void add_to(CLI::App& app);
  /// Whether the file is a whole network and is to be taken as one.
  bool is_network() const;
};

/// For which machine, and how.
struct TargetArguments {
  std::string target = "host", cpu, schedule, dump_directory, optimize, tune_cache;
  uint64_t max_code_bytes = 0;
  uint32_t jobs = 0;
  bool tune = false;
  StripPolicy strips = StripPolicy::kWhereItPays;

  void add_to(CLI::App& app, bool with_target = true);
  /// What only whole networks have.
  void add_network_options(CLI::App& app);
  Result<Target> resolve() const { return find_target(target, cpu); }
  /// Options for compile_library, with progress on standard error; schedules are tuned here where that is asked for.
  /// Errors: those of parse_schedule and tuned_schedule; kBadInput for options that do not go together.
  Result<LibraryOptions> library_options(const std::vector<LibraryKernel>& kernels, const Target& target) const;

 private:
  Status tune_schedules(const std::vector<LibraryKernel>& kernels, const Target& target, LibraryOptions& options) const;
};

/// Reads the file and makes one kernel per matrix: names become C identifiers; pixels come from the file unless given;
/// panels of automatic width are chosen for the target.
/// Errors: those of the readers; kBadInput for values that do not fit together.
Result<std::vector<LibraryKernel>> make_kernels(const InputArguments& arguments, const Target& target);

/// "sha256:..." of a file's bytes. Errors: kSystem.
Result<std::string> hash_file(const std::string& path);

}  // namespace espalier::cli
