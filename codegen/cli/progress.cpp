#include "codegen/cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <memory>

namespace espalier::cli {
namespace {

volatile std::sig_atomic_t interrupts = 0;

void on_interrupt(int signal) {
  interrupts = interrupts + 1;
  std::signal(signal, SIG_DFL);
}

}  // namespace

void catch_interrupts() {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
}

bool interrupted() { return interrupts != 0; }

std::function<bool(const CompiledKernel&)> progress_reporter(size_t kernels) {
  const bool terminal = isatty(STDERR_FILENO) != 0;
  return [=, done = std::make_shared<size_t>(0)](const CompiledKernel& kernel) {
    const size_t count = ++*done;
    const KernelProgram& p = *kernel.program;
    const std::string line = fmt::format("[{}/{}] {} {}x{} in {:.1f} ms", count, kernels, p.name, p.output_channels,
                                         p.input_channels, kernel.compile_seconds * 1e3);
    if (terminal)
      fmt::print(stderr, "\r\033[K{}{}", line, count == kernels ? "\n" : "");
    else
      fmt::print(stderr, "{}\n", line);
    std::fflush(stderr);
    return !interrupted();
  };
}

}  // namespace espalier::cli
