// The verbs of the command line. Each adds its options to a subcommand and returns what to do when it is chosen.
#pragma once

#include <CLI/App.hpp>
#include <functional>

#include "ir/error.h"

namespace espalier::cli {

/// Outcome of a verb that ran: the work succeeded, or a check that it made did not.
enum class Outcome { kDone, kCheckFailed };
using Command = std::function<Result<Outcome>()>;

Command add_compile_command(CLI::App& app);
Command add_run_command(CLI::App& app);
Command add_bench_command(CLI::App& app);
Command add_explain_command(CLI::App& app);
Command add_inspect_command(CLI::App& app);
Command add_targets_command(CLI::App& app);
Command add_zoo_command(CLI::App& app);

}  // namespace espalier::cli
