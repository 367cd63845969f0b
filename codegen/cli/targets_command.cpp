#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "codegen/cli/commands.h"
#include "ir/target.h"

namespace espalier::cli {
namespace {

Result<Outcome> list(const std::string& name) {
  std::string_view wanted;
  if (!name.empty()) {
    const auto target = find_target(name);
    if (!target) return target.error();
    wanted = target->name;
  }
  fmt::print("{:<14} {:<15} {:<10} {:>7} {:>7} {:>7}\n", "target", "cpu", "vectors", "L1I", "L1D", "L2");
  for (const TargetEntry& entry : known_targets()) {
    if (!wanted.empty() && entry.target != wanted) continue;
    const auto target = find_target(entry.target, entry.cpu);
    if (!target) return target.error();
    fmt::print("{:<14} {:<15} {:<10} {:>4} KB {:>4} KB {:>4} KB\n", entry.target, entry.cpu, entry.vector_isa,
               target->cpu->l1i / 1024, target->cpu->l1d / 1024, target->cpu->l2 / 1024);
  }
  const auto host = find_target("host");
  if (!host) return host.error();
  fmt::print("host is {} {}\n", host->name, host->cpu->name);
  return Outcome::kDone;
}

}  // namespace

Command add_targets_command(CLI::App& app) {
  auto name = std::make_shared<std::string>();
  app.add_option("--target", *name, "only this one");
  return [name] { return list(*name); };
}

}  // namespace espalier::cli
