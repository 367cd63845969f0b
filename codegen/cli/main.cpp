// espalier: the command line. Exit codes are documented in docs/cli.md.
#include <fmt/format.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <vector>

#include "codegen/cli/commands.h"
#include "codegen/cli/progress.h"
#include "codegen/version.h"

namespace {

using namespace espalier;
using namespace espalier::cli;

constexpr int kExitCheckFailed = 1, kExitUsage = 2;

int exit_code(const Error& error) {
  if (interrupted()) return kExitInterrupted;
  switch (error.kind) {
    case ErrorKind::kBadInput:
      return 3;
    case ErrorKind::kLimit:
      return 4;
    case ErrorKind::kUnsupported:
      return 5;
    case ErrorKind::kSystem:
      return 6;
    case ErrorKind::kInternal:
      return 70;
  }
  return 70;
}

struct Verb {
  const char* name;
  const char* summary;
  const char* examples;
  Command (*add)(CLI::App&);
};
constexpr Verb kVerbs[] = {
    {"compile", "Compile matrices to objects, WebAssembly, C sources or listings",
     "Examples:\n"
     "  espalier compile model.tflite -o out --target aarch64-linux\n"
     "  espalier compile layer.npz -o out --target c99 --pixels 196 --clamp relu",
     add_compile_command},
    {"run", "Compile for this machine, run on seeded inputs and check every output against the reference",
     "Examples:\n"
     "  espalier run model.tflite\n"
     "  espalier run weights.mtx --pixels 784 --schedule unrolled:rows=2,vectors=6",
     add_run_command},
    {"bench", "Measure kernels on this core against its own bounds",
     "Examples:\n"
     "  espalier bench model.tflite --select 3\n"
     "  espalier bench weights.npz --pixels 196 --input-stride auto --output-stride auto",
     add_bench_command},
    {"explain", "Say which form every kernel takes, why, what binds it and what the next best would cost",
     "Examples:\n"
     "  espalier explain model.tflite --cpu cortex-a76 --target aarch64-linux\n"
     "  espalier explain weights.npz --pixels 196 --input-panel auto --output-panel auto --measure",
     add_explain_command},
    {"inspect", "List the weights of a file, or a network's layers",
     "Examples:\n"
     "  espalier inspect layer.npz\n"
     "  espalier inspect model.tflite --network",
     add_inspect_command},
    {"targets", "List targets, CPUs and vector instruction sets",
     "Examples:\n"
     "  espalier targets\n"
     "  espalier targets --target aarch64-linux",
     add_targets_command},
    {"zoo", "Write a well-known network, with seeded weights or the published ones",
     "Examples:\n"
     "  espalier zoo mobilenet_v1 --sparsity 0.9 -o mobilenet_v1.tflite\n"
     "  espalier zoo mobilenet_v2 --width 1.4 --sparsity 0.85 --block 2",
     add_zoo_command},
};

/// Compiling many kernels frees and takes the same large blocks again and again; returning them to the system in
/// between costs a third of the time in page faults (docs/performance.md).
void keep_memory() {
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
}

/// CLI11 only misses a verb where it finds another word; this names the word.
bool begins_with_unknown_verb(int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return false;
  return std::none_of(std::begin(kVerbs), std::end(kVerbs),
                      [&](const Verb& v) { return v.name == std::string(argv[1]); });
}

int refuse_verb(const char* word) {
  std::string names;
  for (const Verb& verb : kVerbs) names += fmt::format("{}{}", names.empty() ? "" : ", ", verb.name);
  fmt::print(stderr, "espalier: unknown verb '{}', known verbs are {}\n", word, names);
  return kExitUsage;
}

/// CLI11 wants a verb before any option; without one it says so.
int run(int argc, char** argv) {
  if (begins_with_unknown_verb(argc, argv)) return refuse_verb(argv[1]);
  CLI::App app("Compiles pruned weight matrices to code made for exactly them", "espalier");
  app.set_version_flag("--version", fmt::format("espalier {}", kVersion));
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 done, 1 a check failed, 2 usage, 3 bad input, 4 limit, 5 unsupported, 6 system, 70 our bug, "
      "130 interrupted");
  std::vector<std::pair<CLI::App*, Command>> verbs;
  for (const Verb& verb : kVerbs) {
    CLI::App* sub = app.add_subcommand(verb.name, verb.summary);
    sub->footer(verb.examples);
    verbs.emplace_back(sub, verb.add(*sub));
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : kExitUsage;
  }
  for (const auto& [sub, command] : verbs) {
    if (!sub->parsed()) continue;
    const Result<Outcome> outcome = command();
    if (outcome) return *outcome == Outcome::kDone ? 0 : kExitCheckFailed;
    fmt::print(stderr, "espalier: {}\n", interrupted() ? "interrupted" : outcome.error().message);
    return exit_code(outcome.error());
  }
  return kExitUsage;
}

}  // namespace

int main(int argc, char** argv) {
  keep_memory();
  catch_interrupts();
  return run(argc, argv);
}
