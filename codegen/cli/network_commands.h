// What `compile` and `run` do with whole networks.
#pragma once

#include <string>

#include "codegen/cli/arguments.h"
#include "codegen/cli/commands.h"
#include "codegen/cli/network_input.h"

namespace espalier::cli {

struct NetworkRunArguments {
  NetworkInputArguments input;
  std::string output_directory;
  bool compare = false, profile = false;
  uint32_t threads = 1, repeat = 0;

  void add_to(CLI::App& app);
};

/// Compiles the network in `file` for this machine, runs it, and prints its outputs' ranges, how long it took, and what
/// the arguments ask for. kCheckFailed where --compare finds a difference above 1e-3 of an output's range.
Result<Outcome> run_network_file(const std::string& file, uint64_t seed, const TargetArguments& target,
                                 const NetworkRunArguments& arguments);

struct NetworkCompileArguments {
  std::string file, output, emit, name;
  bool weights_in_side_file = false;
};
/// Compiles the network and writes the files.
Result<Outcome> compile_network_file(const NetworkCompileArguments& arguments, const TargetArguments& target);

/// Reads, simplifies. Errors name the file.
Result<Network> read_simplified(const std::string& file);

/// A C identifier out of the file's name.
std::string network_identifier(const std::string& file);

}  // namespace espalier::cli
