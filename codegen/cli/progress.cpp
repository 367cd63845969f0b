#include "codegen/cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string_view>

namespace espalier::cli {
namespace {

static_assert(std::atomic<int>::is_always_lock_free);
std::atomic<int> interrupts{0}, holders{0}, open_line{0};

/// Only what POSIX allows in a handler.
void on_interrupt(int signal) {
  ++interrupts;
  std::signal(signal, SIG_DFL);
  if (holders != 0) return;
  constexpr std::string_view kMessage = "\nespalier: interrupted\n";
  const std::string_view message = kMessage.substr(open_line ? 0 : 1);
  const ssize_t ignored = write(STDERR_FILENO, message.data(), message.size());
  (void)ignored;
  _exit(kExitInterrupted);
}

}  // namespace

void catch_interrupts() {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
}

HeldInterrupts::HeldInterrupts() { ++holders; }
HeldInterrupts::~HeldInterrupts() { --holders; }

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
    open_line = terminal && count != kernels;
    return true;
  };
}

}  // namespace espalier::cli
