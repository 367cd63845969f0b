#pragma once

#include <functional>

#include "codegen/library/compile_library.h"

namespace espalier::cli {

/// Says on standard error which kernel is done: one line that rewrites itself on a terminal, plain lines elsewhere.
std::function<bool(const CompiledKernel&)> progress_reporter(size_t kernels);

/// Makes SIGINT and SIGTERM end the program with kExitInterrupted: at once, wherever it is, because what it computes is
/// in memory only; except while there is a HeldInterrupts.
void catch_interrupts();
inline constexpr int kExitInterrupted = 130;

/// While one lives, an interrupt waits, so that what is half written can be completed or removed first; a second one
/// ends the program all the same. Ask interrupted() afterwards.
class HeldInterrupts {
 public:
  HeldInterrupts();
  ~HeldInterrupts();
  HeldInterrupts(const HeldInterrupts&) = delete;
  HeldInterrupts& operator=(const HeldInterrupts&) = delete;
};
bool interrupted();

}  // namespace espalier::cli
