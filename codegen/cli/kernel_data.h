// Inputs and outputs of kernels: seeded, in memory and as raw files.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ir/kernel_spec.h"

namespace espalier::cli {

/// X of a kernel: all of its rows or panels, floats from SeededRandom(seed).weight() in order.
std::vector<float> seeded_input(const KernelSpec& spec, uint64_t seed);

/// Y to be filled: all of its rows or panels, zero.
std::vector<float> empty_output(const KernelSpec& spec);

/// Which output channel each row of Y is, by kernel; empty where rows are channels.
using OutputOrders = std::map<std::string, std::vector<uint32_t>>;
/// Of all layers of a manifest.json. Errors: kSystem; kBadInput for a file that is no manifest.
Result<OutputOrders> read_output_orders(const std::string& manifest);

/// Raw little-endian fp32 files. Errors: kSystem; kBadInput for a file of another size.
Status write_floats(const std::string& path, const std::vector<float>& values);
Result<std::vector<float>> read_floats(const std::string& path, size_t count);

}  // namespace espalier::cli
