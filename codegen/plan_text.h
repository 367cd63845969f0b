#pragma once

#include <string>

#include "codegen/kernel_plan.h"

namespace espalier {

/// The plan as text for --dump-dir: schedule, pixel tiles, row groups and chunks; then the program as far as it exists.
std::string describe(const KernelPlan& plan);

}  // namespace espalier
