// The matrices of ../shared/data, as specifications to compile.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "ir/kernel_spec.h"

namespace espalier::test {

/// ESPALIER_DATA, or ../shared/data beside the source tree.
std::filesystem::path data_folder();

/// Empty when the data folder is there, else the reason to skip.
std::string data_missing();

/// The 12 sparse 1x1 layers of mobilenet_v1_1.0_90.npz, each at its own pixel count (12544 down to 49), with its bias
/// and ReLU. Failures are reported to GoogleTest here and below.
std::vector<KernelSpec> mobilenet_layers();

/// The five shares of zeros that the Deep Learning Matrix Collection's ResNet-50 was pruned to, as its folders say.
inline constexpr const char* kDlmcSparsities[] = {"0.7", "0.8", "0.9", "0.95", "0.98"};

/// The 54 matrices of one sparsity, in the order of their names: seeded values, the pixel count of
/// rn50_batchsizes.txt, but at most `max_pixels`, no bias and no clamp.
std::vector<KernelSpec> dlmc_matrices(std::string_view sparsity, uint32_t max_pixels = 784);

/// `count` of all 270: in the order of rows, columns, name and sparsity, the matrices number 0, 270 / count,
/// 2 * 270 / count, ... (rounded down). So every shape is there as often as in the collection, and the sparsities take
/// turns. Only matrices of at most `max_nonzeros` are counted.
std::vector<KernelSpec> dlmc_sample(size_t count, uint32_t max_pixels, uint64_t max_nonzeros = UINT64_MAX);

/// Every sparse 1x1 convolution (more than half zeros) of the TFLite model that ESPALIER_FACE_MODEL names.
std::vector<KernelSpec> face_layers();

/// Empty when ESPALIER_FACE_MODEL names a file, else the reason to skip.
std::string face_model_missing();

/// The layer with at most `max_pixels` pixels of its own.
KernelSpec with_pixels(KernelSpec spec, uint32_t max_pixels);

/// X for a specification: columns x input_stride seeded values in [-1, 1].
std::vector<float> input_for(const KernelSpec& spec, uint64_t seed);

}  // namespace espalier::test
