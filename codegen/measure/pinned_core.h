// Keeps a measurement on one core.
#pragma once

#include <memory>

namespace espalier {

/// While it lives, the calling thread stays on the core it was on: caches stay warm, and the FMA peak, the streaming
/// time and the kernel are measured on the same core. Where the system has no such call (macOS) it does nothing.
class PinnedCore {
 public:
  PinnedCore();
  ~PinnedCore();
  PinnedCore(const PinnedCore&) = delete;
  PinnedCore& operator=(const PinnedCore&) = delete;

  /// The core's number, or -1 when the thread could not be pinned.
  int core() const { return core_; }

 private:
  struct Affinity;
  std::unique_ptr<Affinity> before_;
  int core_ = -1;
};

}  // namespace espalier
