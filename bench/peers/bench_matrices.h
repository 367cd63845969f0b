// The matrices of bench/peers.
#pragma once

#include <string>
#include <vector>

#include "ir/error.h"
#include "ir/kernel_spec.h"

namespace espalier {

struct BenchMatrix {
  std::string group;  ///< geometric means are taken over each: "90 %"
  KernelSpec spec;    ///< pixels fixed, recommended strides
};

struct MatrixChoice {
  std::string mobilenet;           ///< see mobilenet_layers
  std::vector<std::string> files;  ///< any file that read_matrices takes; replaces the built-in matrices
  uint32_t pixels = 196;           ///< of files that do not say
  std::vector<double> sparsities;  ///< nominal ones to keep, of the built-in matrices; empty: all
  std::string layer = ".";         ///< only names that match this regular expression
};

struct BenchMatrices {
  std::vector<BenchMatrix> matrices;
  std::string source;  ///< for the heading
};

/// The 12 layers of MobileNetV1 and, like those of the Deep Learning Matrix Collection (but seeded, so uniform), 1x1
/// convolutions of ResNet-50's sizes at 70, 80, 90, 95 and 98 % zeros with bias and ReLU; or the matrices of the files,
/// grouped by their sparsity in whole percent. Errors: those of the readers; kBadInput for a bad expression and when
/// nothing is left.
Result<BenchMatrices> bench_matrices(const MatrixChoice& choice);

}  // namespace espalier
