// Small inputs that the tests of the command line compile.
#pragma once

#include <string>
#include <vector>

namespace espalier::test {

/// A 4 x 5 Matrix Market file with 6 non-zeros whose products with small whole numbers are exact in fp32, in any order.
std::string small_matrix();
/// The same, row-major.
std::vector<float> small_matrix_dense();

/// An .npz file with `layers` dense 1x1 layers of `rows` x `columns`, named layer0, layer1, ...; every third weight is
/// zero.
std::string layers_file(size_t layers, size_t rows, size_t columns);

/// Three layers, of which the middle one has a NaN.
std::string layers_with_nan_in_the_middle();
/// Three layers, of which the middle one has 2,000,000 input channels: too many for 784 pixels.
std::string layers_with_a_huge_one_in_the_middle();
/// Two layers that differ in capitals only.
std::string layers_that_differ_in_capitals();

/// TFLite: one 1x1 convolution of 4 x 6 channels over 5 x 7 pixels, sparse weights, bias and ReLU6.
std::string small_model();

}  // namespace espalier::test
