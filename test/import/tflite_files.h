// Small TFLite models for the tests, written with flatbuffers' own builder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "npy_zip_files.h"

namespace espalier::test {

/// One level of a sparse tensor. Types: 1 int32, 2 uint16, 3 uint8.
struct TestLevel {
  int8_t format = 0;
  int32_t dense_size = 0;
  std::vector<int32_t> segments{}, indices{};
  uint8_t segments_type = 1, indices_type = 1;
};

struct TestSparsity {
  std::vector<int32_t> traversal_order{}, block_map{};
  std::vector<TestLevel> levels{};
};

struct TestTensor {
  std::string name{};
  std::vector<int32_t> shape{};
  std::string data{};  ///< empty: not constant
  int8_t type = 0;     ///< 0 float32, 1 float16, 9 int8
  std::optional<TestSparsity> sparsity{};
  std::vector<float> scales{};
  std::vector<int64_t> zero_points{};
  int32_t quantized_dimension = 0;
  uint64_t outside = 0;              ///< where the data lie behind the flatbuffer
  std::optional<uint32_t> buffer{};  ///< instead of a buffer of its own
};

/// A field of an options table, by its number in the schema.
struct TestOption {
  unsigned field;
  std::variant<int8_t, int32_t, float, std::vector<int32_t>> value;
};

struct TestOperator {
  int32_t code = 3;  ///< 3 CONV_2D, 4 DEPTHWISE_CONV_2D, 6 DEQUANTIZE, 9 FULLY_CONNECTED, 124 DENSIFY
  std::vector<int32_t> inputs{}, outputs{};
  int8_t activation = 0;
  int32_t stride = 1;
  int8_t weights_format = 0;
  std::optional<uint32_t> code_index{};
  std::optional<std::vector<TestOption>> options{};  ///< instead of those above
  std::string custom_code{};
};

struct TestModel {
  std::vector<TestTensor> tensors{};
  std::vector<TestOperator> operators{};
  std::vector<int32_t> inputs{}, outputs{};  ///< of the graph
  uint32_t version = 3;
  uint32_t more_codes = 0;  ///< how often the first operator code is listed again
};

std::string tflite_file(const TestModel& model);

/// A 1x1 convolution, 4 x 6 channels over 5 x 7 pixels, with sparse weights in CSR behind DENSIFY, a bias of 0, 1, 2, 3
/// and ReLU6. Tensors: 0 input, 1 weights (packed), 2 weights (dense), 3 bias, 4 output. The weights are
/// fixture_matrix().
TestModel sparse_conv_model();

/// The same layer with dense fp32 weights. Tensors: 0 input, 1 weights, 2 bias, 3 output.
TestModel dense_conv_model();

/// The 4 x 6 matrix of all fixtures (also of data/), row-major: 7 non-zeros, row 2 empty.
std::vector<float> fixture_dense();

}  // namespace espalier::test
