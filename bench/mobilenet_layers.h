// The twelve sparse layers that the paper's own MobileNetV1 comes with.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "ir/error.h"
#include "ir/kernel_spec.h"

namespace espalier {

struct MobileNetLayers {
  std::vector<KernelSpec> specs;  ///< in the network's order; recommended strides, bias, ReLU, pixels fixed
  std::string source;             ///< where the weights come from, for the heading of a report
};

/// The layers contraction_1x1_0 .. 11 of `path` (mobilenet_v1_1.0_90.npz). Their pixel counts (112^2 .. 7^2) follow
/// from the network. An empty path looks into $ESPALIER_DATA and ../shared/data; if there is no such file, seeded
/// matrices of the same shapes at 90 % zeros take its place. Errors: those of read_matrices for a file that exists;
/// kBadInput for a layer that it lacks or that has another shape.
Result<MobileNetLayers> mobilenet_layers(const std::filesystem::path& path = {});

}  // namespace espalier
