#include "codegen/measure/pinned_core.h"

#if defined(__linux__)
#include <sched.h>
#endif

namespace espalier {

#if defined(__linux__)

struct PinnedCore::Affinity {
  cpu_set_t cores;
};

PinnedCore::PinnedCore() : before_(std::make_unique<Affinity>()) {
  const int core = sched_getcpu();
  if (core < 0 || sched_getaffinity(0, sizeof before_->cores, &before_->cores) != 0) return;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(core, &one);
  if (sched_setaffinity(0, sizeof one, &one) == 0) core_ = core;
}

PinnedCore::~PinnedCore() {
  if (core_ >= 0) static_cast<void>(sched_setaffinity(0, sizeof before_->cores, &before_->cores));
}

#else

struct PinnedCore::Affinity {};
PinnedCore::PinnedCore() = default;
PinnedCore::~PinnedCore() = default;

#endif

}  // namespace espalier
